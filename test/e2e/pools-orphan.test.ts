// deletionPolicy Orphan: what somebody uses stays in Azure exactly as it is, belongs to no installation any
// more, and everybody concerned is told.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { findCondition } from '../../src/api/conditions.ts';
import { instancePools, poolVolumes, volumePools } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const namespace = 'stories';
const small = { minFree: 1, maxFree: 2, maxTotal: 4 };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };
const orphan = { deletionPolicy: 'Orphan' };

async function begin(machines: object = {}, disks: object = {}): Promise<void> {
  world = await PoolsWorld.start();
  await world.createVolumePool('disks', { scaling: small, ...disks });
  await world.createInstancePool('boxes', { scaling: small, ...machines });
  await world.untilFree('disks', 1);
  await world.untilFree('boxes', 1);
}

async function untilPoolGone(kind: 'instance' | 'volume', name: string): Promise<void> {
  const resource = kind === 'instance' ? instancePools : volumePools;
  await world.client.delete(resource as typeof instancePools, { namespace, name });
  await eventually(
    `pool ${name} is gone`,
    async () =>
      (await world.client.get(resource as typeof instancePools, { namespace, name })) === undefined,
    { because: () => world.picture() },
  );
}

function ofOurs(tags: Readonly<Record<string, string>>): string[] {
  return Object.keys(tags).filter((name) => name.startsWith('poolkeeper:'));
}

test('a claimed machine stays with its disk, its tags come off, its claim ends and says where it is', async () => {
  await begin(orphan);
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  const machine = world.machineOf(claim);
  const disks = machine.dataDisks.map(({ diskId }) => diskId);
  await untilPoolGone('instance', 'boxes');
  const told = await world.getClaim('mine');
  const ready = findCondition(told?.status?.conditions, 'Ready');
  assert.equal(ready?.reason, 'InstanceOrphaned');
  assert.ok(ready?.message.includes(claim.status!.instance!.resourceId!), ready?.message);
  assert.equal(told?.status?.phase, 'Failed');
  const after = world.machineOf(claim);
  assert.equal(after.powerState, 'running');
  assert.deepEqual(
    after.dataDisks.map(({ diskId }) => diskId),
    disks,
  );
  const left = world.orphans();
  assert.deepEqual(left.map(({ kind }) => kind).sort(), [
    'disk',
    'networkInterface',
    'virtualMachine',
  ]);
  for (const { tags } of left) {
    assert.deepEqual(ofOurs(tags), ['poolkeeper:orphaned-from']);
  }
  assert.equal(after.tags['poolkeeper:orphaned-from'], 'test/stories/boxes');
  await world.release('mine');
  await world.untilGone('mine');
  await world.untilFree('disks', 1);
  await world.untilAccounted();
  assert.equal(world.machineOf(claim).powerState, 'running');
});

test('kept disks stay, free ones go, and nothing is adopted by a pool made again', async () => {
  await begin({}, orphan);
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  const { resourceId } = claim.status!.volume!;
  world.running.azure.writeToDisk(resourceId!, 'somebody');
  await world.release('mine');
  await world.untilGone('mine');
  await eventually('kept', async () =>
    (await world.volumes()).some(({ status }) => status?.phase === 'Retained'),
  );
  await untilPoolGone('volume', 'disks');
  const disks = world.running.azure.resources().filter(({ kind }) => kind === 'disk');
  const data = disks.filter(({ name }) => name.startsWith('pkvol-'));
  assert.deepEqual(
    data.map(({ id }) => id.toLowerCase()),
    [resourceId!.toLowerCase()],
  );
  await world.createVolumePool('disks', { scaling: small });
  await world.untilFree('disks', 1);
  assert.deepEqual(world.writersOf(resourceId!), ['somebody']);
  assert.deepEqual(
    (await world.volumes()).map(({ spec }) => spec.adopt),
    [undefined],
  );
  await world.untilAccounted();
});

test('a disk in use stays attached while its claim lasts, and in Azure after that', async () => {
  await begin({}, orphan);
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  const { resourceId } = claim.status!.volume!;
  await untilPoolGone('volume', 'disks');
  const told = await eventually('told', async () => {
    const seen = await world.getClaim('mine');
    const condition = findCondition(seen?.status?.conditions, 'VolumeAttached');
    return condition?.reason === 'VolumeOrphaned' ? seen : undefined;
  });
  assert.equal(told.status?.phase, 'Ready');
  assert.equal(world.machineOf(claim).dataDisks.length, 1);
  await world.release('mine');
  await world.untilGone('mine');
  await eventually('the machine is replaced and the disk is loose', async () => {
    const disk = world.running.azure.cloud.resources.get('disk', resourceId);
    return (
      disk?.managedBy === undefined &&
      world.running.azure.cloud.resources.ofKind('virtualMachine').length === 1
    );
  });
  assert.deepEqual(ofOurs(world.running.azure.cloud.resources.get('disk', resourceId)!.tags), [
    'poolkeeper:orphaned-from',
  ]);
  await world.untilAccounted();
});

test('under Block a disk that only waits attached holds nothing up', async () => {
  await begin({ prewarm: { volumePoolRef: { name: 'disks' }, count: 1 } });
  await eventually('prewarmed', async () =>
    (await world.instances()).some(({ status }) => status?.volumes.length === 1),
  );
  await untilPoolGone('volume', 'disks');
  assert.deepEqual(await world.client.list(poolVolumes, { namespace }), []);
  await world.untilAccounted();
});
