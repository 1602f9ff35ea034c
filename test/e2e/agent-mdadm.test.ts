// A RAID1 from two blank disks, through the agent: made, kept, refused, undone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeFilesystem, runOf } from '../../src/local/hosts/index.ts';
import { blankDisk, hasBlankEnds, mountPath, World } from './agent-world.ts';

async function aWorld(options: ConstructorParameters<typeof World>[0] = {}): Promise<World> {
  const world = new World({ disks: [blankDisk('one'), blankDisk('two')], ...options });
  await world.prepare();
  world.startAgent();
  return world;
}

describe('an array from blank disks', () => {
  test('is made, mounted, and tells what was done', async () => {
    const world = await aWorld();
    await world.createMount();
    const mount = await world.untilPhase('Mounted');
    assert.equal(world.condition(mount, 'Ready')?.status, 'True');
    assert.equal(mount.status?.mountPath, mountPath);
    assert.equal(mount.status?.filesystem?.type, 'ext4');
    assert.ok(mount.status?.firstMountedAt);
    const commands =
      mount.status?.commands.map(({ command, state }) => `${state} ${command}`) ?? [];
    assert.ok(
      commands.some((line) => /^Succeeded mdadm --create/.test(line)),
      commands.join('\n'),
    );
    assert.ok(commands.some((line) => /^Succeeded mkfs.ext4 -U/.test(line)));
    assert.ok(commands.some((line) => /^Succeeded mount -t ext4/.test(line)));
    const marker = await world.host.readFile(`${mountPath}/.poolkeeper.json`);
    assert.match(marker ?? '', /0f0e0d0c-0b0a/);
    await world.stop();
  });

  test('steady state: no writes to the cluster, no changing command on the node', async () => {
    const world = await aWorld();
    await world.createMount();
    await world.untilPhase('Mounted');
    await world.settle(120);
    const before = await world.mount();
    const commands = world.host.commands.length;
    await world.settle(300);
    assert.equal((await world.mount())?.metadata.resourceVersion, before?.metadata.resourceVersion);
    const later = world.host.commands.slice(commands).map(({ argv }) => argv.join(' '));
    const changing = /--create|--assemble|--stop|--zero|mkfs\.\w+ -[^V]|^u?mount |-a |^dd /;
    assert.deepEqual(
      later.filter((line) => changing.test(line)),
      [],
    );
    await world.stop();
  });

  test('publishes its claim before the first byte is written', async () => {
    const world = await aWorld();
    await world.until('inventory', async () => (await world.storageNode())?.status !== undefined);
    const free = (await world.storageNode())?.status?.devices ?? [];
    assert.deepEqual(
      free.map(({ serial, eligible }) => [serial, eligible]),
      [
        ['os', false],
        ['one', true],
        ['two', true],
      ],
    );
    world.host.faults.add({ matches: runOf('mdadm', '--create'), effect: { type: 'hang' } });
    await world.createMount();
    await world.until('create runs', () =>
      world.host.commands.some(({ argv }) => argv.includes('--create')),
    );
    const claimed = (await world.storageNode())?.status?.devices ?? [];
    assert.deepEqual(
      claimed.map(({ claimedBy }) => claimedBy?.name),
      [undefined, 'data-node-1', 'data-node-1'],
    );
    await world.stop();
  });

  test('shows the progress of the first sync without calling it degraded', async () => {
    const disks = [blankDisk('one', 64 * 1024 ** 3), blankDisk('two', 64 * 1024 ** 3)];
    const world = await aWorld({ disks, speed: 1 });
    await world.createMount();
    const mount = await world.untilPhase('Mounted');
    assert.equal(world.condition(mount, 'ArrayHealthy')?.reason, 'InitialSync');
    assert.equal(world.condition(mount, 'Ready')?.status, 'True');
    await world.until('progress', async () => {
      const percent = (await world.mount())?.status?.progress?.percent ?? 0;
      return percent > 20 && percent < 90;
    });
    await world.until('synced', async () => {
      const array = (await world.mount())?.status?.array;
      return array?.initialSyncCompletedAt !== undefined;
    });
    await world.settle(15);
    const after = await world.mount();
    assert.equal(world.condition(after, 'ArrayHealthy')?.reason, 'ArrayHealthy');
    assert.equal(after?.status?.progress, undefined);
    await world.stop();
  });

  test('comes back after a reboot that renames the disks', async () => {
    const world = await aWorld();
    await world.createMount();
    await world.untilPhase('Mounted');
    await world.host.writeFile(`${mountPath}/precious`, 'bytes');
    world.killAgent();
    world.host.machine.reboot({ shuffleNames: true });
    world.startAgent();
    await world.until(
      'mounted again',
      async () => (await world.host.readFile(`${mountPath}/precious`)) === 'bytes',
    );
    await world.settle(30);
    assert.equal((await world.mount())?.status?.phase, 'Mounted');
    const creations = world.host.commands.filter(({ argv }) => argv.includes('--create'));
    assert.equal(creations.length, 1);
    await world.stop();
  });
});

