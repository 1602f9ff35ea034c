// Patches: JSON, merge and strategic, and what each does to lists, nulls and missing objects.
import assert from 'node:assert/strict';
import { contract, refused, succeeded } from './case.ts';
import type { Json } from './cluster.ts';

const configMap = (name: string, data: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

const pod = (name: string): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'example.com/a:1' }] },
});

contract('patches', {
  'a merge patch sets, removes and replaces lists': async (cluster) => {
    const spec = { size: 1, color: 'red', steps: ['a', 'b'] };
    await cluster.made(cluster.widgets(), cluster.aWidget('merged', spec));
    const patch = { spec: { size: 2, color: null, steps: ['c'] } };
    const body = succeeded(await cluster.patch('merge', cluster.widgets('merged'), patch));
    assert.equal(body.spec.size, 2);
    assert.equal(body.spec.color, undefined);
    assert.deepEqual(body.spec.steps, ['c']);
  },
  'removing a defaulted field brings the default back': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('again', { limit: 50 }));
    const patch = { spec: { limit: null } };
    const body = succeeded(await cluster.patch('merge', cluster.widgets('again'), patch));
    assert.equal(body.spec.limit, 10);
  },
  'a patch that changes nothing keeps the version': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('idle', { size: 1 }));
    const body = succeeded(
      await cluster.patch('merge', cluster.widgets('idle'), { spec: { size: 1 } }),
    );
    assert.equal(body.metadata.resourceVersion, made.metadata.resourceVersion);
  },
  'a patch of what is missing is NotFound': async (cluster) => {
    const answer = await cluster.patch('merge', cluster.widgets('missing'), { spec: {} });
    refused(answer, { code: 404, reason: 'NotFound' });
  },
  'a patch is validated like a write': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('checked'));
    const answer = await cluster.patch('merge', cluster.widgets('checked'), { spec: { size: -5 } });
    const status = refused(answer, { code: 422, reason: 'Invalid' });
    assert.equal(status.details.causes[0].field, 'spec.size');
  },
  'a patch cannot rename': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('renamed'));
    const patch = { metadata: { name: 'other' } };
    const answer = await cluster.patch('merge', cluster.widgets('renamed'), patch);
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'a JSON patch adds, replaces, removes, moves and copies': async (cluster) => {
    const spec = { size: 1, color: 'red', steps: ['a', 'c'] };
    await cluster.made(cluster.widgets(), cluster.aWidget('operations', spec));
    const body = succeeded(
      await cluster.patch('json', cluster.widgets('operations'), [
        { op: 'add', path: '/spec/steps/1', value: 'b' },
        { op: 'add', path: '/spec/steps/-', value: 'd' },
        { op: 'replace', path: '/spec/size', value: 2 },
        { op: 'remove', path: '/spec/color' },
        { op: 'add', path: '/spec/code', value: 'xy' },
        { op: 'move', from: '/spec/code', path: '/spec/owner' },
        { op: 'copy', from: '/spec/owner', path: '/spec/frozen' },
      ]),
    );
    assert.deepEqual(body.spec.steps, ['a', 'b', 'c', 'd']);
    assert.equal(body.spec.size, 2);
    assert.equal(body.spec.color, undefined);
    assert.deepEqual([body.spec.code, body.spec.owner, body.spec.frozen], [undefined, 'xy', 'xy']);
  },
  'a JSON patch escapes keys': async (cluster) => {
    await cluster.made(
      cluster.widgets(),
      cluster.aWidget('escaped', {}, { annotations: { x: 'y' } }),
    );
    const patch = [{ op: 'add', path: '/metadata/annotations/example.com~1key', value: 'set' }];
    const body = succeeded(await cluster.patch('json', cluster.widgets('escaped'), patch));
    assert.equal(body.metadata.annotations['example.com/key'], 'set');
  },
  'a JSON patch whose test holds passes': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('tested', { size: 1 }));
    const patch = [
      { op: 'test', path: '/metadata/resourceVersion', value: made.metadata.resourceVersion },
      { op: 'test', path: '/spec/size', value: 1 },
      { op: 'replace', path: '/spec/size', value: 2 },
    ];
    assert.equal(
      succeeded(await cluster.patch('json', cluster.widgets('tested'), patch)).spec.size,
      2,
    );
  },
  'a JSON patch whose test fails is refused': async (cluster) => {
    const patch = [
      { op: 'test', path: '/spec/size', value: 99 },
      { op: 'replace', path: '/spec/size', value: 3 },
    ];
    const answer = await cluster.patch('json', cluster.widgets('tested'), patch);
    refused(answer, { code: 422, reason: 'Invalid' });
    assert.equal((await cluster.get(cluster.widgets('tested'))).body.spec.size, 2);
  },
  'a JSON patch of a path that is not there is refused': async (cluster) => {
    const patch = [{ op: 'remove', path: '/spec/nothing' }];
    const answer = await cluster.patch('json', cluster.widgets('tested'), patch);
    refused(answer, { code: 422, reason: 'Invalid' });
  },
  'a JSON patch must be a list': async (cluster) => {
    const answer = await cluster.patch('json', cluster.widgets('tested'), { op: 'add' });
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'a strategic patch is not for custom resources': async (cluster) => {
    const answer = await cluster.patch('strategic', cluster.widgets('tested'), { spec: {} });
    refused(answer, { code: 415, reason: 'UnsupportedMediaType' });
  },
  'a strategic patch merges maps': async (cluster) => {
    await cluster.made(cluster.core('configmaps'), configMap('strategic', { a: '1', b: '2' }));
    const path = cluster.core('configmaps', 'strategic');
    const patch = { data: { b: null, c: '3' } };
    assert.deepEqual(succeeded(await cluster.patch('strategic', path, patch)).data, {
      a: '1',
      c: '3',
    });
  },
  'a strategic patch merges lists by their key': async (cluster) => {
    await cluster.made(cluster.core('pods'), pod('keyed'));
    const patch = { spec: { containers: [{ name: 'main', image: 'example.com/a:2' }] } };
    const body = succeeded(await cluster.patch('strategic', cluster.core('pods', 'keyed'), patch));
    assert.equal(body.spec.containers.length, 1);
    assert.equal(body.spec.containers[0].image, 'example.com/a:2');
  },
  'a strategic patch merges finalizers as a set': async (cluster) => {
    const path = cluster.core('configmaps', 'strategic');
    const set = (finalizers: string[]): Json => ({ metadata: { finalizers } });
    succeeded(await cluster.patch('strategic', path, set(['example.com/a'])));
    const body = succeeded(await cluster.patch('strategic', path, set(['example.com/b'])));
    assert.deepEqual([...body.metadata.finalizers].sort(), ['example.com/a', 'example.com/b']);
    const drop = { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] } };
    const left = succeeded(await cluster.patch('strategic', path, drop));
    assert.deepEqual(left.metadata.finalizers, ['example.com/b']);
    succeeded(await cluster.patch('merge', path, { metadata: { finalizers: null } }));
  },
  'a media type that is no patch is refused': async (cluster) => {
    const answer = await cluster.request('PATCH', cluster.widgets('tested'), {
      body: {},
      contentType: 'application/json',
    });
    refused(answer, { code: 415, reason: 'UnsupportedMediaType' });
  },
});
