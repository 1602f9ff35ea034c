import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settle } from '../../../runtime/fake-clock.ts';
import { aWidget, TestCluster, WIDGETS } from '../test-cluster.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as loosely as a client reads them.
type Loose = any;

const seen = (events: { type: string; object: Loose }[]): string[] =>
  events.map((event) => `${event.type} ${event.object.metadata.name ?? ''}`.trim());

describe('watches', () => {
  it('start with what is there and go on with every change', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a'));
    const watch = await cluster.watch(`${WIDGETS}?watch=true`);
    await cluster.create(WIDGETS, aWidget('b'));
    await cluster.patch('merge', `${WIDGETS}/a`, { spec: { size: 1 } });
    const { body } = await cluster.get(`${WIDGETS}/a`);
    await cluster.delete(`${WIDGETS}/a`);
    const events = await watch.events();
    assert.deepEqual(seen(events), ['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED a']);
    assert.deepEqual(events[2]!.object, body);
    const versions = events.map((event) =>
      Number((event.object as Loose).metadata.resourceVersion),
    );
    assert.deepEqual(
      versions,
      versions.toSorted((left, right) => left - right),
    );
  });

  it('resume after a version without loss or repetition', async () => {
    const cluster = await new TestCluster().withWidgets();
    const { body } = await cluster.create(WIDGETS, aWidget('a'));
    await cluster.create(WIDGETS, aWidget('b'));
    const version = (body as Loose).metadata.resourceVersion;
    const watch = await cluster.watch(`${WIDGETS}?watch=1&resourceVersion=${version}`);
    assert.deepEqual(seen(await watch.events()), ['ADDED b']);
  });

  it('say that a version is too old', async () => {
    const cluster = await new TestCluster().withWidgets();
    const { body } = await cluster.create(WIDGETS, aWidget('a'));
    await cluster.create(WIDGETS, aWidget('b'));
    cluster.server.compact();
    const version = (body as Loose).metadata.resourceVersion;
    const answer = await cluster.get(`${WIDGETS}?watch=1&resourceVersion=${version}`);
    assert.equal(answer.code, 410);
    assert.equal(answer.body['reason'], 'Expired');
  });

  it('turn a change into an appearance or disappearance for a selector', async () => {
    const cluster = await new TestCluster().withWidgets();
    const watch = await cluster.watch(`${WIDGETS}?watch=1&labelSelector=on%3Dyes`);
    await cluster.create(WIDGETS, aWidget('a'));
    const label = (on: string): Promise<unknown> =>
      cluster.patch('merge', `${WIDGETS}/a`, { metadata: { labels: { on } } });
    await label('yes');
    await cluster.patch('merge', `${WIDGETS}/a`, { spec: { size: 1 } });
    await label('no');
    const events = await watch.events();
    assert.deepEqual(seen(events), ['ADDED a', 'MODIFIED a', 'DELETED a']);
    assert.equal((events[2]!.object as Loose).metadata.labels.on, 'yes');
  });

  it('send the initial list and mark its end', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a'));
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const watch = await cluster.watch(`${WIDGETS}?${query}`);
    const events = await watch.events();
    assert.deepEqual(seen(events), ['ADDED a', 'BOOKMARK']);
    const { annotations, resourceVersion } = (events[1]!.object as Loose).metadata;
    assert.equal(annotations['k8s.io/initial-events-end'], 'true');
    assert.equal(resourceVersion, String(cluster.server.store.revision));
  });

  it('send a bookmark every minute and end after their timeout', async () => {
    const cluster = await new TestCluster().withWidgets();
    const watch = await cluster.watch(
      `${WIDGETS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=90`,
    );
    await cluster.clock.advance(61_000);
    assert.deepEqual(seen(await watch.events()), ['BOOKMARK']);
    await cluster.clock.advance(30_000);
    assert.deepEqual(seen(await watch.events()), ['BOOKMARK']);
    assert.ok(watch.ended());
  });

  it('end when the client leaves or the server closes them', async () => {
    const cluster = await new TestCluster().withWidgets();
    const left = await cluster.watch(`${WIDGETS}?watch=1`);
    const closed = await cluster.watch(`${WIDGETS}?watch=1`);
    left.stop();
    await settle();
    assert.ok(left.ended());
    assert.ok(!closed.ended());
    cluster.server.closeWatches();
    await settle();
    assert.ok(closed.ended());
  });

  it('show both event groups the same event', async () => {
    const cluster = new TestCluster();
    const watch = await cluster.watch('/apis/events.k8s.io/v1/namespaces/default/events?watch=1');
    await cluster.create('/api/v1/namespaces/default/events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'Widget', namespace: 'default', name: 'a' },
      message: 'hello',
      type: 'Normal',
    });
    const [event] = await watch.events();
    assert.equal(event?.object['note'], 'hello');
    assert.equal(event?.object['apiVersion'], 'events.k8s.io/v1');
  });
});
