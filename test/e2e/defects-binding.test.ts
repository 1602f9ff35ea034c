// Two views of one pool that are both out of date, and a real API server between them: what a cache
// does not know yet must be refused by the server, never overwritten.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { InstancePool } from '../../src/api/instance-pool.ts';
import { resourceFinalizer } from '../../src/api/names.ts';
import type { AnyObject, Resource } from '../../src/api/object.ts';
import type { PoolInstance } from '../../src/api/pool-instance.ts';
import { instanceClaims, instancePools, poolInstances } from '../../src/api/resources.ts';
import type { ControllerContext } from '../../src/controllers/context.ts';
import { reconcileAllocation } from '../../src/controllers/instance-claim/allocate.ts';
import { gather } from '../../src/controllers/pool-instance/gather.ts';
import { applyPoolSteps } from '../../src/controllers/pool-steps.ts';
import { createSources, viewsOf } from '../../src/controllers/stores.ts';
import {
  type Caches,
  connectKubernetes,
  type Draft,
  type KubeClient,
} from '../../src/kube/index.ts';
import { ObjectStore } from '../../src/kube/object-store.ts';
import { TestCluster } from '../../src/local/kubernetes/test-cluster.ts';
import { createRuntime, type Runtime } from '../../src/runtime/index.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { anInstanceClaim, aPoolInstance, claimRefTo } from '../builders/members.ts';
import { namespace } from '../builders/metadata.ts';
import { anInstancePool } from '../builders/pools.ts';
import { transportTo } from './agent-world.ts';

const KEY = `${namespace}/boxes`;
const boxes = { namespace, name: 'boxes-0' };

let runtime: Runtime;
let client: KubeClient;

beforeEach(async () => {
  const cluster = new TestCluster();
  runtime = createRuntime({ clock: cluster.clock, random: seededRandom(1) });
  const to = transportTo(cluster.server, 'operator');
  client = connectKubernetes({ runtime, to, component: 'operator' }).client;
  for (const definition of customResourceDefinitions())
    await client.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  await client.post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  await create(anInstancePool());
});

/** Creates it with its status, as a server does: uid and versions are the server's. */
async function create<T extends InstancePool | InstanceClaim | PoolInstance>(built: T): Promise<T> {
  const kinds = {
    InstancePool: instancePools,
    InstanceClaim: instanceClaims,
    PoolInstance: poolInstances,
  };
  const resource = kinds[built.kind as keyof typeof kinds] as Resource<AnyObject> as Resource<T>;
  const { name, finalizers = [] } = built.metadata;
  const { status, ...body } = built;
  const draft = { ...body, metadata: { namespace, name, finalizers } };
  const made = await client.create(resource, draft as unknown as Draft<T>);
  if (!status) return made;
  const options = { subresource: 'status' } as const;
  return client.mergePatch(resource, { namespace, name }, { status }, options);
}

/** A controller's view of the world as it is now; it will hear of nothing that happens later. */
async function aViewOfNow(): Promise<ControllerContext> {
  const filling: Promise<void>[] = [];
  const caches = {
    add(resource: typeof poolInstances, options: object = {}) {
      const store = new ObjectStore({ resource, runtime, ...options });
      const list = async () => {
        const known = [instancePools, instanceClaims, poolInstances] as unknown[];
        const objects = known.includes(resource) ? await client.list(resource) : [];
        await store.replace(objects, { resourceVersion: '1', startedAt: 0 });
      };
      filling.push(list());
      return store;
    },
  } as unknown as Caches;
  const stores = viewsOf(createSources(caches));
  await Promise.all(filling);
  return {
    runtime,
    client,
    stores,
    cloud: { get: async () => undefined },
    events: { event: () => {} },
    discovery: { isDoubted: () => false },
    namespace: 'poolkeeper-system',
    installation: 'test',
    defaults: { subscriptionId: 's', resourceGroup: 'r', location: 'l' },
    pollPace: 1,
  } as unknown as ControllerContext;
}

const allocateFrom = (view: ControllerContext) =>
  reconcileAllocation(view, {
    looseEnds: { claims: () => [], settle: () => {} },
    tellWaiting: () => {},
  })(KEY, new AbortController().signal, silentLog);

const instance = async (): Promise<PoolInstance> => (await client.get(poolInstances, boxes))!;

