// Several operators in one cluster, each for namespaces of its own: what is another's is left alone,
// whatever it looks like, and so is what is nobody's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  instanceClaims,
  instancePools,
  poolInstances,
  poolVolumes,
  volumePools,
} from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { forceDelete, scaling, stopForgiving } from './discovery-world.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;

const prewarmed = (name: string) => ({
  scaling,
  prewarm: { volumePoolRef: { name }, count: 1 },
});

async function makePools(namespace: string): Promise<void> {
  await world.createNamespace(namespace);
  await world.createVolumePool('disks', { scaling }, namespace);
  await world.createInstancePool('boxes', prewarmed('disks'), namespace);
}

async function untilFilled(namespace: string): Promise<void> {
  await eventually(
    `the pools of ${namespace} are filled`,
    async () => {
      const pool = await world.client.get(instancePools, { namespace, name: 'boxes' });
      const disks = await world.client.get(volumePools, { namespace, name: 'disks' });
      return pool?.status?.free === 2 && disks?.status?.free === 2;
    },
    { because: () => world.picture() },
  );
}

/** What is there in Azure of the pools of a namespace. */
function inAzure(namespace: string): string[] {
  return world.running.azure
    .resources()
    .filter(({ tags }) => tags['poolkeeper:pool-namespace'] === namespace)
    .map(({ kind, name }) => `${kind} ${name}`)
    .sort();
}

async function looks(count: number): Promise<void> {
  const { log } = world.running.azure;
  const taken = (): number =>
    log.requests().filter(({ operation }) => operation === 'resourceGraph.resources').length;
  const before = taken();
  await eventually(`${count} more looks at Azure`, () => taken() >= before + count);
}

test('operators of disjoint namespaces work side by side under one installation name', async (t) => {
  world = await PoolsWorld.start({ withOperator: false });
  t.after(() => world.stop());
  await world.startOperator(['team-a']);
  await world.startOperator(['team-b', 'team-c']);
  for (const namespace of ['team-a', 'team-b', 'team-c']) await makePools(namespace);
  for (const namespace of ['team-a', 'team-b', 'team-c']) await untilFilled(namespace);
  for (const namespace of ['team-a', 'team-b']) {
    await world.claim('mine', {}, namespace);
    await world.untilReady('mine', namespace);
  }
  await world.release('mine', 'team-b');
  await world.untilGone('mine', 'team-b');
  await untilFilled('team-b');
  await untilFilled('team-a');
  await world.untilAccounted();
});

test('an operator leaves records, claims and machines of other namespaces alone', async (t) => {
  world = await PoolsWorld.start({ withOperator: false });
  // It is this test that takes the record of a claimed machine away.
  t.after(() => stopForgiving(world, /^boxes-\d+ (went while|let go of) claim theirs/));
  const everyone = await world.startOperator();
  await makePools('team-a');
  await makePools('team-b');
  await untilFilled('team-a');
  await untilFilled('team-b');
  await world.claim('theirs', {}, 'team-b');
  await world.untilReady('theirs', 'team-b');
  await untilFilled('team-b');
  await everyone.stop();
  world.operators.splice(0);

  const theirs = inAzure('team-b');
  const claimed = await world.getClaim('theirs', 'team-b');
  // Without records, pools or claims they look like what nobody owns.
  for (const resource of [poolInstances, poolVolumes, instancePools, volumePools, instanceClaims]) {
    const objects = await world.client.list(resource as typeof poolInstances, {
      namespace: 'team-b',
    });
    await forceDelete(world, resource as typeof poolInstances, objects);
  }
  await world.startOperator(['team-a']);
  await world.createNamespace('team-c');
  await world.createInstancePool('boxes', { scaling }, 'team-c');
  await looks(8);
  assert.deepEqual(inAzure('team-b'), theirs);
  assert.deepEqual(await world.client.list(poolInstances, { namespace: 'team-b' }), []);
  const unwatched = await world.client.get(instancePools, { namespace: 'team-c', name: 'boxes' });
  assert.equal(unwatched?.status, undefined);
  assert.equal(unwatched?.metadata.finalizers, undefined);

  // Whoever watches them finds them all again.
  await world.createVolumePool('disks', { scaling }, 'team-b');
  await world.createInstancePool('boxes', prewarmed('disks'), 'team-b');
  await world.startOperator(['team-b']);
  const machine = claimed?.status?.instance?.resourceId?.toLowerCase();
  assert.ok(machine);
  await eventually(
    'the machine of the claim has its record again',
    async () =>
      (await world.client.list(poolInstances, { namespace: 'team-b' })).some(
        ({ status }) => status?.azure?.resourceId.toLowerCase() === machine,
      ),
    { because: () => world.picture() },
  );
});
