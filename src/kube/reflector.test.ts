import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { AnyObject, Resource } from '../api/object.ts';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import { createConnection } from './connection.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { ObjectStore } from './object-store.ts';
import { Reflector } from './reflector.ts';

interface Widget extends AnyObject {
  spec: { size: number };
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

function aWidget(name: string, options: { size?: number; uid?: string } = {}): Widget {
  return {
    apiVersion: 'example.dev/v1',
    kind: 'Widget',
    metadata: {
      name,
      namespace: 'shop',
      uid: options.uid ?? `uid-${name}`,
      resourceVersion: '',
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{ manager: 'someone' }],
    },
    spec: { size: options.size ?? 1 },
  };
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A running reflector over a fake server, and every event its store showed. */
async function aReflector(server: FakeApiServer, resyncMilliseconds?: number) {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock, random: seededRandom(1) });
  const store = new ObjectStore<Widget>({ resource: widgets, runtime });
  const connection = createConnection({ transport: server, runtime });
  const events: string[] = [];
  store.subscribe((type, object, _old, origin) => {
    events.push(`${type} ${object.metadata.name}=${object.spec.size} (${origin})`);
  });
  const reflector = new Reflector({
    connection,
    runtime,
    resource: widgets,
    store,
    ...(resyncMilliseconds && { resyncMilliseconds }),
  });
  const stopping = new AbortController();
  const running = reflector.run(stopping.signal);
  stops.push(async () => {
    stopping.abort();
    await running;
  });
  await settle();
  return { clock, store, reflector, events };
}

test('the first list arrives through the watch, and changes follow', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  const { store, events } = await aReflector(server);
  assert.equal(store.synced, true);
  server.put(aWidget('a', { size: 2 }));
  server.put(aWidget('b'));
  server.remove('shop', 'a');
  await settle();
  assert.deepEqual(events, [
    'add a=1 (list)',
    'update a=2 (watch)',
    'add b=1 (watch)',
    'delete a=2 (watch)',
  ]);
  assert.deepEqual(
    store.list().map((widget) => widget.metadata.name),
    ['b'],
  );
});

test('objects in the cache are frozen and carry no managedFields', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  const { store } = await aReflector(server);
  const widget = store.get('shop', 'a')!;
  assert.equal(widget.metadata.managedFields, undefined);
  assert.throws(() => {
    (widget.spec as { size: number }).size = 5;
  }, TypeError);
});

test('a server that cannot replay lists is listed in pages', async () => {
  const server = new FakeApiServer();
  server.replays = false;
  for (let index = 0; index < 600; index++) server.put(aWidget(`w${index}`));
  const { clock, store } = await aReflector(server);
  await clock.advance(1000);
  assert.equal(store.size, 600);
  assert.equal(server.log.filter((line) => line.includes('limit=')).length, 3);
  server.put(aWidget('late'));
  await settle();
  assert.equal(store.get('shop', 'late')?.spec.size, 1);
});

test('a server that ignores the replay question is listed in pages after ten seconds', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  const original = server.stream.bind(server);
  let first = true;
  server.stream = async (wire) => {
    if (!first) return original(wire);
    first = false;
    return original({ ...wire, path: wire.path.replace('sendInitialEvents=true', '') });
  };
  const { clock, store } = await aReflector(server);
  assert.equal(store.synced, false);
  await clock.advance(15_000);
  assert.equal(store.size, 1);
});

test('a forgotten version leads to a fresh list whose differences are events', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('kept'));
  server.put(aWidget('gone'));
  server.put(aWidget('changed'));
  const { clock, events, reflector } = await aReflector(server);
  events.length = 0;
  server.remove('shop', 'gone', { silently: true });
  server.put(aWidget('changed', { size: 9 }), { silently: true });
  server.put(aWidget('new'), { silently: true });
  server.oldestVersion = server.version + 1;
  server.openWatch!.end();
  await clock.advance(5000);
  assert.deepEqual(events.sort(), [
    'add new=1 (list)',
    'delete gone=1 (list)',
    'update changed=9 (list)',
  ]);
  assert.equal(reflector.health().lists, 2);
});

test('an object recreated under the same name is a delete and an add', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a', { uid: 'first' }));
  const { clock, events } = await aReflector(server);
  events.length = 0;
  server.put(aWidget('a', { uid: 'second', size: 2 }), { silently: true });
  server.oldestVersion = server.version + 1;
  server.openWatch!.end();
  await clock.advance(5000);
  assert.deepEqual(events, ['delete a=1 (list)', 'add a=2 (list)']);
});

test('a watch that ends resumes where it was, without a list', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  const { clock, reflector } = await aReflector(server);
  server.openWatch!.bookmark(150);
  await clock.advance(60_000);
  server.openWatch!.end();
  await clock.advance(1000);
  assert.equal(server.openWatch!.query.get('resourceVersion'), '150');
  assert.equal(reflector.health().lists, 1);
});

