// Arrays that are there already: taken over as they are, or left alone as they are.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GIBIBYTE, type SimulatedDisk } from '../../src/local/hosts/index.ts';
import { blankDisk, mountPath, poolUid, World } from './agent-world.ts';

const UUID = '11111111-2222-4333-8444-555555555555';
const other = poolUid.replace('0f0e', 'ffff');

interface Found {
  readonly world: World;
  readonly disks: readonly SimulatedDisk[];
}

/** A RAID1 that an administrator made by hand, with a file on it, not mounted. */
async function aFoundArray(names: readonly string[] = ['one', 'two', 'three']): Promise<Found> {
  const disks = names.map((name) => blankDisk(name, 4 * GIBIBYTE));
  const world = new World({ disks });
  await world.prepare();
  const { host } = world;
  const paths = disks.slice(0, 2).map((disk) => `/dev/${host.machine.blocks.nameOf(disk)}`);
  const options = ['--level=1', '--raid-devices=2', '--bitmap=internal', `--uuid=${UUID}`];
  const run = async (...argv: string[]): Promise<void> => {
    const { exitCode, stderr } = await host.run({ argv });
    assert.equal(exitCode, 0, stderr);
  };
  await run('mdadm', '--create', '/dev/md/backup', '--name=backup', ...options, ...paths);
  await run('mkfs.ext4', '/dev/md/backup');
  await run('mkdir', '-p', '/mnt/tmp');
  await run('mount', '-t', 'ext4', '/dev/md/backup', '/mnt/tmp');
  await host.writeFile('/mnt/tmp/photos', 'do not lose me');
  await run('umount', '/mnt/tmp');
  host.commands.length = 0;
  return { world, disks };
}

const adoption = (more: object = {}) => ({
  spec: { devices: [], adoptArrayUUID: UUID, ...more },
});

const ran = (world: World, pattern: RegExp): string[] =>
  world.host.commands.map(({ argv }) => argv.join(' ')).filter((line) => pattern.test(line));

const making = /--create|^mkfs\.\w+ -[^V]|--zero-superblock|wipefs -a|^dd if/;

async function untilReason(world: World, reason: string): Promise<string> {
  await world.until(reason, async () => {
    return world.condition(await world.mount(), 'Ready')?.reason === reason;
  });
  return world.condition(await world.mount(), 'Ready')?.message ?? '';
}

describe('an array that is there', () => {
  test('is mounted as it is, its disks are claimed, and nothing is made', async () => {
    const { world } = await aFoundArray();
    world.startAgent();
    await world.createMount(adoption());
    const mount = await world.untilPhase('Mounted');
    assert.equal(await world.host.readFile(`${mountPath}/photos`), 'do not lose me');
    assert.deepEqual(
      mount.status?.drives.map(({ serial, state }) => [serial, state]),
      [
        ['one', 'Active'],
        ['two', 'Active'],
      ],
    );
    assert.equal(mount.status?.array?.uuid, UUID);
    assert.deepEqual(ran(world, making), []);
    const claimed = (await world.storageNode())?.status?.devices ?? [];
    assert.equal(claimed.filter(({ claimedBy }) => claimedBy !== undefined).length, 2);
    await world.stop();
  });

  test('is started first when it does not run, degraded if need be, and that is told', async () => {
    const { world, disks } = await aFoundArray();
    await world.host.run({ argv: ['mdadm', '--stop', '/dev/md/backup'] });
    world.host.machine.blocks.removeDisk(disks[1]!);
    world.startAgent();
    await world.createMount(adoption());
    const mount = await world.untilPhase('Degraded');
    assert.equal(await world.host.readFile(`${mountPath}/photos`), 'do not lose me');
    assert.match(
      world.condition(mount, 'ArrayHealthy')?.message ?? '',
      /1 of 2 members are missing/,
    );
    await world.stop();
  });

  test('can get another disk in place of one, once its disks are named', async () => {
    const { world } = await aFoundArray();
    world.startAgent();
    await world.createMount(adoption({ devices: [{ serial: 'one' }, { serial: 'three' }] }));
    await world.until('replaced', async () => {
      const drives = (await world.mount())?.status?.drives ?? [];
      return drives.length === 2 && drives.every(({ state }) => state === 'Active');
    });
    assert.equal(await world.host.readFile(`${mountPath}/photos`), 'do not lose me');
    await world.stop();
  });

  test('stays on its disks when the pool is deleted, and can be adopted again', async () => {
    const { world } = await aFoundArray();
    world.startAgent();
    await world.createMount(adoption());
    await world.untilPhase('Mounted');
    await world.deleteMount();
    const released = await world.untilPhase('Released');
    assert.match(released.status?.leftBehind.join(' ') ?? '', /stays on 2 disks/);
    await world.releaseCleanedUp();
    await world.createMount({ ...adoption(), poolUid: other });
    await world.untilPhase('Mounted');
    assert.equal(await world.host.readFile(`${mountPath}/photos`), 'do not lose me');
    await world.stop();
  });
});

