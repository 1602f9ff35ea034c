// Sessions and units as open-iscsi reports them, and the paths that lead to one unit.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CommandResult, HostPort } from './host-port.ts';
import { lookAtUnit, parseSessions } from './iscsi.ts';

/** As `iscsiadm -m session -P 3` of open-iscsi 2.1.8 prints it: two portals of one target. */
const report = `iSCSI Transport Class version 2.0-870
version 2.1.8
Target: iqn.2026-01.com.example:data (non-flash)
	Current Portal: 10.0.0.5:3260,1
	Persistent Portal: 10.0.0.5:3260,1
		**********
		Interface:
		**********
		Iface Name: default
		Iface Transport: tcp
		Iface Initiatorname: iqn.1993-08.org.debian:01:abc
		SID: 3
		iSCSI Connection State: LOGGED IN
		iSCSI Session State: LOGGED_IN
		Internal iscsid Session State: NO CHANGE
		************************
		Attached SCSI devices:
		************************
		Host Number: 2	State: running
		scsi2 Channel 00 Id 0 Lun: 0
		scsi2 Channel 00 Id 0 Lun: 1
			Attached scsi disk sdb		State: running
	Current Portal: [fd00::5]:3260,1
	Persistent Portal: [fd00::5]:3260,1
		SID: 4
		iSCSI Session State: FAILED
		scsi3 Channel 00 Id 0 Lun: 1
			Attached scsi disk sdc		State: transport-offline
Target: iqn.2026-01.com.example:other (non-flash)
	Current Portal: 10.0.0.6:3260,1
		SID: 5
		iSCSI Session State: LOGGED_IN
`;

test('a report is read by target, session and unit', () => {
  const sessions = parseSessions(report);
  assert.deepEqual(
    sessions.map(({ target, id, portal, state }) => [target.split(':')[1], id, portal, state]),
    [
      ['data', 3, '10.0.0.5:3260', 'LOGGED_IN'],
      ['data', 4, '[fd00::5]:3260', 'FAILED'],
      ['other', 5, '10.0.0.6:3260', 'LOGGED_IN'],
    ],
  );
  // The first unit is the target's own controller: there is no disk for it.
  assert.deepEqual(sessions[0]?.units, [
    { lun: 0, kernelName: undefined },
    { lun: 1, kernelName: 'sdb' },
  ]);
  assert.deepEqual(parseSessions(''), []);
});

interface Row {
  name: string;
  fstype?: string;
  joinedBy?: string;
}

/** A host of which only lsblk and what reads disks is ever asked. */
function aHost(rows: readonly Row[]): HostPort {
  const row = ({ name, fstype, joinedBy }: Row): object => ({
    ...{ name: `/dev/${name}`, kname: `/dev/${name}`, path: `/dev/${name}`, type: 'disk' },
    ...{ size: 1024 ** 3, serial: 'lun-1', wwn: '0x6001405abc', model: 'VIRTUAL-DISK' },
    ...{ fstype: fstype ?? null, pttype: null, ro: false, rm: false, rota: false, tran: 'iscsi' },
    mountpoints: [null],
    'maj:min': '8:16',
    ...(joinedBy && {
      children: [
        {
          ...{ name: joinedBy, kname: '/dev/dm-0', path: joinedBy, type: 'mpath' },
          ...{ mountpoints: [null], 'maj:min': '253:0' },
        },
      ],
    }),
  });
  const run = async ({ argv }: { argv: readonly string[] }): Promise<CommandResult> => {
    const stdout = argv[0] === 'lsblk' ? JSON.stringify({ blockdevices: rows.map(row) }) : '';
    const exitCode = argv[0] === 'blkid' ? 2 : argv[0] === 'mdadm' ? 1 : 0;
    const stderr = argv[0] === 'mdadm' ? 'mdadm: No md superblock detected\n' : '';
    const times = { startedAt: 0, durationMilliseconds: 0, timedOut: false };
    return { exitCode, stdout, stderr, ...times };
  };
  const partial = {
    nodeName: 'node-1',
    run,
    readFile: async () => undefined,
    listDirectory: async (path: string) =>
      /sd[bc]\/holders$/.test(path) && rows.some(({ joinedBy }) => joinedBy) ? ['dm-0'] : [],
    isZero: async () => true,
  };
  return partial as unknown as HostPort;
}

const twoPaths = parseSessions(report).filter(({ target }) => target.endsWith(':data'));
const onePath = twoPaths.slice(0, 1);

describe('a unit', () => {
  test('with one path is its disk', async () => {
    const unit = await lookAtUnit(aHost([{ name: 'sdb' }]), onePath, 1);
    assert.ok(unit.type === 'found');
    assert.equal(unit.device.path, '/dev/sdb');
    assert.equal(unit.device.contents?.signatures, 'none');
  });

  test('with two paths is the multipath device, never one of them', async () => {
    const joinedBy = '/dev/mapper/mpatha';
    const host = aHost([
      { name: 'sdb', fstype: 'mpath_member', joinedBy },
      { name: 'sdc', fstype: 'mpath_member', joinedBy },
    ]);
    const unit = await lookAtUnit(host, twoPaths, 1);
    assert.ok(unit.type === 'found');
    assert.equal(unit.device.path, '/dev/dm-0');
    assert.deepEqual(unit.device.children, []);
  });

  test('with two paths that nothing joins is refused', async () => {
    const unit = await lookAtUnit(aHost([{ name: 'sdb' }, { name: 'sdc' }]), twoPaths, 1);
    assert.ok(unit.type === 'unusable');
    assert.equal(unit.reason, 'MultipathRequired');
    assert.match(unit.message, /\/dev\/sdb and \/dev\/sdc/);
  });

  test('that multipathd has claimed without a device of its own is refused', async () => {
    const host = aHost([{ name: 'sdb', fstype: 'mpath_member' }]);
    const unit = await lookAtUnit(host, onePath, 1);
    assert.ok(unit.type === 'unusable');
  });

  test('of which the kernel has no disk, or udev not yet, is absent', async () => {
    assert.equal((await lookAtUnit(aHost([]), onePath, 1)).type, 'absent');
    assert.equal((await lookAtUnit(aHost([{ name: 'sdb' }]), onePath, 7)).type, 'absent');
  });
});
