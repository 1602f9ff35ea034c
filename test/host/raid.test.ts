// RAID pools on a real kernel, from their creation to their end. The agent is confined like a
// container's: it reaches the host's tools and mounts through nsenter.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { conditionOf, disposable, HostWorld, raid } from './world.ts';

const MEBIBYTE = 1024 * 1024;
const disk = (serial: string, sizeMebibytes = 192) => ({ serial, sizeMebibytes });
let world: HostWorld;

before(async () => {
  world = await HostWorld.start({
    contained: true,
    disks: [
      disk('drive-scsi1', 256),
      disk('drive-scsi2', 256),
      ...['a1', 'b2', 'c3', 'd4', 'e5'].map((serial) => disk(serial)),
    ],
  });
});
after(() => world?.close());

test('a mirror of two disks goes from Pending through Creating, with live progress, to Active', async () => {
  // Slow enough for the first synchronisation to be seen.
  await world.machine.run(
    'modprobe md-mod; echo 500 | tee /proc/sys/dev/raid/speed_limit_min > /proc/sys/dev/raid/speed_limit_max',
  );
  const seen = new Set<string>();
  const note = ({ status }: StoragePool): void => {
    seen.add(status?.phase ?? 'none');
    const { step, percent } = status?.progress ?? {};
    if (step) seen.add(percent === undefined ? step : `${step} with a percentage`);
  };
  const created = await world.create('pool1', raid(1, ['drive-scsi1', 'drive-scsi2']));
  assert.equal(created.status?.phase, undefined, 'creating returns at once');
  await world.until('pool1', 'Active', (pool) => {
    note(pool);
    return pool.status?.phase === 'Active';
  });
  await world.until('pool1', 'synchronising', (now) => {
    note(now);
    return now.status?.progress?.percent !== undefined;
  });
  await world.machine.run('echo 200000 > /proc/sys/dev/raid/speed_limit_max');
  const pool = await world.until(
    'pool1',
    'synchronised',
    (now) => now.status?.array?.initialSyncCompletedAt !== undefined,
  );
  for (const word of ['Creating', 'Creating the array', 'resync with a percentage', 'Active'])
    assert.ok(seen.has(word), `${word} in ${[...seen]}`);

  const { status } = pool;
  assert.ok(status!.sizeBytes! > 200 * MEBIBYTE && status!.sizeBytes! < 256 * MEBIBYTE);
  assert.ok(status!.usedBytes! > 0 && status!.availableBytes! > 200 * MEBIBYTE);
  assert.ok(status!.usePercent! >= 1);
  assert.deepEqual(
    status!.drives.map(({ serial, state, sizeBytes }) => ({ serial, state, sizeBytes })),
    ['drive-scsi1', 'drive-scsi2'].map((serial) => ({
      serial,
      state: 'Active',
      sizeBytes: 256 * MEBIBYTE,
    })),
  );
  const commands = status!.commands.map(({ command }) => command.split(' ').slice(0, 2).join(' '));
  assert.ok(commands.includes('mdadm --create'), `${commands}`);
  const ended = status!.commands.filter(({ command }) => /^(mdadm|mkfs|mount)/.test(command));
  for (const { command, exitCode, durationSeconds, node } of ended)
    assert.ok(exitCode === 0 && durationSeconds !== undefined && node === 'node-1', command);
  const create = status!.commands.find(({ command }) => command.startsWith('mdadm --create'));
  assert.match(create!.output!, /mdadm: array \/dev\/md\/pk-[0-9a-f]{20} started/);
  assert.doesNotMatch(create!.command, /--run|--force|--assume-clean/);
  const format = status!.commands.find(({ command }) => command.startsWith('mkfs.ext4'));
  assert.match(format!.output!, /Writing inode tables: done/);
  assert.doesNotMatch(format!.command, / -F/);
});

test('the filesystem is really there, and found again by what is in it', async () => {
  const { status } = (await world.pool('pool1'))!;
  const { machine } = world;
  const found = await machine.run(`findmnt -n -o FSTYPE,OPTIONS,PROPAGATION ${status!.mountPath}`);
  assert.match(found, /^ext4 .*nosuid,nodev.*shared/);
  const marker = parse(await machine.run(`cat ${status!.mountPath}/.poolkeeper.json`));
  assert.equal(marker.poolUid, (await world.pool('pool1'))!.metadata.uid);
  const details = await machine.run(`mdadm --detail --export ${status!.array!.devicePath}`);
  assert.match(details, /MD_LEVEL=raid1/);
  assert.match(details, /MD_METADATA=1\.2/);
  assert.match(await machine.run('cat /proc/mdstat'), /bitmap/);
});

test('steady state is silent: no command runs, nothing is written', async () => {
  const pool = await world.until(
    'pool1',
    'at rest',
    (now) => conditionOf(now, 'Reconciling')?.status !== 'True',
  );
  const isSeenInUse = async (): Promise<boolean> => {
    const { devices } = (await world.node())!.status!;
    const mine = devices.filter(({ serial }) => serial?.startsWith('drive-'));
    return mine.every(({ usedBy }) => usedBy?.includes(pool.status!.mountPath!));
  };
  await world.untilTrue('the inventory has seen the mount as well', isSeenInUse, 'pool1');
  const node = await world.node();
  await world.machine.run('sleep 65');
  const [later, laterNode] = [await world.pool('pool1'), await world.node()];
  assert.deepEqual(later!.status, pool.status);
  assert.equal(later!.metadata.resourceVersion, pool.metadata.resourceVersion);
  assert.equal(laterNode!.metadata.resourceVersion, node!.metadata.resourceVersion);
  assert.equal(later!.status!.commands.length, pool.status!.commands.length);
});