test('a half-open watch is noticed by its silence, and what was missed is delivered', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  const { clock, events } = await aReflector(server);
  events.length = 0;
  // The server thinks the watch is fine, but nothing of what it sends arrives.
  const dead = server.openWatch!;
  dead.send = () => {};
  server.put(aWidget('a', { size: 2 }));
  await clock.advance(79_000);
  assert.deepEqual(events, []);
  server.oldestVersion = server.version + 1;
  await clock.advance(10_000);
  assert.deepEqual(events, ['update a=2 (list)']);
});

test('bookmarks keep a quiet watch alive', async () => {
  const server = new FakeApiServer();
  const { clock, reflector } = await aReflector(server);
  for (let minute = 0; minute < 10; minute++) {
    await clock.advance(60_000);
    server.openWatch!.bookmark(200 + minute);
  }
  await settle();
  assert.equal(reflector.health().watches, 1);
  assert.equal(reflector.health().silentMilliseconds, 0);
});

test('several watches that end at once lead to a fresh list', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  const { clock, events } = await aReflector(server);
  events.length = 0;
  server.put(aWidget('a', { size: 2 }), { silently: true });
  server.openWatch!.end();
  for (let second = 0; second < 300 && events.length === 0; second++) {
    await clock.advance(1000);
    if (server.openWatch?.query.get('sendInitialEvents') !== 'true') server.openWatch?.end();
  }
  assert.deepEqual(events, ['update a=2 (list)']);
});

test('a busy server is asked again only after the time it named', async () => {
  const server = new FakeApiServer();
  server.interceptOnce(() => ({
    status: 429,
    body: { message: 'busy' },
    headers: { 'retry-after': '20' },
  }));
  const { clock, store } = await aReflector(server);
  await clock.advance(19_000);
  assert.equal(server.log.length, 1);
  await clock.advance(60_000);
  assert.equal(store.synced, true);
});

test('an unreachable server is tried again, ever more slowly but at least once a minute', async () => {
  const server = new FakeApiServer();
  for (let attempt = 0; attempt < 40; attempt++) server.interceptOnce(() => 'unreachable');
  const { clock, store } = await aReflector(server);
  await clock.advance(10 * 60_000);
  assert.ok(server.log.length > 10 && server.log.length < 40, `${server.log.length} attempts`);
  await clock.advance(30 * 60_000);
  assert.equal(store.synced, true);
});

test('a handler that throws neither stops the watch nor the other handlers', async () => {
  const server = new FakeApiServer();
  const { store, events } = await aReflector(server);
  store.subscribe(() => {
    throw new Error('a bug');
  });
  const seen: string[] = [];
  store.subscribe((_type, object) => seen.push(object.metadata.name));
  server.put(aWidget('a'));
  server.put(aWidget('b'));
  await settle();
  assert.deepEqual(seen, ['a', 'b']);
  assert.equal(events.length, 2);
});

test('events split and joined anywhere between chunks are read the same', async () => {
  const server = new FakeApiServer();
  const { events } = await aReflector(server);
  const line = (name: string, version: number): string => {
    const object = aWidget(name);
    object.metadata.resourceVersion = String(version);
    return `${JSON.stringify({ type: 'ADDED', object })}\n`;
  };
  const text = line('a', 201) + line('b', 202);
  for (const piece of [text.slice(0, 7), text.slice(7, 250), text.slice(250)])
    server.openWatch!.sendText(piece);
  await settle();
  assert.deepEqual(events, ['add a=1 (watch)', 'add b=1 (watch)']);
});

test('everything is listed and shown again when a resync is due', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  const { clock, events } = await aReflector(server, 3_600_000);
  events.length = 0;
  for (let minute = 0; minute < 80; minute++) {
    await clock.advance(60_000);
    if (minute % 8 === 7) server.openWatch?.end();
    else server.openWatch?.bookmark(server.version);
  }
  assert.deepEqual(events, ['update a=1 (resync)']);
});

test('a list that goes back in time is refused, until it must be a restored backup', async () => {
  const server = new FakeApiServer();
  server.put(aWidget('a'));
  server.put(aWidget('b'));
  const { clock, store } = await aReflector(server);
  server.objects.delete('shop/b');
  server.version = 50;
  server.oldestVersion = 1000;
  server.openWatch!.end();
  await clock.advance(60_000);
  server.oldestVersion = 0;
  assert.equal(store.size, 2);
  await clock.advance(6 * 60_000);
  assert.equal(store.size, 1);
});

test('stopping ends the watch', async () => {
  const server = new FakeApiServer();
  await aReflector(server);
  assert.ok(server.openWatch);
  for (const stop of stops.splice(0)) await stop();
  assert.equal(server.openWatch, undefined);
});