describe('a binding that was decided on an old view', () => {
  let view: ControllerContext;
  let claim: InstanceClaim;
  beforeEach(async () => {
    await create(aPoolInstance());
    claim = await create(anInstanceClaim({ name: 'late' }));
    view = await aViewOfNow();
  });

  test('is lost to the claim that was faster, and tried again on newer state', async () => {
    const winner = await create(anInstanceClaim({ name: 'early' }));
    await client.mergePatch(poolInstances, boxes, { spec: { claimRef: claimRefTo(winner) } });
    const result = await allocateFrom(view);
    assert.equal((await instance()).spec.claimRef?.name, 'early');
    assert.equal(result.type, 'wait', 'losing a race is no failure');
  });

  test('is lost to the retirement of the instance', async () => {
    await client.delete(poolInstances, boxes);
    await allocateFrom(view);
    assert.equal((await instance()).spec.claimRef, undefined);
  });

  test('is lost when the instance is claimed and released in between: it may be unclean', async () => {
    const other = await create(anInstanceClaim({ name: 'other' }));
    await client.mergePatch(poolInstances, boxes, { spec: { claimRef: claimRefTo(other) } });
    await client.mergePatch(poolInstances, boxes, {
      spec: { claimRef: null, lastClaimRef: claimRefTo(other) },
    });
    await allocateFrom(view);
    assert.equal((await instance()).spec.claimRef, undefined);
  });

  test('never goes to a successor of the same name', async () => {
    await client.mergePatch(poolInstances, boxes, { metadata: { finalizers: [] } });
    await client.delete(poolInstances, boxes);
    await create(aPoolInstance({ status: null }));
    await allocateFrom(view).catch(() => {});
    assert.equal((await instance()).spec.claimRef, undefined);
  });

  test('is one even when two processes decide at once', async () => {
    const second = await create(anInstanceClaim({ name: 'second' }));
    const views = [await aViewOfNow(), await aViewOfNow()];
    await Promise.all(views.map(allocateFrom));
    const { claimRef } = (await instance()).spec;
    assert.ok([claim, second].some(({ metadata }) => metadata.uid === claimRef?.uid));
  });
});

describe('a retirement that was decided on an old view', () => {
  test('is refused once a claim owns the instance', async () => {
    const free = await create(aPoolInstance());
    const claim = await create(anInstanceClaim());
    const view = await aViewOfNow();
    await client.mergePatch(poolInstances, boxes, { spec: { claimRef: claimRefTo(claim) } });
    const { name, uid, resourceVersion } = free.metadata;
    await applyPoolSteps(
      view,
      view.stores.instancePools.byKey(KEY)!,
      [{ type: 'retireMember', name, uid, resourceVersion }],
      { poolResource: instancePools, memberResource: poolInstances, memberSpec: () => ({}) },
    );
    assert.equal((await instance()).metadata.deletionTimestamp, undefined);
  });
});

describe('a record', () => {
  test('exists with its finalizer before anybody can have asked Azure for anything', async () => {
    const view = await aViewOfNow();
    const { spec } = aPoolInstance();
    await applyPoolSteps(
      view,
      view.stores.instancePools.byKey(KEY)!,
      [{ type: 'createMember', ordinal: 0 }],
      { poolResource: instancePools, memberResource: poolInstances, memberSpec: () => spec },
    );
    assert.equal(await client.delete(poolInstances, boxes), 'terminating');
    assert.deepEqual((await instance()).metadata.finalizers, [resourceFinalizer]);
  });
});

test('a retired record looks for what was left of a machine that nobody ever saw', async () => {
  const { metadata } = await create(
    aPoolInstance({ status: { phase: 'Failed', azure: undefined } }),
  );
  await client.delete(poolInstances, boxes);
  const osDisk = { id: `/disks/pkvm-${metadata.uid}-os` };
  const cloud = {
    get: async (_: string, id: string) => (id.endsWith(osDisk.id) ? osDisk : undefined),
  };
  const view = { ...(await aViewOfNow()), cloud } as unknown as ControllerContext;
  const call = { correlationId: 'c', priority: 'warm-up' } as const;
  const { leftovers } = await gather(view, await instance(), call);
  assert.deepEqual(
    leftovers.map(({ kind, id }) => [kind, id.endsWith(osDisk.id)]),
    [['volume', true]],
  );
});

describe('a claim', () => {
  test('of the same name does not inherit the machine of its predecessor', async () => {
    const former = await create(anInstanceClaim());
    await client.delete(instanceClaims, { namespace, name: 'claim' });
    await create(anInstanceClaim());
    const bound = await create(aPoolInstance({ spec: { claimRef: claimRefTo(former) } }));
    const view = await aViewOfNow();
    const call = { correlationId: 'c', priority: 'claim' } as const;
    assert.equal((await gather(view, bound, call)).claim, 'over');
  });

  test('that the cache does not show yet is looked for before its machine is released', async () => {
    const view = await aViewOfNow();
    const claim = await create(anInstanceClaim());
    const bound = await create(aPoolInstance({ spec: { claimRef: claimRefTo(claim) } }));
    const call = { correlationId: 'c', priority: 'claim' } as const;
    assert.equal((await gather(view, bound, call)).claim, 'active');
  });
});
