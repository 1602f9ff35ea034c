import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aWidget, TestCluster, WIDGETS } from './test-cluster.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const aMap = (name: string, data: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
// biome-ignore lint/suspicious/noExplicitAny: answers are read as loosely as a client reads them.
type Loose = any;

describe('creating', () => {
  it('fills in what the server decides', async () => {
    const cluster = new TestCluster();
    const { code, body } = await cluster.create(MAPS, aMap('a', { x: '1' }));
    const { metadata } = body as Loose;
    assert.equal(code, 201);
    assert.equal(metadata.namespace, 'default');
    assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
    assert.equal(metadata.creationTimestamp, '2026-01-01T00:00:00Z');
    assert.ok(Number(metadata.resourceVersion) > 0);
  });

  it('makes a name from generateName', async () => {
    const cluster = new TestCluster();
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'a-' } };
    const { body } = await cluster.create(MAPS, object);
    assert.match((body as Loose).metadata.name, /^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  const refusals: Record<string, [object, string, number, string, RegExp]> = {
    'a name that is taken': [
      aMap('taken'),
      MAPS,
      409,
      'AlreadyExists',
      /configmaps "taken" already exists/,
    ],
    'a bad name': [
      aMap('Bad_Name'),
      MAPS,
      422,
      'Invalid',
      /metadata.name: Invalid value: "Bad_Name"/,
    ],
    'no name': [
      { apiVersion: 'v1', kind: 'ConfigMap' },
      MAPS,
      422,
      'Invalid',
      /name or generateName is required/,
    ],
    'a namespace that is not there': [
      aMap('a'),
      '/api/v1/namespaces/none/configmaps',
      404,
      'NotFound',
      /namespaces "none" not found/,
    ],
    'another kind': [
      { ...aMap('a'), kind: 'Secret' },
      MAPS,
      400,
      'BadRequest',
      /cannot be handled as a ConfigMap/,
    ],
    'another version': [
      { ...aMap('a'), apiVersion: 'v2' },
      MAPS,
      400,
      'BadRequest',
      /does not match the expected API version/,
    ],
  };
  for (const [what, [object, path, code, reason, message]] of Object.entries(refusals)) {
    it(`refuses ${what}`, async () => {
      const cluster = new TestCluster();
      await cluster.create(MAPS, aMap('taken'));
      const answer = await cluster.create(path, object);
      assert.equal(answer.code, code);
      assert.equal(answer.body['reason'], reason);
      assert.match(String(answer.body['message']), message);
      assert.equal(answer.body['kind'], 'Status');
    });
  }
});

describe('built-ins', () => {
  it('are decoded as typed: nulls are absent, wrong types are refused', async () => {
    const cluster = new TestCluster();
    const wrong = await cluster.create(MAPS, aMap('a', { x: 5 }));
    assert.equal(wrong.code, 400);
    assert.match(String(wrong.body['message']), /cannot be handled as a ConfigMap: data.x/);
    const { code, body } = await cluster.create(MAPS, {
      ...aMap('a', { x: '1' }),
      binaryData: null,
      metadata: { name: 'a', creationTimestamp: null, labels: null, finalizers: [] },
    });
    assert.equal(code, 201);
    assert.ok(!('binaryData' in body));
    assert.ok(!('finalizers' in (body as Loose).metadata));
  });

  it('say what they are in lists once, for the whole list', async () => {
    const cluster = new TestCluster();
    await cluster.create(MAPS, aMap('a'));
    const { body } = await cluster.get(MAPS);
    assert.equal(body['kind'], 'ConfigMapList');
    assert.equal((body as Loose).items[0].kind, undefined);
  });
});

describe('places without an API', () => {
  it('are answered in plain text, as by any web server', async () => {
    const cluster = new TestCluster();
    for (const path of ['/apis/none.io/v1/namespaces/default/things', '/none', '/apis/none.io']) {
      const answer = await cluster.raw('GET', path);
      assert.equal(answer.status, 404);
      assert.equal(answer.body, '404 page not found\n');
    }
  });
});

describe('changing', () => {
  it('refuses an outdated version with a conflict', async () => {
    const cluster = new TestCluster();
    const { body } = await cluster.create(MAPS, aMap('a'));
    await cluster.patch('merge', `${MAPS}/a`, { data: { x: '1' } });
    const answer = await cluster.replace(`${MAPS}/a`, body);
    assert.equal(answer.code, 409);
    assert.equal(answer.body['reason'], 'Conflict');
    assert.match(String(answer.body['message']), /the object has been modified/);
  });

  it('does not write what changes nothing', async () => {
    const cluster = new TestCluster();
    const { body } = await cluster.create(MAPS, aMap('a', { x: '1' }));
    const before = cluster.server.store.revision;
    const same = await cluster.patch('merge', `${MAPS}/a`, { data: { x: '1' } });
    const replaced = await cluster.replace(`${MAPS}/a`, body);
    assert.deepEqual(same.body, body);
    assert.equal(replaced.code, 200);
    assert.equal(cluster.server.store.revision, before);
  });

  it('counts generations for changes of the desired state only', async () => {
    const cluster = await new TestCluster().withWidgets();
    const generation = async (): Promise<unknown> =>
      ((await cluster.get(`${WIDGETS}/a`)).body as Loose).metadata.generation;
    await cluster.create(WIDGETS, aWidget('a', { size: 1 }));
    assert.equal(await generation(), 1);
    await cluster.patch('merge', `${WIDGETS}/a`, { metadata: { labels: { x: 'y' } } });
    await cluster.patch('merge', `${WIDGETS}/a/status`, { status: { phase: 'Fine' } });
    assert.equal(await generation(), 1);
    await cluster.patch('merge', `${WIDGETS}/a`, { spec: { size: 2 } });
    assert.equal(await generation(), 2);
  });

  it('keeps status and the rest apart', async () => {
    const cluster = await new TestCluster().withWidgets();
    const created = await cluster.create(WIDGETS, {
      ...aWidget('a', { size: 1 }),
      status: { phase: 'No' },
    });
    assert.equal(created.body['status'], undefined);
    await cluster.patch('merge', `${WIDGETS}/a`, { status: { phase: 'No' }, spec: { size: 2 } });
    await cluster.patch('merge', `${WIDGETS}/a/status`, {
      status: { phase: 'Yes' },
      spec: { size: 3 },
    });
    const { body } = await cluster.get(`${WIDGETS}/a`);
    assert.deepEqual((body as Loose).status, { phase: 'Yes' });
    assert.equal((body as Loose).spec.size, 2);
  });

  it('changes nothing on a dry run', async () => {
    const cluster = await new TestCluster().withWidgets();
    const created = await cluster.create(`${WIDGETS}?dryRun=All`, aWidget('a', { size: 1 }));
    assert.equal(created.code, 201);
    assert.equal((await cluster.get(`${WIDGETS}/a`)).code, 404);
    await cluster.create(WIDGETS, aWidget('a', { size: 1 }));
    const patched = await cluster.patch('merge', `${WIDGETS}/a?dryRun=All`, { spec: { size: 2 } });
    assert.equal((patched.body as Loose).spec.size, 2);
    await cluster.delete(`${WIDGETS}/a?dryRun=All`);
    assert.equal(((await cluster.get(`${WIDGETS}/a`)).body as Loose).spec.size, 1);
  });

  it('takes microseconds in leases and nothing else', async () => {
    const cluster = new TestCluster();
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    const lease = (renewTime: string): object => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l' },
      spec: { renewTime },
    });
    assert.equal((await cluster.create(path, lease('2026-01-01T00:00:00.123Z'))).code, 400);
    assert.equal((await cluster.create(path, lease('2026-01-01T00:00:00.123456Z'))).code, 201);
  });
});

describe('who may call', () => {
  it('answers strangers only about health and version', async () => {
    const { server } = new TestCluster();
    const ask = (path: string): Promise<{ status: number }> =>
      server.handle({ method: 'GET', path });
    assert.equal((await ask('/api/v1/namespaces')).status, 401);
    assert.equal((await ask('/apis')).status, 401);
    assert.equal((await ask('/readyz')).status, 200);
    assert.equal((await ask('/version')).status, 200);
  });
});

describe('events', () => {
  it('shows in one group what was written in the other', async () => {
    const cluster = new TestCluster();
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'c',
      reportingInstance: 'i',
      action: 'Do',
      reason: 'Done',
      note: 'all good',
      type: 'Normal',
      regarding: { kind: 'ConfigMap', name: 'a', namespace: 'default', uid: 'u' },
    };
    const created = await cluster.create('/apis/events.k8s.io/v1/namespaces/default/events', event);
    assert.equal(created.code, 201);
    const list = await cluster.get(
      '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Da,involvedObject.uid%3Du',
    );
    const [shown] = (list.body as Loose).items;
    assert.equal(shown.message, 'all good');
    assert.equal(shown.involvedObject.kind, 'ConfigMap');
    assert.equal(shown.reportingComponent, 'c');
  });
});
