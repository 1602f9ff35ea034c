// Every program a simulated machine has installed.
import { df, stat } from './capacity.ts';
import { iscsiadm } from './iscsi.ts';
import { lsblk } from './lsblk.ts';
import { mdadm } from './mdadm.ts';
import { mkfsExt4, mkfsXfs } from './mkfs.ts';
import { findmnt, mount, umount } from './mount.ts';
import type { Program } from './program.ts';
import { resize2fs, xfsGrowfs } from './resize.ts';
import { blkid, wipefs } from './signatures.ts';
import * as system from './system.ts';

export const programs: ReadonlyMap<string, Program> = new Map<string, Program>([
  ['lsblk', lsblk],
  ['blkid', blkid],
  ['wipefs', wipefs],
  ['mdadm', mdadm],
  ['mkfs.ext4', mkfsExt4],
  ['mkfs.xfs', mkfsXfs],
  ['resize2fs', resize2fs],
  ['xfs_growfs', xfsGrowfs],
  ['mount', mount],
  ['umount', umount],
  ['findmnt', findmnt],
  ['stat', stat],
  ['df', df],
  ['iscsiadm', iscsiadm],
  ['mount.nfs', system.versionOnly('mount.nfs: (linux nfs-utils 2.6.2)')],
  [
    'mount.ceph',
    system.versionOnly('mount.ceph monaddr1[,monaddr2,...]:/[subdir] dir [-o options ]'),
  ],
  ['flock', system.versionOnly('flock from util-linux 2.38.1')],
  ['readlink', system.readlink],
  ['fuser', system.fuser],
  ['mkdir', system.mkdir],
  ['rmdir', system.rmdir],
  ['chattr', system.chattr],
  ['lsattr', system.lsattr],
  ['cat', system.cat],
  ['rm', system.rm],
  ['modprobe', system.modprobe],
  ['sync', system.sync],
  ['dmesg', system.dmesg],
  ['udevadm', system.udevadm],
  ['lsns', system.lsns],
  ['dd', system.dd],
]);
