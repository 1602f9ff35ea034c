// How pools and namespaces go: never from under a claim, and never with bytes that somebody kept.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { namespaces } from '../../src/api/built-in.ts';
import { findCondition } from '../../src/api/conditions.ts';
import { instancePools, poolVolumes, volumePools } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const small = { minFree: 2, maxFree: 2, maxTotal: 4 };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };
const namespace = 'stories';

async function begin(machines: object = {}, disks: object = {}): Promise<void> {
  world = await PoolsWorld.start();
  await world.createVolumePool('disks', { scaling: small, ...disks });
  await world.createInstancePool('boxes', { scaling: small, ...machines });
  await world.untilFree('disks', 2);
  await world.untilFree('boxes', 2);
}

function cloudNames(kind?: string): string[] {
  return world.running.azure
    .resources()
    .filter((one) => one.kind !== 'snapshot' && (!kind || one.kind === kind))
    .map(({ name }) => name);
}

test('a pool that is deleted waits for its claims, saying so, and leaves nothing', async () => {
  await begin();
  await world.claim('one', fresh);
  await world.untilReady('one');
  await world.client.delete(instancePools, { namespace, name: 'boxes' });
  const pool = await eventually('only the claimed one is left', async () => {
    const found = await world.client.get(instancePools, { namespace, name: 'boxes' });
    return found?.status?.total === 1 ? found : undefined;
  });
  const deleting = findCondition(pool.status?.conditions, 'Deleting');
  assert.match(deleting?.message ?? '', /waits while 1 .*boxes-\d/);
  assert.equal((await world.getClaim('one'))?.status?.phase, 'Ready');
  await world.claim('late');
  const late = await eventually('told', async () => {
    const claim = await world.getClaim('late');
    return findCondition(claim?.status?.conditions, 'Ready');
  });
  assert.equal(late.reason, 'PoolDeleting');
  await world.release('one');
  await world.untilGone('one');
  await eventually(
    'the pool is gone',
    async () => (await world.client.get(instancePools, { namespace, name: 'boxes' })) === undefined,
  );
  await world.untilAccounted();
  assert.deepEqual(cloudNames('virtualMachine'), []);
  assert.deepEqual(cloudNames('networkInterface'), []);
});

test('a pool of disks waits while one is kept; deleting its record destroys the bytes', async () => {
  await begin();
  await world.claim('one', fresh);
  const claim = await world.untilReady('one');
  await world.release('one');
  await world.untilGone('one');
  const { name } = claim.status!.volume!;
  await eventually('kept', async () =>
    (await world.volumes()).some(({ status }) => status?.phase === 'Retained'),
  );
  await world.client.delete(volumePools, { namespace, name: 'disks' });
  await eventually('only the kept one is left', async () => (await world.volumes()).length === 1);
  await world.client.delete(poolVolumes, { namespace, name });
  await eventually(
    'the pool is gone',
    async () => (await world.client.get(volumePools, { namespace, name: 'disks' })) === undefined,
  );
  await world.untilAccounted();
});

test('a pool made again under the same name fills without the old members', async () => {
  await begin();
  const before = (await world.instances()).map(({ metadata }) => metadata.uid);
  await world.client.delete(instancePools, { namespace, name: 'boxes' });
  await eventually(
    'gone',
    async () => (await world.client.get(instancePools, { namespace, name: 'boxes' })) === undefined,
  );
  await world.createInstancePool('boxes', { scaling: small });
  await world.untilFree('boxes', 2);
  await world.untilAccounted();
  const after = (await world.instances()).map(({ metadata }) => metadata.uid);
  assert.ok(after.every((uid) => !before.includes(uid)));
});

test('a namespace goes with everything but the disks that somebody kept', async () => {
  await begin();
  await world.claim('kept', fresh);
  const claim = await world.untilReady('kept');
  world.running.azure.writeToDisk(claim.status!.volume!.resourceId!, 'somebody');
  await world.release('kept');
  await world.untilGone('kept');
  await world.claim('live', fresh);
  const live = await world.untilReady('live');
  await world.client.delete(namespaces, { name: namespace });
  await eventually(
    'the namespace is gone',
    async () => (await world.client.get(namespaces, { name: namespace })) === undefined,
    { because: () => world.picture() },
  );
  await eventually('only kept disks are left', () => cloudNames().length === 2, {
    because: () => world.picture(),
  });
  const kept = world.running.azure.resources().filter(({ kind }) => kind === 'disk');
  const expected = [claim, live].map(({ status }) => status?.volume?.resourceId?.toLowerCase());
  assert.deepEqual(kept.map(({ id }) => id.toLowerCase()).sort(), expected.sort());
  for (const { tags } of kept) assert.equal(tags['poolkeeper:status'], 'retained');
  assert.deepEqual(world.writersOf(claim.status!.volume!.resourceId!), ['somebody']);
});