describe('a disk with somebody else’s data', () => {
  test('is refused with its reason, and not one byte is written', async () => {
    const used = blankDisk('two');
    makeFilesystem(used, 'ext4', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00');
    const other = blankDisk('one');
    const world = await aWorld({ disks: [other, used] });
    const writes = [used.writes, other.writes];
    await world.createMount();
    const mount = await world.untilPhase('Failed');
    const stalled = world.condition(mount, 'Stalled');
    assert.equal(stalled?.reason, 'DeviceNotBlank');
    assert.match(stalled?.message ?? '', /two.*ext4/);
    await world.settle(60);
    assert.deepEqual([used.writes, other.writes], writes);
    await world.stop();
  });

  test('is taken when its serial was typed once more, and what was lost is on record', async () => {
    const used = blankDisk('two');
    makeFilesystem(used, 'ext4', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00');
    const world = await aWorld({ disks: [blankDisk('one'), used] });
    await world.createMount({
      spec: { devices: [{ serial: 'one' }, { serial: 'two', wipe: { confirm: 'two' } }] },
    });
    const mount = await world.untilPhase('Mounted');
    assert.deepEqual(
      mount.status?.wipes.map(({ device, found }) => ({ device, found })),
      [{ device: 'two', found: 'ext4' }],
    );
    await world.stop();
  });

  test('an unreadable disk is refused although every tool calls it blank', async () => {
    const broken = blankDisk('two');
    broken.failReads = true;
    const world = await aWorld({ disks: [blankDisk('one'), broken] });
    await world.createMount();
    const mount = await world.untilPhase('Failed');
    assert.equal(world.condition(mount, 'Stalled')?.reason, 'DeviceUnreadable');
    await world.stop();
  });

  test('a disk that another mount has is refused, naming the owner', async () => {
    const world = await aWorld();
    await world.createMount();
    await world.untilPhase('Mounted');
    const uid = 'ffffffff-0b0a-4908-8706-050403020100';
    await world.createMount({ name: 'other-node-1', poolUid: uid });
    const other = await world.untilPhase('Pending', 'other-node-1');
    assert.equal(world.condition(other, 'Stalled')?.reason, 'DeviceClaimed');
    assert.match(
      world.condition(other, 'Stalled')?.message ?? '',
      /belongs to StoragePool default\/data\./,
    );
    await world.stop();
  });
});

describe('deleting', () => {
  test('Retain: unmounted and stopped, the bytes stay and the disks are free again', async () => {
    const disks = [blankDisk('one'), blankDisk('two')];
    const world = await aWorld({ disks });
    await world.createMount();
    await world.untilPhase('Mounted');
    await world.deleteMount();
    const released = await world.untilPhase('Released');
    assert.match(released.status?.leftBehind.join() ?? '', /can be adopted/);
    assert.deepEqual(disks.map(hasBlankEnds), [false, false]);
    assert.deepEqual(world.host.machine.blocks.arrays, []);
    assert.equal(await world.host.listDirectory(mountPath), undefined);
    await world.releaseCleanedUp();
    await world.until('gone', async () => (await world.mount()) === undefined);
    await world.settle(70);
    assert.deepEqual(await world.journalFiles(), []);
    const owners = (await world.storageNode())?.status?.devices.map(({ claimedBy }) => claimedBy);
    assert.deepEqual(owners, [undefined, undefined, undefined]);
    await world.stop();
  });

  test('while another process holds a copy of the mount it waits and says for whom', async () => {
    const world = await aWorld();
    await world.createMount();
    await world.untilPhase('Mounted');
    world.host.machine.foreignMounts.push({
      processId: 4711,
      target: '/host/data',
      source: '/dev/md127',
      filesystem: 'ext4',
    });
    await world.deleteMount();
    await world.until('blocked', async () => {
      const mount = await world.mount();
      return world.condition(mount, 'Stalled')?.reason === 'CleanupBlocked';
    });
    assert.match(world.condition(await world.mount(), 'Stalled')?.message ?? '', /process 4711/);
    world.host.machine.foreignMounts.length = 0;
    await world.untilPhase('Released');
    await world.stop();
  });

  test('a killed command that does not end keeps the disks and says so', async () => {
    const world = await aWorld();
    world.host.faults.add({ matches: runOf('mkfs.ext4', '-U'), effect: { type: 'stuck' } });
    await world.createMount();
    await world.until('mkfs runs', () =>
      world.host.commands.some(({ argv }) => argv[0] === 'mkfs.ext4' && argv.includes('-U')),
    );
    await world.deleteMount();
    await world.until('blocked', async () => {
      const mount = await world.mount();
      return world.condition(mount, 'CleanedUp')?.reason === 'CleanupBlocked';
    });
    const owners = (await world.storageNode())?.status?.devices.map(({ claimedBy }) => claimedBy);
    assert.equal(owners?.filter((owner) => owner?.name === 'data-node-1').length, 2);
  });

  test('while mkfs runs: it is killed at once and everything is taken back', async () => {
    const disks = [blankDisk('one'), blankDisk('two')];
    const world = await aWorld({ disks });
    world.host.faults.add({ matches: runOf('mkfs.ext4', '-U'), effect: { type: 'hang' } });
    await world.createMount();
    await world.until('mkfs runs', () =>
      world.host.commands.some(({ argv }) => argv[0] === 'mkfs.ext4' && argv.includes('-U')),
    );
    await world.deleteMount();
    await world.untilPhase('Released');
    assert.deepEqual(disks.map(hasBlankEnds), [true, true]);
    await world.stop();
  });
});

describe('a creation that fails again and again', () => {
  test('is tried less and less often, although what it leaves is erased in between', async () => {
    const world = await aWorld();
    const isCreation = runOf('mdadm', '--create');
    const effect = { type: 'kill-child', afterStages: 3 } as const;
    world.host.faults.add({ matches: isCreation, effect, times: 1000 });
    await world.createMount();
    await world.untilPhase('Failed');
    await world.settle(1);
    for (let minute = 0; minute < 60; minute++) await world.settle(60);
    const tries = world.host.commands.filter(({ argv }) => argv.includes('--create')).length;
    assert.ok(tries > 10, `${tries} tries in an hour`);
    assert.ok(tries < 40, `${tries} tries in an hour`);
    await world.stop();
  });
});

describe('an array that is there already', () => {
  test('is adopted by another pool with all its files, and stays when that one is deleted', async () => {
    const disks = [blankDisk('one'), blankDisk('two')];
    const world = await aWorld({ disks });
    await world.createMount();
    const mount = await world.untilPhase('Mounted');
    await world.host.writeFile(`${mountPath}/precious`, 'bytes');
    await world.deleteMount();
    await world.untilPhase('Released');
    await world.releaseCleanedUp();
    await world.createMount({
      name: 'heir-node-1',
      poolUid: 'ffffffff-0b0a-4908-8706-050403020100',
      spec: { devices: [], adoptArrayUUID: mount.status?.array?.uuid },
    });
    const heir = await world.untilPhase('Mounted', 'heir-node-1');
    assert.equal(await world.host.readFile(`${heir.status?.mountPath}/precious`), 'bytes');
    assert.deepEqual(
      heir.status?.drives.map(({ serial, state }) => `${serial} ${state}`),
      ['one Active', 'two Active'],
    );
    await world.deleteMount('heir-node-1');
    await world.untilPhase('Released', 'heir-node-1');
    assert.deepEqual(disks.map(hasBlankEnds), [false, false]);
    await world.stop();
  });
});

describe('one mount that takes for ever', () => {
  test('holds up neither the others nor the heartbeat', async () => {
    const disks = ['one', 'two', 'three', 'four'].map((serial) => blankDisk(serial));
    const world = await aWorld({ disks });
    world.host.faults.add({ matches: runOf('mkfs.ext4', '-U'), effect: { type: 'hang' } });
    await world.createMount();
    await world.untilPhase('Formatting');
    await world.createMount({
      name: 'other-node-1',
      poolUid: 'ffffffff-0b0a-4908-8706-050403020100',
      spec: { arrayName: 'other', devices: [{ serial: 'three' }, { serial: 'four' }] },
    });
    await world.untilPhase('Mounted', 'other-node-1');
    const before = await world.lease();
    await world.settle(60);
    assert.notEqual((await world.lease())?.spec?.renewTime, before?.spec?.renewTime);
    assert.equal((await world.mount())?.status?.phase, 'Formatting');
    await world.stop();
  });
});

describe('a member that fails', () => {
  test('is told as Degraded, and as healthy again once another took its place', async () => {
    const disks = ['one', 'two', 'three'].map((serial) => blankDisk(serial));
    const world = await aWorld({ disks });
    await world.createMount();
    await world.untilPhase('Mounted');
    await world.until('synced', async () => {
      const array = (await world.mount())?.status?.array;
      return array?.initialSyncCompletedAt !== undefined;
    });
    world.host.machine.blocks.removeDisk(disks[1]!);
    const degraded = await world.untilPhase('Degraded');
    assert.equal(world.condition(degraded, 'ArrayHealthy')?.reason, 'ArrayDegraded');
    assert.equal(world.condition(degraded, 'Ready')?.status, 'True');
    assert.deepEqual(
      degraded.status?.drives.map(({ state }) => state),
      ['Active', 'Missing'],
    );
    await world.host.run({ argv: ['mdadm', '--add', '/dev/md127', '/dev/sdd'] });
    await world.untilPhase('Mounted');
    await world.stop();
  });
});
