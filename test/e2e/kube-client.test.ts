// The Kubernetes client against an API server over real sockets: the embedded one, or the one that
// POOLKEEPER_E2E_KUBECONFIG names.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { configMaps, events, leases, namespaces } from '../../src/api/built-in.ts';
import {
  addFinalizerPatch,
  connectKubernetes,
  createEventRecorder,
  createLeaseStore,
  fromKubeconfig,
  isAlreadyExists,
  isConflict,
  isInvalid,
  type Kubernetes,
  keyOfObject,
  locked,
  removeFinalizerPatch,
  runController,
  runLeaderElection,
  watchAndEnqueue,
} from '../../src/kube/index.ts';
import { startEmbeddedKubernetes } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';

const runtime = createRuntime();
const directory = mkdtempSync(join(tmpdir(), 'poolkeeper-e2e-'));
const namespace = `kube-client-${Buffer.from(runtime.random.bytes(4)).toString('hex')}`;
const cleanups: (() => Promise<unknown>)[] = [];
let path: string;
let kubernetes: Kubernetes;

before(async () => {
  path = process.env['POOLKEEPER_E2E_KUBECONFIG'] ?? '';
  if (!path) {
    const embedded = await startEmbeddedKubernetes({ runtime });
    cleanups.push(() => embedded.close());
    path = join(directory, 'kubeconfig');
    writeFileSync(path, embedded.kubeconfig);
  }
  kubernetes = connect();
  await kubernetes.client.create(namespaces, { metadata: { name: namespace } });
});

after(async () => {
  await kubernetes.client.delete(namespaces, { name: namespace });
  for (const cleanup of cleanups.reverse()) await cleanup();
  rmSync(directory, { recursive: true });
});

function connect(): Kubernetes {
  const to = fromKubeconfig({ runtime, path });
  const connected = connectKubernetes({ runtime, to, component: 'e2e' });
  cleanups.push(() => connected.close());
  return connected;
}

/** Resolves when the condition holds; looks again whenever something happens and now and then. */
async function eventually(condition: () => boolean | Promise<boolean>, what: string) {
  const giveUpAt = runtime.clock.monotonic() + 20_000;
  while (!(await condition())) {
    assert.ok(runtime.clock.monotonic() < giveUpAt, `it never happened that ${what}`);
    await new Promise<void>((resolve) => runtime.clock.schedule(10, resolve));
  }
}

test('an object is created, read, changed, listed and deleted', async () => {
  const { client } = kubernetes;
  const reference = { namespace, name: 'crud' };
  const made = await client.create(configMaps, { metadata: reference, data: { colour: 'red' } });
  assert.equal(made.kind, 'ConfigMap');
  await assert.rejects(client.create(configMaps, { metadata: reference }), isAlreadyExists);

  const merged = await client.mergePatch(configMaps, reference, { data: { size: '5' } });
  assert.deepEqual(merged.data, { colour: 'red', size: '5' });
  const outdated = locked(made, { data: { size: '6' } });
  await assert.rejects(client.mergePatch(configMaps, reference, outdated), isConflict);

  const patched = await client.jsonPatch(configMaps, reference, [
    { op: 'test', path: '/data/size', value: '5' },
    { op: 'remove', path: '/data/size' },
  ]);
  assert.deepEqual(patched.data, { colour: 'red' });
  const mismatch = [{ op: 'test', path: '/data/colour', value: 'blue' }] as const;
  await assert.rejects(client.jsonPatch(configMaps, reference, mismatch), isInvalid);

  const listed = await client.list(configMaps, { namespace, fieldSelector: 'metadata.name=crud' });
  assert.deepEqual(
    listed.map((item) => item.metadata.name),
    ['crud'],
  );
  const wrong = { uid: '00000000-0000-0000-0000-000000000000' };
  await assert.rejects(client.delete(configMaps, reference, wrong), isConflict);
  assert.equal(await client.delete(configMaps, reference, { uid: made.metadata.uid }), 'deleted');
  assert.equal(await client.delete(configMaps, reference), 'absent');
  assert.equal(await client.get(configMaps, reference), undefined);
});

test('server-side apply owns its fields and removes what it no longer names', async () => {
  const { client } = kubernetes;
  const metadata = { namespace, name: 'applied' };
  const options = { fieldManager: 'one' };
  await client.apply(configMaps, { metadata, data: { a: '1', b: '1' } }, options);
  const again = await client.apply(configMaps, { metadata, data: { a: '2' } }, options);
  assert.deepEqual(again.data, { a: '2' });
  const other = { metadata, data: { a: '3' } };
  await assert.rejects(client.apply(configMaps, other, { fieldManager: 'two' }), isConflict);
  const forced = await client.apply(configMaps, other, { fieldManager: 'two', force: true });
  assert.deepEqual(forced.data, { a: '3' });
});

test('a finalizer keeps a deleted object until it is removed', async () => {
  const { client } = kubernetes;
  const reference = { namespace, name: 'kept' };
  const made = await client.create(configMaps, { metadata: reference });
  const finalizer = 'poolkeeper.dev/e2e';
  const held = await client.mergePatch(configMaps, reference, addFinalizerPatch(made, finalizer)!);
  assert.equal(await client.delete(configMaps, reference), 'terminating');
  const leaving = await client.get(configMaps, reference);
  assert.ok(leaving?.metadata.deletionTimestamp);
  const stale = removeFinalizerPatch(held, finalizer)!;
  await assert.rejects(client.mergePatch(configMaps, reference, stale), isConflict);
  await client.mergePatch(configMaps, reference, removeFinalizerPatch(leaving, finalizer)!);
  assert.equal(await client.get(configMaps, reference), undefined);
});

