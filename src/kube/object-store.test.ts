import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject, Resource } from '../api/object.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { ObjectStore } from './object-store.ts';

interface Widget extends AnyObject {
  spec: { size: number; owner?: string };
}

const widgets: Resource<Widget> = {
  group: 'example.dev',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  shortNames: [],
  namespaced: true,
};

function aWidget(
  name: string,
  version: string | number,
  options: { size?: number; owner?: string; uid?: string; metadata?: object } = {},
): Widget {
  return {
    apiVersion: 'example.dev/v1',
    kind: 'Widget',
    metadata: {
      name,
      namespace: 'shop',
      uid: options.uid ?? `uid-${name}`,
      resourceVersion: String(version),
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...options.metadata,
    },
    spec: { size: options.size ?? 1, ...(options.owner && { owner: options.owner }) },
  };
}

/** A store that has taken in a list of these widgets at version 100. */
async function aStore(...listed: Widget[]) {
  const clock = new FakeClock();
  const store = new ObjectStore<Widget>({
    resource: widgets,
    runtime: createRuntime({ clock }),
    indexes: { owner: (widget) => (widget.spec.owner ? [widget.spec.owner] : []) },
  });
  await store.replace(listed, { resourceVersion: '100', startedAt: 0 });
  const events: string[] = [];
  store.subscribe((type, object, _old, origin) => {
    events.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion} (${origin})`);
  });
  return { clock, store, events };
}

const shopA = { namespace: 'shop', name: 'a' };

test('the answer to our own write shows at once, and its echo in the watch is no event', async () => {
  const { store, events } = await aStore(aWidget('a', 90));
  store.observe(aWidget('a', 101, { size: 2 }));
  assert.equal(store.get('shop', 'a')?.spec.size, 2);
  store.take('MODIFIED', aWidget('a', 101, { size: 2 }));
  assert.deepEqual(events, ['update a@101 (write)']);
});

test('watch events older than our own write are dropped', async () => {
  const { store, events } = await aStore(aWidget('a', 90));
  store.observe(aWidget('a', 105, { size: 5 }));
  store.take('MODIFIED', aWidget('a', 101, { size: 1 }));
  assert.equal(store.get('shop', 'a')?.spec.size, 5);
  store.take('MODIFIED', aWidget('a', 106, { size: 6 }));
  assert.deepEqual(events, ['update a@105 (write)', 'update a@106 (watch)']);
});

test('a list taken before our own write does not undo it', async () => {
  const { store } = await aStore(aWidget('a', 90));
  store.observe(aWidget('a', 205, { size: 5 }));
  store.observe(aWidget('new', 206));
  const listed = { resourceVersion: '204', startedAt: 0 };
  await store.replace([aWidget('a', 90)], listed);
  assert.equal(store.get('shop', 'a')?.spec.size, 5);
  assert.equal(store.get('shop', 'new')?.spec.size, 1);
});

test('a confirmed deletion shows at once, and late events do not bring the object back', async () => {
  const { store, events } = await aStore(aWidget('a', 90));
  store.observeDeleted(shopA, 'uid-a');
  assert.equal(store.get('shop', 'a'), undefined);
  store.take('MODIFIED', aWidget('a', 101));
  store.take('DELETED', aWidget('a', 102));
  assert.equal(store.get('shop', 'a'), undefined);
  assert.deepEqual(events, ['delete a@90 (write)']);
});

test('a successor of the same name is shown although its predecessor was just deleted', async () => {
  const { store } = await aStore(aWidget('a', 90));
  store.observeDeleted(shopA, 'uid-a');
  store.observe(aWidget('a', 103, { uid: 'second' }));
  store.take('DELETED', aWidget('a', 102));
  assert.equal(store.get('shop', 'a')?.metadata.uid, 'second');
  assert.equal(store.byUid('uid-a'), undefined);
});

test('removing the last finalizer of a deleted object removes it from the cache', async () => {
  const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['keep'] };
  const { store, events } = await aStore(aWidget('a', 90, { metadata }));
  store.observe(aWidget('a', 101, { metadata: { ...metadata, finalizers: [] } }));
  assert.equal(store.get('shop', 'a'), undefined);
  assert.deepEqual(events, ['delete a@90 (write)']);
});

test('an old answer about an object that is gone does not bring it back', async () => {
  const { store } = await aStore(aWidget('a', 90));
  store.take('DELETED', aWidget('a', 101));
  store.observe(aWidget('a', 95));
  assert.equal(store.get('shop', 'a'), undefined);
});

test('versions that cannot be ordered are waited for, for at most five minutes', async () => {
  const { store, clock } = await aStore(aWidget('a', 'xyz'));
  store.observe(aWidget('a', 'abc', { size: 2 }));
  assert.equal(store.get('shop', 'a')?.spec.size, 1);
  assert.equal(store.ready(shopA), false);
  store.take('MODIFIED', aWidget('a', 'abc', { size: 2 }));
  assert.equal(store.ready(shopA), true);
  store.wroteAt(shopA, 'never-seen');
  assert.equal(store.ready(shopA), false);
  await clock.advance(5 * 60_000 + 1);
  assert.equal(store.ready(shopA), true);
});

test('a version that was announced is waited for until the watch or a bookmark passes it', async () => {
  const { store } = await aStore(aWidget('a', 90));
  store.wroteAt(shopA, '120');
  assert.equal(store.ready(shopA), false);
  store.advance('119');
  assert.equal(store.ready(shopA), false);
  store.advance('120');
  assert.equal(store.ready(shopA), true);
});

test('objects are found by namespace, uid and index, also after they change', async () => {
  const { store } = await aStore(
    aWidget('a', 90, { owner: 'ann' }),
    aWidget('b', 91, { owner: 'ann' }),
  );
  const names = (owner: string): string[] =>
    store.byIndex('owner', owner).map((widget) => widget.metadata.name);
  assert.deepEqual(names('ann'), ['a', 'b']);
  store.take('MODIFIED', aWidget('a', 101, { owner: 'bob' }));
  assert.deepEqual(names('ann'), ['b']);
  assert.deepEqual(names('bob'), ['a']);
  store.take('DELETED', aWidget('b', 102, { owner: 'ann' }));
  assert.deepEqual(names('ann'), []);
  assert.equal(store.list('shop').length, 1);
  assert.equal(store.list('elsewhere').length, 0);
  assert.equal(store.byUid('uid-a')?.spec.owner, 'bob');
  assert.throws(() => store.byIndex('colour', 'red'), /no index colour/);
});

test('waiting for the first list ends with it', async () => {
  const runtime = createRuntime({ clock: new FakeClock() });
  const store = new ObjectStore<Widget>({ resource: widgets, runtime });
  let synced = false;
  const waiting = store.whenSynced().then(() => {
    synced = true;
  });
  assert.equal(synced, false);
  await store.replace([], { resourceVersion: '1', startedAt: 0 });
  await waiting;
  assert.equal(synced, true);
});
