// The second day of an array on a real kernel: disks are replaced, it grows, it is scrubbed, its power
// is cut while its data moves. What was written stays, and the pool stays mounted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { annotations } from '../../src/api/names.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { conditionOf, disposable, HostWorld, raid } from './world.ts';

const small = ['a1', 'b2', 'c3', 'd4', 'e5'];
const large = ['f6', 'a7', 'b8'];
let world: HostWorld;

before(async () => {
  world = await HostWorld.start({
    disks: [
      ...small.map((serial) => ({ serial, sizeMebibytes: 192 })),
      ...large.map((serial) => ({ serial, sizeMebibytes: 288 })),
    ],
  });
});
after(() => world?.close());

const source = (...serials: string[]) => ({
  spec: {
    mdadm: { source: { type: 'Devices', devices: serials.map((serial) => ({ serial })) } },
  },
});

/** Slow enough for a percentage to be seen, or as fast as it goes. */
async function pace(kibibytesPerSecond: number): Promise<void> {
  const files = '/proc/sys/dev/raid/speed_limit_min /proc/sys/dev/raid/speed_limit_max';
  await world.machine.run(
    `modprobe md-mod; echo ${kibibytesPerSecond} | tee ${files} ${files.split(' ')[0]} > /dev/null`,
  );
}

const isSynced = ({ status }: StoragePool): boolean =>
  status?.array?.initialSyncCompletedAt !== undefined && status.phase === 'Active';

const shows = (serials: readonly string[]) =>
  function exactly({ status }: StoragePool): boolean {
    const drives = status?.drives ?? [];
    return (
      drives.length === serials.length &&
      drives.every(({ serial, state }) => serials.includes(serial ?? '') && state === 'Active')
    );
  };

async function precious(name: string): Promise<string> {
  const { mountPath } = (await world.pool(name))!.status!;
  await world.machine.run(`head -c 30000000 /dev/urandom > ${mountPath}/data; sync`);
  return world.machine.run(`sha256sum < ${mountPath}/data`);
}

async function assertKept(name: string, sum: string): Promise<void> {
  const { mountPath } = (await world.pool(name))!.status!;
  await world.machine.run('echo 3 > /proc/sys/vm/drop_caches');
  assert.equal(await world.machine.run(`sha256sum < ${mountPath}/data`), sum);
}

const commandsOf = async (name: string): Promise<string[]> =>
  (await world.pool(name))!.status!.commands.map(({ command }) => command);

test('a mirror: a working disk is replaced, then a failed one, and both are let go', async () => {
  await pace(200_000);
  await world.create('mirror', disposable('mirror', raid(1, ['a1', 'b2'])));
  await world.until('mirror', 'synchronised', isSynced);
  const sum = await precious('mirror');
  await pace(3000);
  await world.patch('mirror', source('a1', 'c3'));
  const during = await world.until(
    'mirror',
    'replacing, with a percentage',
    ({ status }) => status?.phase === 'Rebuilding' && status.progress?.percent !== undefined,
  );
  assert.equal(conditionOf(during, 'ArrayHealthy')?.status, 'True');
  assert.equal(during.status?.array?.degradedCount, 0);
  await pace(200_000);
  await world.until('mirror', 'replaced', shows(['a1', 'c3']));
  await world.untilTrue('b2 is free again', async () => {
    const device = (await world.node())!.status!.devices.find(({ serial }) => serial === 'b2');
    return device?.claimedBy === undefined && device?.contents.type !== 'RaidMember';
  });
  const { status } = (await world.pool('mirror'))!;
  await world.machine.run(`mdadm ${status!.array!.devicePath} --fail ${status!.drives[0]!.path}`);
  await world.untilPhase('mirror', 'Degraded');
  await world.patch('mirror', source('d4', 'c3'));
  await world.until('mirror', 'rebuilt', shows(['d4', 'c3']));
  await assertKept('mirror', sum);
});

test('a mirror grows onto larger disks, and its filesystem follows', async () => {
  const before = (await world.pool('mirror'))!.status!.sizeBytes!;
  const sum = await precious('mirror');
  await world.patch('mirror', source('f6', 'a7'));
  await world.until(
    'mirror',
    'larger',
    ({ status }) => (status?.sizeBytes ?? 0) > before * 1.3 && status?.phase === 'Active',
  );
  const commands = await commandsOf('mirror');
  assert.ok(commands.some((line) => /^mdadm --grow .* --size=max$/.test(line)));
  assert.ok(commands.some((line) => /^resize2fs /.test(line)));
  await assertKept('mirror', sum);
  assert.match(await world.machine.run('cat /proc/mdstat'), /\[UU\]/);
});

test('a scrub on request finds nothing, and finds what was changed behind its back', async () => {
  const ask = (value: string) =>
    world.patch('mirror', { metadata: { annotations: { [annotations.scrubRequestedAt]: value } } });
  await ask('first');
  await world.until(
    'mirror',
    'clean',
    (pool) => conditionOf(pool, 'ArrayConsistent')?.reason === 'ScrubClean',
  );
  const { status } = (await world.pool('mirror'))!;
  await world.machine.run(
    `dd if=/dev/urandom of=${status!.drives[1]!.path} bs=1M seek=200 count=1 oflag=direct`,
  );
  await ask('second');
  const pool = await world.until(
    'mirror',
    'counted',
    (now) => conditionOf(now, 'ArrayConsistent')?.reason === 'MismatchesFound',
  );
  assert.ok((pool.status?.array?.scrub?.mismatchCount ?? 0) > 0);
  assert.equal(pool.status?.phase, 'Active');
  await world.remove('mirror');
});

test('a RAID5 takes in another disk; the power is cut while its data moves', async () => {
  await pace(200_000);
  await world.create('five', disposable('five', raid(5, ['a1', 'c3', 'd4'], { chunkKiB: 64 })));
  await world.until('five', 'synchronised', isSynced);
  const sum = await precious('five');
  const before = (await world.pool('five'))!.status!.sizeBytes!;
  await pace(2000);
  await world.patch('five', source('a1', 'c3', 'd4', 'e5'));
  await world.until(
    'five',
    'reshaping',
    ({ status }) => status?.array?.syncAction === 'reshape' && (status.array.syncPercent ?? 0) > 2,
  );
  await assertKept('five', sum);
  await world.machine.cutPower();
  await world.machine.boot();
  await pace(200_000);
  await world.startAgent();
  await world.until(
    'five',
    'larger',
    ({ status }) => (status?.sizeBytes ?? 0) > before * 1.3 && status?.phase === 'Active',
  );
  assert.ok(shows(['a1', 'c3', 'd4', 'e5'])((await world.pool('five'))!));
  await assertKept('five', sum);
});

test('a disk that is pulled out and put back is taken in again', async () => {
  const sum = await precious('five');
  await world.machine.disk('unplug', 'e5');
  const pool = await world.untilPhase('five', 'Degraded');
  assert.equal(pool.status!.drives.find(({ serial }) => serial === 'e5')?.state, 'Missing');
  await world.machine.disk('plug', 'e5');
  await world.until('five', 'whole', shows(['a1', 'c3', 'd4', 'e5']));
  await assertKept('five', sum);
  await world.remove('five');
});
