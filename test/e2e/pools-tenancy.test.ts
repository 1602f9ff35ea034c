// What the pools of a namespace may name in Azure: refused before anything is asked there, and never a
// reason to delete what is there already.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { findCondition } from '../../src/api/conditions.ts';
import { instancePools, volumePools } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { instanceTemplate, subscriptionId } from '../builders/pools.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const namespace = 'stories';
const small = { minFree: 1, maxFree: 2, maxTotal: 4 };
const foreign = '22222222-2222-4222-8222-222222222222';
const hub = `/subscriptions/${subscriptionId}/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/v/subnets/s`;

function stalled(kind: 'instance' | 'volume', name: string) {
  const resource = kind === 'instance' ? instancePools : volumePools;
  return eventually(`${name} is stalled`, async () => {
    const pool = await world.client.get(resource as typeof instancePools, { namespace, name });
    const condition = findCondition(pool?.status?.conditions, 'Stalled');
    return condition?.status === 'True' ? condition : undefined;
  });
}

test('a foreign subscription, subnet or snapshot is refused before Azure is asked anything', async () => {
  world = await PoolsWorld.start();
  await world.createInstancePool('far', { scaling: small, azure: { subscriptionId: foreign } });
  await world.createInstancePool('wired', {
    scaling: small,
    template: { ...instanceTemplate, subnetId: hub },
  });
  const id = `/subscriptions/${foreign}/resourceGroups/private/providers/Microsoft.Compute/snapshots/theirs`;
  await world.createVolumePool('copy', {
    scaling: small,
    goldenSnapshot: { type: 'Existing', existing: { id } },
  });
  const said = [
    await stalled('instance', 'far'),
    await stalled('instance', 'wired'),
    await stalled('volume', 'copy'),
  ];
  for (const { reason } of said) assert.equal(reason, 'ScopeNotAllowed');
  assert.match(said[0]?.message ?? '', /spec\.azure\.subscriptionId/);
  assert.match(
    said[1]?.message ?? '',
    /spec\.template\.subnetId .*hub.*tenancy\."stories"\.subnetIds/,
  );
  assert.match(said[2]?.message ?? '', /spec\.goldenSnapshot\.existing\.id .*theirs/);
  const asked = world.running.azure.log.requests().map(({ path }) => path);
  assert.deepEqual(
    asked.filter((path) => path.includes(foreign)),
    [],
  );
  assert.equal(
    await world.client
      .get(instancePools, { namespace, name: 'far' })
      .then((pool) => pool?.status?.scope),
    undefined,
  );
});

test('what the list allows is made, and a narrower list deletes nothing', async () => {
  world = await PoolsWorld.start({ tenancy: { stories: { subnetIds: [hub] } } });
  const template = { ...instanceTemplate, subnetId: hub };
  await world.createInstancePool('boxes', { scaling: small, template });
  await world.untilFree('boxes', 1);
  const [before] = await world.instances();
  world.allow({});
  const refusal = await stalled('instance', 'boxes');
  assert.match(refusal.message, /spec\.template\.subnetId/);
  await world.claim('mine');
  await world.untilReady('mine');
  const after = await world.instances();
  assert.deepEqual(
    after.map(({ metadata }) => metadata.uid),
    [before?.metadata.uid],
  );
  world.allow({ '*': { subnetIds: [hub] } });
  await world.untilFree('boxes', 1);
  await world.untilAccounted();
});

test('a snapshot that a pool of another namespace built is not copied for being near', async () => {
  const id = `/subscriptions/${subscriptionId}/resourceGroups/poolkeeper/providers/Microsoft.Compute/snapshots/pkgold-theirs`;
  world = await PoolsWorld.start({
    azure: { snapshots: [{ id, sizeGigabytes: 32, content: 'secret' }] },
  });
  const snapshot = world.running.azure.cloud.resources.get('snapshot', id);
  assert.ok(snapshot);
  Object.assign(snapshot.tags, {
    'poolkeeper:installation': 'test',
    'poolkeeper:role': 'golden',
    'poolkeeper:pool-namespace': 'others',
  });
  await world.createVolumePool('copy', {
    scaling: small,
    goldenSnapshot: { type: 'Existing', existing: { id } },
  });
  const { message } = await stalled('volume', 'copy');
  assert.match(message, /was built for namespace others/);
  assert.deepEqual(await world.volumes(), []);
  world.allow({ stories: { snapshotIds: [id] } });
  await world.untilFree('copy', 1);
});