test('a cache shows our own writes at once and those of others soon', async () => {
  const own = connect();
  const other = connect();
  const store = own.caches.add(configMaps, {
    namespace,
    indexes: { colour: (map) => (map.data?.['colour'] ? [map.data['colour']] : []) },
  });
  const stopping = new AbortController();
  const running = own.caches.start(stopping.signal);
  await own.caches.whenSynced();

  await own.client.create(configMaps, {
    metadata: { namespace, name: 'mine' },
    data: { colour: 'green' },
  });
  assert.equal(store.get(namespace, 'mine')?.data?.['colour'], 'green');
  await own.client.mergePatch(
    configMaps,
    { namespace, name: 'mine' },
    { data: { colour: 'blue' } },
  );
  assert.deepEqual(
    store.byIndex('colour', 'blue').map((map) => map.metadata.name),
    ['mine'],
  );

  await other.client.create(configMaps, { metadata: { namespace, name: 'theirs' } });
  await eventually(() => store.get(namespace, 'theirs') !== undefined, 'their object showed');
  await other.client.delete(configMaps, { namespace, name: 'theirs' });
  await eventually(() => store.get(namespace, 'theirs') === undefined, 'their object went');

  await own.client.delete(configMaps, { namespace, name: 'mine' });
  assert.equal(store.get(namespace, 'mine'), undefined);
  stopping.abort();
  await running;
});

test('a list of many pages is complete and consistent', async () => {
  const { client } = kubernetes;
  const count = 300;
  const names = Array.from({ length: count }, (_, index) => `many-${index}`);
  await Promise.all(
    names.map((name) =>
      client.create(configMaps, { metadata: { namespace, name, labels: { many: 'yes' } } }),
    ),
  );
  const listed = await client.list(configMaps, { namespace, labelSelector: 'many=yes' });
  assert.deepEqual(new Set(listed.map((item) => item.metadata.name)), new Set(names));
});

test('a controller follows what others do', async () => {
  const own = connect();
  const store = own.caches.add(configMaps, { namespace, labelSelector: 'mirror=yes' });
  const stopping = new AbortController();
  const running = own.caches.start(stopping.signal);
  const controller = runController({
    name: 'mirror',
    runtime,
    startWhen: own.caches.whenSynced(),
    reconcile: async (key) => {
      const source = store.byKey(key);
      if (!source || source.data?.['seen'] === 'true') return { type: 'done' };
      const patch = locked(source, { data: { seen: 'true' } });
      await own.client.mergePatch(configMaps, { namespace, name: source.metadata.name }, patch);
      return { type: 'done' };
    },
  });
  watchAndEnqueue(store, controller.queue, (object) => [keyOfObject(object)]);
  const metadata = { namespace, name: 'mirrored', labels: { mirror: 'yes' } };
  await kubernetes.client.create(configMaps, { metadata });
  await eventually(async () => {
    const map = await kubernetes.client.get(configMaps, { namespace, name: 'mirrored' });
    return map?.data?.['seen'] === 'true';
  }, 'the controller wrote');
  await controller.stop();
  stopping.abort();
  await running;
});

test('two electors share one lease, and the second leads when the first stops', async () => {
  const name = 'election';
  const elect = (identity: string, history: string[]) =>
    runLeaderElection({
      runtime,
      leases: createLeaseStore(connect().connection, { namespace, name }),
      name,
      identity,
      leaseMilliseconds: 3000,
      renewDeadlineMilliseconds: 2000,
      retryMilliseconds: 200,
      onStartedLeading: () => history.push(`${identity} started`),
      onStoppedLeading: (cause) => history.push(`${identity} ${cause}`),
    });
  const history: string[] = [];
  const one = elect('one', history);
  await eventually(() => one.isLeader(), 'the first led');
  const two = elect('two', history);
  await eventually(() => two.leader() === 'one', 'the second saw the first');
  await one.stop();
  await eventually(() => two.isLeader(), 'the second led');
  const lease = await kubernetes.client.get(leases, { namespace, name });
  assert.equal(lease?.spec?.holderIdentity, 'two');
  assert.equal(lease?.spec?.leaseTransitions, 1);
  await two.stop();
  assert.deepEqual(history, ['one started', 'one released', 'two started', 'two released']);
});

test('events are written once and counted when they repeat', async () => {
  const { client } = kubernetes;
  const recorder = createEventRecorder({
    runtime,
    client,
    reportingController: 'poolkeeper.dev/e2e',
    reportingInstance: 'e2e',
  });
  const about = await client.create(configMaps, { metadata: { namespace, name: 'noted' } });
  for (let repeat = 0; repeat < 3; repeat++) {
    recorder.event(about, 'Warning', 'Testing', 'Test', 'this is a test');
    await recorder.flush();
  }
  const written = (await client.list(events, { namespace })).filter(
    (event) => event.regarding?.uid === about.metadata.uid,
  );
  assert.equal(written.length, 1);
  assert.equal(written[0]?.note, 'this is a test');
  assert.equal(written[0]?.series?.count, 3);
});
