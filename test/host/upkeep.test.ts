// Arrays in use, on a real kernel: disks fail, are pulled, are replaced and added by editing the pool,
// spares take over, copies are compared. The data is there all the while.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { conditionOf, disposable, HostWorld, nodeName, raid } from './world.ts';

const disks = ['up-a1', 'up-b2', 'up-c3', 'up-d4'] as const;
const [a, b, c, d] = disks;
const link = (serial: string): string => `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`;
let world: HostWorld;

before(async () => {
  world = await HostWorld.start({
    disks: disks.map((serial) => ({ serial, sizeMebibytes: 128 })),
  });
});
after(() => world?.close());

interface Named {
  readonly serial: string;
  readonly wipe?: { readonly confirm: string };
}

const confirmed = (serial: string): Named => ({ serial, wipe: { confirm: serial } });

async function name(pool: string, devices: readonly Named[]): Promise<void> {
  await world.patch(pool, { spec: { mdadm: { source: { devices } } } });
}

const states = ({ status }: StoragePool): Record<string, string> =>
  Object.fromEntries(status!.drives.map(({ serial, state }) => [serial, state]));

async function untilWhole(pool: string, serials: readonly string[]): Promise<StoragePool> {
  return await world.until(pool, `whole with ${serials}`, (now) => {
    const found = now.status ? states(now) : {};
    return (
      now.status?.phase === 'Active' &&
      Object.keys(found).length === serials.length &&
      serials.every((serial) => found[serial] === 'Active')
    );
  });
}

async function throttle(kibibytesPerSecond: number): Promise<void> {
  await world.machine.run(
    `modprobe md-mod; echo ${Math.min(1000, kibibytesPerSecond)} > /proc/sys/dev/raid/speed_limit_min
     echo ${kibibytesPerSecond} > /proc/sys/dev/raid/speed_limit_max`,
  );
}

async function expectPrecious(pool: string): Promise<void> {
  const { status } = (await world.pool(pool))!;
  await world.machine.run(`cd ${status!.mountPath} && sha1sum -c sums`);
}

describe('a mirror', () => {
  test('of two disks is made, and data written', async () => {
    await world.create('mirror', disposable('mirror', raid(1, [a, b])));
    const { status } = await untilWhole('mirror', [a, b]);
    await world.machine.run(
      `cd ${status!.mountPath} && head -c 20M /dev/urandom > data && sha1sum data > sums && sync`,
    );
  });

  test('whose member fails is Degraded, and says which', async () => {
    const { status } = (await world.pool('mirror'))!;
    await world.machine.run(`mdadm ${status!.array!.devicePath} --fail $(readlink -f ${link(b)})`);
    const pool = await world.untilPhase('mirror', 'Degraded');
    assert.deepEqual(states(pool), { [a]: 'Active', [b]: 'Faulty' });
    assert.equal(conditionOf(pool, 'Ready')?.status, 'True');
    assert.equal(conditionOf(pool, 'ArrayHealthy')?.reason, 'ArrayDegraded');
  });

  test('gets another disk by naming it: rebuilt with a percentage; the failed one is let go', async () => {
    await throttle(1000);
    await name('mirror', [{ serial: a }, { serial: c }]);
    await world.until(
      'mirror',
      'Rebuilding with a percentage',
      ({ status }) => status?.phase === 'Rebuilding' && status.progress?.percent !== undefined,
    );
    await throttle(200_000);
    await untilWhole('mirror', [a, c]);
    await world.untilTrue('the failed one belongs to nobody', async () => {
      const devices = (await world.node())!.status!.devices;
      return devices.find(({ serial }) => serial === b)?.claimedBy === undefined;
    });
    const examined = await world.machine.try(`mdadm --examine ${link(b)}`);
    assert.doesNotMatch(examined.output, /Array UUID/);
    await expectPrecious('mirror');
  });

  test('whose working member is replaced never lacks redundancy', async () => {
    await throttle(1000);
    await name('mirror', [{ serial: d }, { serial: c }]);
    const pool = await world.untilPhase('mirror', 'Rebuilding');
    assert.equal(pool.status!.array!.degradedCount, 0);
    await throttle(200_000);
    await untilWhole('mirror', [d, c]);
    await expectPrecious('mirror');
  });

  test('whose disk is pulled is Degraded; put back, it is taken in again by itself', async () => {
    await world.machine.disk('unplug', c);
    const pool = await world.untilPhase('mirror', 'Degraded');
    assert.match(states(pool)[c]!, /Missing|Faulty/);
    await expectPrecious('mirror');
    await world.machine.disk('plug', c);
    await untilWhole('mirror', [c, d]);
  });

  test('is compared on request', async () => {
    const annotations = { 'poolkeeper.dev/scrub-requested-at': 'now' };
    await world.patch('mirror', { metadata: { annotations } });
    const pool = await world.until(
      'mirror',
      'compared',
      (now) => conditionOf(now, 'ArrayConsistent')?.reason === 'ScrubClean',
    );
    assert.equal(pool.status!.array!.scrub!.mismatchCount, 0);
    assert.ok(pool.status!.array!.scrub!.completedAt);
  });

  test('survives a power cut', async () => {
    await world.machine.cutPower();
    await world.machine.boot();
    await world.startAgent();
    const { status } = (await world.pool('mirror'))!;
    await world.untilTrue(
      'mounted again',
      async () => (await world.machine.try(`findmnt ${status!.mountPath}`)).status === 0,
      'mirror',
    );
    await untilWhole('mirror', [c, d]);
    await expectPrecious('mirror');
    await world.remove('mirror');
  });
});

describe('a RAID5', () => {
  const wiped = [a, b, c].map(confirmed);

  test('of three disks takes in a fourth, and the filesystem grows', async () => {
    const source = { type: 'Devices', devices: wiped };
    const mdadm = { nodeName, level: 5, source };
    await world.create('parity', disposable('parity', { type: 'mdadm', mdadm }));
    const { status } = await world.until(
      'parity',
      'complete',
      (now) => now.status?.array?.initialSyncCompletedAt !== undefined,
    );
    await world.machine.run(
      `cd ${status!.mountPath} && head -c 20M /dev/urandom > data && sha1sum data > sums && sync`,
    );
    await name('parity', [...wiped, confirmed(d)]);
    const pool = await world.until(
      'parity',
      'larger',
      (now) => (now.status?.sizeBytes ?? 0) > status!.sizeBytes! * 1.4,
    );
    assert.equal(pool.status!.array!.memberCount, 4);
    await expectPrecious('parity');
    await world.remove('parity');
  });
});

describe('a mirror with a spare', () => {
  test('whose member fails is filled from the other, onto the spare, by itself', async () => {
    const source = { type: 'Devices', devices: [a, b, c].map(confirmed) };
    const mdadm = { nodeName, level: 1, spares: 1, source };
    await world.create('spared', disposable('spared', { type: 'mdadm', mdadm }));
    const { status } = await world.until(
      'spared',
      'complete',
      (now) => now.status?.array?.initialSyncCompletedAt !== undefined,
    );
    const { path } = status!.drives.find(({ state }) => state === 'Active')!;
    await world.machine.run(`mdadm ${status!.array!.devicePath} --fail ${path}`);
    await world.until('spared', 'redundant again', (now) => {
      const found = Object.values(now.status ? states(now) : {});
      return (
        found.filter((state) => state === 'Active').length === 2 &&
        found.includes('Faulty') &&
        now.status?.array?.degradedCount === 0
      );
    });
    await world.remove('spared');
  });
});
