// What a user sees of a node's disks, and how soon: disks that come and go, many disks, nodes that lack
// something, and nodes that have fallen silent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodes } from '../../src/api/built-in.ts';
import { GIBIBYTE, makeFilesystem, SimulatedDisk } from '../../src/local/hosts/index.ts';
import { blankDisk, World } from './agent-world.ts';
import { StorageOperator } from './storage-operator.ts';

async function started(disks: readonly SimulatedDisk[] = []): Promise<World> {
  const world = new World({ disks });
  await world.prepare();
  world.startAgent();
  await world.settle();
  return world;
}

async function devices(world: World) {
  return (await world.storageNode())?.status?.devices ?? [];
}

async function ready(world: World) {
  const conditions = (await world.storageNode())?.status?.conditions ?? [];
  return conditions.find(({ type }) => type === 'Ready');
}

describe('disks that come and go', () => {
  test('one that is plugged in is seen within seconds, and one that is pulled out', async () => {
    const world = await started();
    const disk = blankDisk('new');
    world.host.machine.blocks.addDisk(disk);
    await world.settle(7);
    assert.ok((await devices(world)).some(({ serial }) => serial === 'new'));
    assert.match((await ready(world))?.message ?? '', /2 disks; a pool may take 1 of them/);
    world.host.machine.blocks.removeDisk(disk);
    await world.settle(7);
    assert.ok(!(await devices(world)).some(({ serial }) => serial === 'new'));
    await world.stop();
  });

  test('what somebody writes to a free disk is seen at the next look', async () => {
    const disk = blankDisk('one');
    const world = await started([disk]);
    assert.equal((await devices(world))[1]?.contents.type, 'Blank');
    makeFilesystem(disk, 'xfs', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00');
    await world.settle(65);
    assert.equal((await devices(world))[1]?.contents.detail, 'xfs');
    await world.stop();
  });
});

describe('two hundred disks', () => {
  test('make an object of a size that servers take, and no work while nothing changes', async () => {
    const disks = Array.from({ length: 200 }, (_, number) => {
      const serial = `drive-${'0'.repeat(40)}${number}`;
      const wwn = `0x5000c500${number.toString(16).padStart(8, '0')}`;
      const disk = new SimulatedDisk({ serial, wwn, sizeBytes: GIBIBYTE, transport: 'nvme' });
      if (number % 2 === 0)
        makeFilesystem(disk, 'ext4', `7d1f6a52-90ab-4c3e-8f21-5b6c7d8e${number}`);
      return disk;
    });
    const world = await started(disks);
    const node = (await world.storageNode())!;
    assert.equal(node.status?.deviceCount, 201);
    assert.equal(node.status?.eligibleCount, 100);
    const bytes = JSON.stringify(node).length;
    assert.ok(bytes < 256 * 1024, `${bytes} bytes`);
    await world.settle(60);
    const before = world.host.commands.length;
    await world.settle(600);
    const perMinute = (world.host.commands.length - before) / 10;
    assert.ok(perMinute < 6, `${perMinute} commands a minute`);
    assert.equal(
      (await world.storageNode())?.metadata.resourceVersion,
      node.metadata.resourceVersion,
    );
    await world.stop();
  });
});

describe('a node that lacks something', () => {
  test('names it with the package, and so does a pool that needs it; once installed it goes on', async () => {
    const world = new World({ disks: [blankDisk('one'), blankDisk('two')] });
    world.host.machine.missingPrograms.add('mdadm');
    world.host.machine.missingModules.add('raid1');
    await world.prepare();
    await world.createMount();
    world.startAgent();
    await world.settle();
    const conditions = (await world.storageNode())?.status?.conditions ?? [];
    const met = conditions.find(({ type }) => type === 'NodePrerequisitesMet');
    assert.equal(met?.status, 'False');
    assert.match(
      met?.message ?? '',
      /mdadm \(package mdadm\), needed for mdadm; kernel module raid1/,
    );
    const words = /lacks mdadm \(package mdadm\).*raid1 \(package linux-modules\)/;
    assert.match(world.condition(await world.mount(), 'Ready')?.message ?? '', words);
    world.host.machine.missingPrograms.clear();
    world.host.machine.missingModules.clear();
    await world.untilPhase('Mounted');
    await world.stop();
  });
});

describe('a node whose agent is silent', () => {
  test('is not Ready any more, once; and is again when the agent is back', async () => {
    const world = await started([blankDisk('one')]);
    await world.user.client.create(nodes, { metadata: { name: 'node-1' } });
    const operator = new StorageOperator();
    await operator.start(world);
    await world.settle();
    assert.equal((await ready(world))?.status, 'True');
    world.killAgent();
    await world.settle(50);
    const silent = await ready(world);
    assert.equal(silent?.status, 'Unknown');
    assert.match(silent?.message ?? '', /The agent of node-1 is silent since .*Z: .* may be old/);
    const { resourceVersion } = (await world.storageNode())!.metadata;
    await world.settle(600);
    assert.equal((await world.storageNode())?.metadata.resourceVersion, resourceVersion);
    world.startAgent();
    await world.settle(10);
    assert.equal((await ready(world))?.status, 'True');
    await operator.stop();
    await world.stop();
  });
});
