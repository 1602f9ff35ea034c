// One look at an array: the disks that may be touched, the array itself, what is on it, where it is
// mounted.
import { type DeviceFacts, identityKey, resolveDevice } from '../../plan/disks.ts';
import {
  arrayUuidOf,
  isRunning,
  type MdadmFacts,
  type MdadmIntent,
} from '../../plan/node-mount-mdadm-facts.ts';
import { formatTime } from '../../runtime/clock.ts';
import { deviceNumber, findArray, staleCreatingMarkers } from '../arrays.ts';
import { readFilesystem } from '../filesystems.ts';
import type { HostPort } from '../host-port.ts';
import { readContents } from '../inventory/contents.ts';
import { listDevices } from '../inventory/lsblk.ts';
import { inspectMountPoint } from '../mounts.ts';
import { missingForArray } from '../preflight.ts';
import type { GatherContext } from './context.ts';

export async function gatherMdadm(
  intent: MdadmIntent,
  uid: string,
  { host, journal, claims, preflight, isCreatingElsewhere, clock }: GatherContext,
): Promise<MdadmFacts> {
  const journalFacts = journal.facts(uid);
  const array = await findArray(host, arrayUuidOf(intent));
  const number = array && (await deviceNumber(host, array.kernelName));
  const others = claims.ofOthers(uid);
  const known = [...journalFacts.claims.map(identityKey), ...journalFacts.erasing];
  const listed = await listDevices(host);
  const requested = intent.devices.map((request) => resolveDevice(request, listed));
  // Other mounts' disks are left alone: their commands need them exclusively.
  const wanted = (device: (typeof listed)[number]): boolean =>
    !others.has(identityKey(device)) &&
    (device.filesystemHint === 'linux_raid_member' ||
      known.includes(identityKey(device)) ||
      requested.some((one) => one.type === 'found' && one.device.path === device.path));
  const devices: DeviceFacts[] = [];
  for (const device of listed)
    devices.push(
      wanted(device) ? { ...device, contents: await readContents(host, device) } : device,
    );
  const mountPoint = await inspectMountPoint(host, {
    path: intent.mountPath,
    isOurs: ({ device }) => device !== undefined && device === number,
    readsMarker: true,
    findsForeignHolders: intent.isDeleting && array !== undefined,
  });
  return {
    devices,
    array,
    filesystem:
      array && isRunning(array)
        ? await readFilesystemOf(host, array.path, mountPoint.mounts)
        : none,
    mountPoint,
    journal: journalFacts,
    creatingMarkers: isCreatingElsewhere ? [] : await staleCreatingMarkers(host),
    missing: missingForArray(preflight, intent.level, intent.filesystem),
    claimedByOthers: others,
    arrayHolders:
      (array && (await host.listDirectory(`/sys/block/${array.kernelName}/holders`))) ?? [],
    now: formatTime(clock.now()),
    bootId: (await host.readFile('/proc/sys/kernel/random/boot_id'))?.trim() ?? '',
  };
}

const none = { type: 'none' } as const;

/** While mounted the device can't be opened exclusively; then blkid's word is enough. */
async function readFilesystemOf(
  host: HostPort,
  path: string,
  mounts: MdadmFacts['mountPoint']['mounts'],
): Promise<MdadmFacts['filesystem']> {
  const found = await readFilesystem(host, path);
  const mounted = mounts.find(({ isOurs }) => isOurs);
  if (found.type === 'unknown' && mounted)
    return { type: 'found', filesystem: mounted.filesystem, uuid: undefined };
  return found;
}