test('a restarted agent takes over what is there, without a command', async () => {
  const before = (await world.pool('pool1'))!.status!.commands.length;
  await world.killAgent();
  const started = (await world.node())!.status!.agent!.startedAt;
  await world.startAgent();
  await world.untilTrue(
    'the agent reports again',
    async () => (await world.node())!.status!.agent!.startedAt !== started,
  );
  const { status } = await world.untilPhase('pool1', 'Active');
  assert.equal(status!.commands.length, before);
});

test('retained: unmounted and stopped, every byte of the members stays', async () => {
  const { status } = (await world.pool('pool1'))!;
  const { machine } = world;
  await machine.run(`echo precious > ${status!.mountPath}/data`);
  await world.remove('pool1');
  assert.doesNotMatch(await machine.run('cat /proc/mdstat'), /^md/m);
  assert.equal((await machine.try(`findmnt ${status!.mountPath}`)).status, 1);
  assert.equal((await machine.try(`ls -d ${status!.mountPath}`)).status, 2);
  const examined = await machine.run(`mdadm --examine ${status!.drives[0]!.path}`);
  assert.match(examined, /Array UUID/);
});

test('its disks are not for a pool that merely names them', async () => {
  await world.create('greedy', raid(1, ['drive-scsi1', 'drive-scsi2']));
  const message = await world.untilRefused('greedy', 'DeviceNotBlank');
  assert.match(message, /holds a member of the RAID array any:pk-[0-9a-f]{20} \([0-9a-f-]{36}\)/);
  assert.deepEqual((await world.pool('greedy'))!.status!.commands, []);
  await world.remove('greedy');
});

test('adopted by its UUID: it runs again, its data is there; destroyed, nothing is left', async () => {
  const { machine } = world;
  const path = '/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_drive-scsi1';
  const examined = await machine.run(`mdadm --examine --export $(readlink -f ${path})`);
  const hex = /MD_UUID=(\S+)/.exec(examined)![1]!.replaceAll(':', '');
  const arrayUUID = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const source = { type: 'Adopt', adopt: { arrayUUID } };
  const mdadm = { nodeName: 'node-1', level: 1, source };
  await world.create('adopted', disposable('adopted', { type: 'mdadm', mdadm }));
  const { status } = await world.untilPhase('adopted', 'Active');
  assert.equal(await machine.run(`cat ${status!.mountPath}/data`), 'precious\n');
  assert.deepEqual(
    status!.commands.filter(({ command }) => /^(mkfs|mdadm --create|wipefs)/.test(command)),
    [],
  );
  await world.remove('adopted');
  assert.doesNotMatch(await machine.run('cat /proc/mdstat'), /^md/m);
  await expectBlank(['drive-scsi1', 'drive-scsi2']);
});

const levels = {
  'level 0, ext4': { level: 0, serials: ['a1', 'b2'], filesystem: 'ext4', members: 2 },
  'level 4, ext4': { level: 4, serials: ['a1', 'b2', 'c3'], filesystem: 'ext4', members: 3 },
  'level 5, xfs, with a spare': {
    level: 5,
    serials: ['a1', 'b2', 'c3', 'd4'],
    filesystem: 'xfs',
    spares: 1,
    members: 3,
  },
  'level 6, ext4': {
    level: 6,
    serials: ['a1', 'b2', 'c3', 'd4'],
    filesystem: 'ext4',
    members: 4,
  },
  'level 10, ext4, chunk of 64 KiB': {
    level: 10,
    serials: ['a1', 'b2', 'c3', 'd4'],
    filesystem: 'ext4',
    chunkKiB: 64,
    members: 4,
  },
};
for (const [sentence, { serials, level, members, ...more }] of Object.entries(levels))
  test(`made and destroyed again: ${sentence}`, async () => {
    await world.create('striped', disposable('striped', raid(level, serials, more)));
    const pool = await world.until(
      'striped',
      'Active and complete',
      ({ status }) =>
        status?.phase === 'Active' && status.array?.initialSyncCompletedAt !== undefined,
    );
    assert.equal(pool.status!.array!.memberCount, members);
    const { mountPath } = pool.status!;
    await world.machine.run(`echo precious > ${mountPath}/data`);
    await world.remove('striped');
    assert.doesNotMatch(await world.machine.run('cat /proc/mdstat'), /^md/m);
    await expectBlank(serials);
  });

async function expectBlank(serials: readonly string[]): Promise<void> {
  for (const serial of serials) {
    const path = `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`;
    assert.equal((await world.machine.try(`blkid -p ${path}`)).status, 2, serial);
    const ends = `(head -c ${MEBIBYTE} ${path}; tail -c ${MEBIBYTE} ${path}) | tr -d '\\0' | wc -c`;
    assert.equal((await world.machine.run(ends)).trim(), '0', `${serial}: both ends are zero`);
  }
  await world.untilTrue('the disks may be taken again', async () => {
    const devices = (await world.node())!.status!.devices;
    return serials.every(
      (serial) => devices.find((device) => device.serial === serial)?.eligible === true,
    );
  });
}
