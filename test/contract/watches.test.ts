// Watches: the first events, the ones after, the marks between, and how a watch ends.
import assert from 'node:assert/strict';
import { contract, refused, succeeded } from './case.ts';
import { type ContractCluster, DEFINITIONS } from './cluster.ts';
import { aSimpleDefinition } from './widgets.ts';

async function version(cluster: ContractCluster): Promise<string> {
  return succeeded(await cluster.get(cluster.widgets())).metadata.resourceVersion;
}

contract('watches', {
  'without a version the watch begins with what is there': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('first'));
    const watch = await cluster.watch(`${cluster.widgets()}?watch=true`);
    assert.deepEqual(await watch.told(1), ['ADDED first']);
    await cluster.made(cluster.widgets(), cluster.aWidget('second'));
    assert.deepEqual(await watch.told(1), ['ADDED second']);
    watch.stop();
  },
  'resourceVersion=0 begins with what is there too': async (cluster) => {
    const watch = await cluster.watch(`${cluster.widgets()}?watch=true&resourceVersion=0`);
    assert.deepEqual((await watch.told(2)).sort(), ['ADDED first', 'ADDED second']);
    watch.stop();
  },
  'from a version the watch tells what came after': async (cluster) => {
    const from = await version(cluster);
    await cluster.patch('merge', cluster.widgets('first'), { spec: { size: 2 } });
    await cluster.made(cluster.widgets(), cluster.aWidget('third'));
    await cluster.delete(cluster.widgets('third'));
    const watch = await cluster.watch(`${cluster.widgets()}?watch=true&resourceVersion=${from}`);
    assert.deepEqual(await watch.told(3), ['MODIFIED first', 'ADDED third', 'DELETED third']);
    watch.stop();
  },
  'versions of events grow, and a deletion has one of its own': async (cluster) => {
    const from = await version(cluster);
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('growing'));
    await cluster.delete(cluster.widgets('growing'));
    const watch = await cluster.watch(`${cluster.widgets()}?watch=true&resourceVersion=${from}`);
    const added = await watch.next();
    const deleted = await watch.next();
    assert.equal(added?.object.metadata.resourceVersion, made.metadata.resourceVersion);
    const last = BigInt(deleted?.object.metadata.resourceVersion);
    assert.ok(last > BigInt(made.metadata.resourceVersion));
    assert.equal(deleted?.object.spec.limit, 10);
    watch.stop();
  },
  'a finalizer makes a deletion a change first': async (cluster) => {
    const finalizers = ['example.com/hold'];
    await cluster.made(cluster.widgets(), cluster.aWidget('held', {}, { finalizers }));
    const from = await version(cluster);
    await cluster.delete(cluster.widgets('held'));
    await cluster.patch('merge', cluster.widgets('held'), { metadata: { finalizers: null } });
    const watch = await cluster.watch(`${cluster.widgets()}?watch=true&resourceVersion=${from}`);
    assert.deepEqual(await watch.told(2), ['MODIFIED held', 'DELETED held']);
    watch.stop();
  },
  'an object that enters or leaves a selector is added or deleted': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('moving'));
    const from = await version(cluster);
    const path = cluster.widgets('moving');
    await cluster.patch('merge', path, { metadata: { labels: { in: 'yes' } } });
    await cluster.patch('merge', path, { spec: { size: 3 } });
    await cluster.patch('merge', path, { metadata: { labels: { in: 'no' } } });
    await cluster.delete(path);
    await cluster.made(cluster.widgets(), cluster.aWidget('marker', {}, { labels: { in: 'yes' } }));
    const query = `watch=true&resourceVersion=${from}&labelSelector=in%3Dyes`;
    const watch = await cluster.watch(`${cluster.widgets()}?${query}`);
    assert.deepEqual(await watch.told(4), [
      'ADDED moving',
      'MODIFIED moving',
      'DELETED moving',
      'ADDED marker',
    ]);
    watch.stop();
  },
  'one object can be watched by its name': async (cluster) => {
    const from = await version(cluster);
    await cluster.patch('merge', cluster.widgets('second'), { spec: { size: 7 } });
    await cluster.patch('merge', cluster.widgets('first'), { spec: { size: 7 } });
    const query = `watch=true&resourceVersion=${from}&fieldSelector=metadata.name%3Dfirst`;
    const watch = await cluster.watch(`${cluster.widgets()}?${query}`);
    assert.deepEqual(await watch.told(1), ['MODIFIED first']);
    watch.stop();
  },
  'selectable fields filter a watch': async (cluster) => {
    const from = await version(cluster);
    await cluster.made(cluster.widgets(), cluster.aWidget('blue', { color: 'blue' }));
    await cluster.made(cluster.widgets(), cluster.aWidget('red', { color: 'red' }));
    const query = `watch=true&resourceVersion=${from}&fieldSelector=spec.color%3Dred`;
    const watch = await cluster.watch(`${cluster.widgets()}?${query}`);
    assert.deepEqual(await watch.told(1), ['ADDED red']);
    watch.stop();
  },
  'sendInitialEvents lists, then marks the end of the list': async (cluster) => {
    const query =
      'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
    const watch = await cluster.watch(`${cluster.widgets()}?${query}`);
    const { items } = succeeded(await cluster.get(cluster.widgets()));
    for (const _ of items) assert.equal((await watch.next())?.type, 'ADDED');
    const mark = await watch.next();
    assert.equal(mark?.type, 'BOOKMARK');
    assert.equal(mark?.object.kind, 'Widget');
    assert.match(mark?.object.metadata.resourceVersion, /^\d+$/);
    assert.equal(mark?.object.metadata.annotations['k8s.io/initial-events-end'], 'true');
    await cluster.made(cluster.widgets(), cluster.aWidget('after-mark'));
    assert.deepEqual(await watch.told(1), ['ADDED after-mark']);
    watch.stop();
  },
  'sendInitialEvents needs the way versions are matched': async (cluster) => {
    const answer = await cluster.get(`${cluster.widgets()}?watch=true&sendInitialEvents=true`);
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      fields: ['resourceVersionMatch'],
      message: /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/,
    });
  },
  'a version from the future is no error in itself': async (cluster) => {
    const future = String(BigInt(await version(cluster)) + 1_000_000n);
    const answer = await cluster.get(`${cluster.widgets()}?resourceVersion=${future}`);
    refused(answer, { code: 504, reason: 'Timeout', message: /Too large resource version/ });
  },
  'a version that is long forgotten is Expired': async (cluster) => {
    const watch = await cluster.watch(`${cluster.widgets()}?watch=true&resourceVersion=1`);
    const event = await watch.next();
    assert.equal(event?.type, 'ERROR');
    assert.equal(event?.object.kind, 'Status');
    assert.deepEqual([event?.object.code, event?.object.reason], [410, 'Expired']);
    assert.match(event?.object.message, /^too old resource version: 1 \(\d+\)$/);
    watch.stop();
  },
  'timeoutSeconds ends a watch without an error': async (cluster) => {
    const query = `watch=true&timeoutSeconds=1&resourceVersion=${await version(cluster)}`;
    const watch = await cluster.watch(`${cluster.widgets()}?${query}`);
    assert.equal(await watch.next(), undefined);
  },
  'a watch can be shown as a table': async (cluster) => {
    const watch = await cluster.watch(
      `${cluster.widgets()}?watch=true&resourceVersion=0`,
      'application/json;as=Table;v=v1;g=meta.k8s.io',
    );
    const event = await watch.next();
    assert.equal(event?.object.kind, 'Table');
    assert.equal(event?.object.rows.length, 1);
    watch.stop();
  },
  'removing a definition ends the watches of its objects': async (cluster) => {
    const group = `gone.${cluster.group}`;
    await cluster.define(aSimpleDefinition(group, 'gadgets'));
    const path = `/apis/${group}/v1/namespaces/${cluster.namespace}/gadgets`;
    await cluster.made(path, {
      apiVersion: `${group}/v1`,
      kind: 'Gadget',
      metadata: { name: 'last' },
    });
    const watch = await cluster.watch(`${path}?watch=true&resourceVersion=0`);
    assert.deepEqual(await watch.told(1), ['ADDED last']);
    await cluster.delete(`${DEFINITIONS}/gadgets.${group}`);
    assert.deepEqual(await watch.told(1), ['DELETED last']);
    watch.stop();
  },
  'namespaces can be watched': async (cluster) => {
    const query = `watch=true&fieldSelector=metadata.name%3D${cluster.namespace}`;
    const watch = await cluster.watch(`/api/v1/namespaces?${query}`);
    assert.deepEqual(await watch.told(1), [`ADDED ${cluster.namespace}`]);
    watch.stop();
  },
});
