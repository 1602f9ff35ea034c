// With the roles of the chart and nothing more the whole product works; and an agent can harm only
// its own node, because the admission policy of the chart knows on which one its pod runs.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { instanceClaims, nodeMounts, storagePools } from '../../src/api/resources.ts';
import { readReadiness } from '../../src/cli/examples.ts';
import { eventually } from '../builders/eventually.ts';
import { notInstalled } from './helm-binaries.ts';
import { InstalledWorld, NAMESPACE } from './world.ts';

const MOUNTS = '/apis/poolkeeper.dev/v1alpha1/namespaces/storage/nodemounts';
const NODES = '/apis/poolkeeper.dev/v1alpha1/storagenodes';
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
const EVENTS = '/apis/events.k8s.io/v1/namespaces/storage/events';

describe('the rights that the chart grants', { skip: notInstalled }, () => {
  let world: InstalledWorld;
  before(async () => {
    world = await InstalledWorld.start();
  });
  after(() => world.stop());

  it('are enough for all examples to become ready', async () => {
    const examples = await world.applyExamples();
    const pending = async (): Promise<unknown[]> =>
      (await readReadiness(world.client, examples)).filter(({ ready }) => !ready);
    await eventually('every example is ready', async () => (await pending()).length === 0, {
      withinSeconds: 120,
      because: async () => [await pending(), world.refusals],
    });
  });

  it('are enough to release and to take down', async () => {
    const { client } = world;
    const claim = { namespace: 'development', name: 'alice-box' };
    const pool = { namespace: 'storage', name: 'pool1' };
    await client.delete(instanceClaims, claim);
    await client.delete(storagePools, pool);
    const left = async (): Promise<unknown[]> =>
      [await client.get(instanceClaims, claim), await client.get(storagePools, pool)].filter(
        (one) => one !== undefined,
      );
    await eventually('both are gone', async () => (await left()).length === 0, {
      withinSeconds: 120,
      because: async () => [await left(), world.refusals],
    });
  });

  it('were never found missing', () => {
    assert.deepEqual(world.refusals, []);
  });
});

describe('the rights of an operator of some namespaces', { skip: notInstalled }, () => {
  const watched = ['default', 'development', 'golden', 'production', 'shared-storage', 'storage'];
  let world: InstalledWorld;
  before(async () => {
    world = await InstalledWorld.start({ watchNamespaces: watched });
  });
  after(() => world.stop());

  it('are enough for all examples there to become ready', async () => {
    const examples = await world.applyExamples();
    const pending = async (): Promise<unknown[]> =>
      (await readReadiness(world.client, examples)).filter(({ ready }) => !ready);
    await eventually('every example is ready', async () => (await pending()).length === 0, {
      withinSeconds: 120,
      because: async () => [await pending(), world.refusals],
    });
    assert.deepEqual(world.refusals, []);
  });

  it('are none in any other namespace', async () => {
    const token = await world.podToken('poolkeeper-controller', 'node-a');
    const pools = (namespace: string): string =>
      `/apis/poolkeeper.dev/v1alpha1/namespaces/${namespace}/instancepools`;
    const code = async (path: string) => (await world.request(token, 'GET', path)).code;
    assert.equal(await code(pools('storage')), 200);
    assert.equal(await code(pools('elsewhere')), 403);
    assert.equal(await code('/apis/poolkeeper.dev/v1alpha1/instancepools'), 403);
    assert.equal(await code('/api/v1/namespaces/elsewhere/secrets/any'), 403);
  });
});