describe('what is not as the spec says is refused, and left alone also by the deletion', () => {
  const cases: Readonly<Record<string, { spec: object; reason: string; words: RegExp }>> = {
    'another level': {
      spec: { level: 5 },
      reason: 'InvalidSpec',
      words: /RAID1, spec.mdadm.level says 5/,
    },
    'another filesystem': {
      spec: { filesystem: 'xfs' },
      reason: 'FilesystemMismatch',
      words: /holds ext4, not xfs/,
    },
    'another UUID': {
      spec: { adoptArrayUUID: UUID.replace('11111111', '99999999') },
      reason: 'ArrayNotFound',
      words: /No disk of the node carries the array 9999.*Its free disks carry: 1111.*2 disks/,
    },
  };
  for (const [sentence, { spec, reason, words }] of Object.entries(cases))
    test(sentence, async () => {
      const { world } = await aFoundArray();
      world.startAgent();
      await world.createMount(adoption(spec));
      assert.match(await untilReason(world, reason), words);
      await world.deleteMount();
      await world.untilPhase('Released');
      assert.deepEqual(ran(world, making), []);
      if (reason !== 'FilesystemMismatch') assert.deepEqual(ran(world, /--stop/), []);
      await world.stop();
    });

  test('one that is mounted elsewhere', async () => {
    const { world } = await aFoundArray();
    await world.host.run({ argv: ['mount', '-t', 'ext4', '/dev/md/backup', '/mnt/tmp'] });
    world.startAgent();
    await world.createMount(adoption());
    assert.match(await untilReason(world, 'DeviceInUse'), /mounted at \/mnt\/tmp already/);
    await world.deleteMount();
    const released = await world.untilPhase('Released');
    assert.match(released.status?.leftBehind.join(' ') ?? '', /stays mounted at \/mnt\/tmp/);
    assert.deepEqual(ran(world, /--stop|umount/), []);
    assert.equal(await world.host.readFile('/mnt/tmp/photos'), 'do not lose me');
    await world.stop();
  });

  test('one that another pool has', async () => {
    const { world } = await aFoundArray();
    world.startAgent();
    await world.createMount(adoption());
    await world.untilPhase('Mounted');
    await world.createMount({ ...adoption(), name: 'thief-node-1', poolUid: other });
    await world.until('refusal', async () => {
      const thief = await world.mount('thief-node-1');
      return world.condition(thief, 'Ready')?.reason === 'DeviceClaimed';
    });
    const thief = await world.mount('thief-node-1');
    assert.match(world.condition(thief, 'Ready')?.message ?? '', /StoragePool default\/data,/);
    await world.deleteMount('thief-node-1');
    await world.untilPhase('Released', 'thief-node-1');
    assert.equal((await world.mount())?.status?.phase, 'Mounted');
    assert.equal(await world.host.readFile(`${mountPath}/photos`), 'do not lose me');
    assert.deepEqual(ran(world, /--stop|umount/), []);
    await world.stop();
  });
});

test('a new machine under an old name makes nothing in place of an array that held data', async () => {
  const world = new World({ disks: [blankDisk('one'), blankDisk('two')] });
  await world.prepare();
  world.startAgent();
  await world.createAny('data-node-1', {
    type: 'mdadm',
    holdsData: true,
    mdadm: { arrayName: 'data', level: 1, devices: [{ serial: 'one' }, { serial: 'two' }] },
  });
  assert.match(await untilReason(world, 'ArrayNotFound'), /No disk of the node carries the array/);
  assert.deepEqual(ran(world, making), []);
  await world.deleteMount();
  const released = await world.untilPhase('Released');
  assert.match(released.status?.leftBehind.join(' ') ?? '', /No disk of this machine carries/);
  await world.stop();
});
