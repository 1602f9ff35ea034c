import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aWidget, TestCluster, WIDGETS } from './test-cluster.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as loosely as a client reads them.
type Loose = any;

async function uidOf(cluster: TestCluster, name: string): Promise<string> {
  return ((await cluster.get(`${WIDGETS}/${name}`)).body as Loose).metadata.uid;
}

async function anOwnedWidget(cluster: TestCluster, block = false): Promise<void> {
  await cluster.create(WIDGETS, aWidget('owner'));
  const owner = {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    name: 'owner',
    uid: await uidOf(cluster, 'owner'),
    blockOwnerDeletion: block,
  };
  await cluster.create(WIDGETS, aWidget('child', {}, { ownerReferences: [owner] }));
}

const codeOf = async (cluster: TestCluster, name: string): Promise<number> =>
  (await cluster.get(`${WIDGETS}/${name}`)).code;

describe('finalizers', () => {
  it('keep a deleted object until the last is taken away', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a', {}, { finalizers: ['example.com/clean'] }));
    const deleted = await cluster.delete(`${WIDGETS}/a`);
    const { metadata } = deleted.body as Loose;
    assert.equal(deleted.code, 200);
    assert.equal(metadata.deletionTimestamp, '2026-01-01T00:00:00Z');
    assert.equal(metadata.generation, 2);
    const more = await cluster.patch('merge', `${WIDGETS}/a`, {
      metadata: { finalizers: ['example.com/clean', 'example.com/more'] },
    });
    assert.equal(more.code, 422);
    assert.match(String(more.body['message']), /no new finalizers can be added/);
    await cluster.patch('merge', `${WIDGETS}/a`, { metadata: { finalizers: [] } });
    assert.equal(await codeOf(cluster, 'a'), 404);
  });
});

describe('preconditions', () => {
  it('protect a successor of the same name and a newer version', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a'));
    const wrongUid = await cluster.delete(`${WIDGETS}/a`, { preconditions: { uid: 'other' } });
    assert.equal(wrongUid.code, 409);
    const old = await cluster.delete(`${WIDGETS}/a`, { preconditions: { resourceVersion: '1' } });
    assert.equal(old.code, 409);
    const uid = await uidOf(cluster, 'a');
    const right = await cluster.delete(`${WIDGETS}/a`, { preconditions: { uid } });
    assert.equal(right.body['status'], 'Success');
    assert.equal((right.body as Loose).details.uid, uid);
  });
});

describe('garbage collection', () => {
  it('takes dependents with their owner', async () => {
    const cluster = await new TestCluster().withWidgets();
    await anOwnedWidget(cluster);
    await cluster.delete(`${WIDGETS}/owner`);
    await cluster.settled();
    assert.equal(await codeOf(cluster, 'child'), 404);
  });

  it('keeps a blocked owner until its dependents are gone in the foreground', async () => {
    const cluster = await new TestCluster().withWidgets();
    await anOwnedWidget(cluster, true);
    await cluster.patch('merge', `${WIDGETS}/child`, {
      metadata: { finalizers: ['example.com/clean'] },
    });
    await cluster.delete(`${WIDGETS}/owner`, { propagationPolicy: 'Foreground' });
    await cluster.settled();
    const owner = await cluster.get(`${WIDGETS}/owner`);
    assert.deepEqual((owner.body as Loose).metadata.finalizers, ['foregroundDeletion']);
    await cluster.patch('merge', `${WIDGETS}/child`, { metadata: { finalizers: null } });
    await cluster.settled();
    assert.equal(await codeOf(cluster, 'child'), 404);
    assert.equal(await codeOf(cluster, 'owner'), 404);
  });

  it('sets dependents free when orphaning', async () => {
    const cluster = await new TestCluster().withWidgets();
    await anOwnedWidget(cluster);
    await cluster.delete(`${WIDGETS}/owner`, { propagationPolicy: 'Orphan' });
    await cluster.settled();
    const child = await cluster.get(`${WIDGETS}/child`);
    assert.equal(child.code, 200);
    assert.equal((child.body as Loose).metadata.ownerReferences, undefined);
    assert.equal(await codeOf(cluster, 'owner'), 404);
  });

  it('removes what refers to an owner that never was', async () => {
    const cluster = await new TestCluster().withWidgets();
    const owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'gone', uid: 'gone' };
    await cluster.create(WIDGETS, aWidget('child', {}, { ownerReferences: [owner] }));
    await cluster.settled();
    assert.equal(await codeOf(cluster, 'child'), 404);
  });
});

describe('namespaces', () => {
  it('are emptied, then go; new content is refused meanwhile', async () => {
    const cluster = await new TestCluster().withWidgets();
    const widgets = '/apis/example.com/v1/namespaces/team/widgets';
    await cluster.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team' },
    });
    await cluster.create(widgets, aWidget('plain'));
    await cluster.create(widgets, aWidget('held', {}, { finalizers: ['example.com/clean'] }));
    const deleted = await cluster.delete('/api/v1/namespaces/team');
    assert.equal((deleted.body as Loose).status.phase, 'Terminating');
    await cluster.settled();
    assert.equal((await cluster.get(`${widgets}/plain`)).code, 404);
    const late = await cluster.create(widgets, aWidget('late'));
    assert.equal(late.code, 403);
    assert.match(String(late.body['message']), /because it is being terminated/);
    const namespace = await cluster.get('/api/v1/namespaces/team');
    const types = (namespace.body as Loose).status.conditions.map((c: Loose) => c.type);
    assert.ok(types.includes('NamespaceFinalizersRemaining'));
    await cluster.patch('merge', `${widgets}/held`, { metadata: { finalizers: null } });
    await cluster.settled();
    assert.equal((await cluster.get('/api/v1/namespaces/team')).code, 404);
  });
});

describe('definitions', () => {
  it('take their objects with them', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a'));
    await cluster.delete(
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com',
    );
    await cluster.settled();
    assert.equal((await cluster.get(WIDGETS)).code, 404);
    await cluster.withWidgets();
    assert.deepEqual((await cluster.get(WIDGETS)).body['items'], []);
  });
});