describe('an agent', { skip: notInstalled }, () => {
  let world: InstalledWorld;
  let agent: string;
  before(async () => {
    world = await InstalledWorld.start({ running: false });
    for (const name of ['node-a', 'node-b']) {
      await world.client.post('/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name },
      });
    }
    const metadata = { name: 'storage' };
    await world.client.post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata,
    });
    for (const node of ['node-a', 'node-b']) await world.client.create(nodeMounts, aMount(node));
    agent = await world.podToken('poolkeeper-agent', 'node-a');
  });
  after(() => world.stop());

  const status = { phase: 'Mounted', observedGeneration: 1 };
  const reportOn = (node: string): Promise<{ code: number; text: string }> =>
    world.request(agent, 'PATCH', `${MOUNTS}/pool-${node}/status`, { status });

  it('reports on what is asked of its own node, and of no other', async () => {
    assert.equal((await reportOn('node-a')).code, 200);
    const refused = await reportOn('node-b');
    assert.equal(refused.code, 403);
    assert.match(refused.text, /only the status of what is asked of their own node, node-a/);
  });

  it('changes no spec, no finalizer, and deletes nothing', async () => {
    const own = `${MOUNTS}/pool-node-a`;
    const spec = { nodeName: 'node-b' };
    assert.equal((await world.request(agent, 'PATCH', own, { spec })).code, 403);
    const finalizers = { metadata: { finalizers: [] } };
    assert.equal((await world.request(agent, 'PATCH', own, finalizers)).code, 403);
    assert.equal((await world.request(agent, 'DELETE', own)).code, 403);
  });

  it('publishes its own disks only', async () => {
    const node = (name: string): object => ({
      apiVersion: 'poolkeeper.dev/v1alpha1',
      kind: 'StorageNode',
      metadata: { name },
      spec: {},
    });
    assert.equal((await world.request(agent, 'POST', NODES, node('node-a'))).code, 201);
    const refused = await world.request(agent, 'POST', NODES, node('node-b'));
    assert.equal(refused.code, 403);
    assert.match(refused.text, /disks of their own node/);
  });

  it('gives no sign of life for another, and can not make itself the leader', async () => {
    const lease = (name: string): object => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name },
      spec: { holderIdentity: 'x' },
    });
    const renew = (name: string): Promise<{ code: number }> =>
      world.request(agent, 'POST', LEASES, lease(name));
    assert.equal((await renew('poolkeeper-agent-node-a')).code, 201);
    assert.equal((await renew('poolkeeper-agent-node-b')).code, 403);
    assert.equal((await renew('poolkeeper-controller')).code, 403);
  });

  it('speaks for its own node only', async () => {
    const event = (name: string, reportingInstance: string): object => ({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace: 'storage' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      type: 'Normal',
      reason: 'Said',
      action: 'Say',
      note: 'hello',
      regarding: { kind: 'NodeMount', namespace: 'storage', name: 'pool-node-b' },
      reportingController: 'poolkeeper.dev/agent',
      reportingInstance,
    });
    assert.equal((await world.request(agent, 'POST', EVENTS, event('a', 'node-a'))).code, 201);
    assert.equal((await world.request(agent, 'POST', EVENTS, event('b', 'node-b'))).code, 403);
  });

  it('reads no Secret, not even by name', async () => {
    const path = '/api/v1/namespaces/storage/secrets';
    assert.equal((await world.request(agent, 'GET', path)).code, 403);
    assert.equal((await world.request(agent, 'GET', `${path}/any`)).code, 403);
  });

  it('may do nothing with a token that is bound to no node', async () => {
    const loose = await world.looseToken('poolkeeper-agent');
    const path = `${MOUNTS}/pool-node-a/status`;
    const refused = await world.request(loose, 'PATCH', path, { status: { phase: 'Failed' } });
    assert.equal(refused.code, 403);
    assert.match(refused.text, /not bound to a pod on a node/);
  });
});

function aMount(nodeName: string): object {
  return {
    metadata: { name: `pool-${nodeName}`, namespace: 'storage' },
    spec: {
      nodeName,
      poolRef: { name: 'pool', uid: '0b1c2d3e-4f50-4161-8273-8495a6b7c8d9' },
      type: 'nfs',
      nfs: { server: '10.0.0.1', exportPath: '/data' },
      mountPath: '/var/lib/poolkeeper/mounts/storage/pool',
      deletionPolicy: 'Retain',
    },
  };
}
