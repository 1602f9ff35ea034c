import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMaps } from '../api/built-in.ts';
import type { AnyObject } from '../api/object.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { createLog } from '../runtime/log.ts';
import { JoinedStore } from './joined-store.ts';
import { ObjectStore } from './object-store.ts';

const byName = (one: AnyObject, other: AnyObject): number =>
  one.metadata.name < other.metadata.name ? -1 : 1;

function anObject(namespace: string, name: string, resourceVersion: string): AnyObject {
  const metadata = { namespace, name, uid: `${namespace}-${name}`, resourceVersion };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata } as AnyObject;
}

function aStore() {
  const runtime = createRuntime({ clock: new FakeClock(), log: createLog('silent') });
  const orders = { all: byName as never };
  const parts = new Map(
    ['a', 'b'].map((namespace) => {
      const resource = configMaps as never;
      const indexes = { all: () => ['x'] };
      return [namespace, new ObjectStore<AnyObject>({ resource, runtime, indexes, orders })];
    }),
  );
  return { parts, joined: new JoinedStore<AnyObject>(parts, orders) };
}

async function fill(
  store: ObjectStore<AnyObject> | undefined,
  version: string,
  ...objects: AnyObject[]
) {
  await store?.replace(objects, { resourceVersion: version, startedAt: 0 });
}

test('shows what all parts hold, each under its namespace', async () => {
  const { parts, joined } = aStore();
  await fill(parts.get('a'), '10', anObject('a', 'one', '1'), anObject('a', 'three', '2'));
  assert.equal(joined.synced, false);
  await fill(parts.get('b'), '5', anObject('b', 'two', '3'));
  assert.equal(joined.synced, true);
  assert.equal(joined.size, 3);
  assert.equal(joined.get('b', 'two')?.metadata.uid, 'b-two');
  assert.equal(joined.get('a', 'two'), undefined);
  assert.equal(joined.byKey('a/one')?.metadata.name, 'one');
  assert.equal(joined.byUid('b-two')?.metadata.name, 'two');
  assert.deepEqual(
    joined.list('a').map(({ metadata }) => metadata.name),
    ['one', 'three'],
  );
  assert.deepEqual(
    joined.byIndex('all', 'x').map(({ metadata }) => metadata.name),
    ['one', 'three', 'two'],
  );
});

test('what was written in a namespace whose watch lags shows at once', async () => {
  const { parts, joined } = aStore();
  await fill(parts.get('a'), '1000');
  await fill(parts.get('b'), '50');
  joined.observe(anObject('b', 'new', '80'));
  assert.equal(joined.get('b', 'new')?.metadata.resourceVersion, '80');
});

test('takes in nothing of other namespaces', async () => {
  const { parts, joined } = aStore();
  await fill(parts.get('a'), '1');
  await fill(parts.get('b'), '1');
  joined.observe(anObject('c', 'foreign', '80'));
  joined.observeDeleted({ namespace: 'c', name: 'foreign' }, 'c-foreign');
  assert.equal(joined.get('c', 'foreign'), undefined);
  assert.deepEqual(joined.list(), []);
  assert.equal(joined.ready({ namespace: 'c', name: 'foreign' }), true);
});

test('tells of changes in every part until it is told to end', async () => {
  const { parts, joined } = aStore();
  await fill(parts.get('a'), '1');
  await fill(parts.get('b'), '1');
  const seen: string[] = [];
  const end = joined.subscribe((type, { metadata }) => seen.push(`${type} ${metadata.name}`));
  joined.observe(anObject('a', 'one', '2'));
  joined.observe(anObject('b', 'two', '3'));
  end();
  joined.observe(anObject('b', 'three', '4'));
  assert.deepEqual(seen, ['add one', 'add two']);
});
