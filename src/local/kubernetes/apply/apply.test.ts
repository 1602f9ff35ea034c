import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../objects/json.ts';
import { type Answer, aWidget, TestCluster, WIDGETS } from '../test-cluster.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as loosely as a client reads them.
type Loose = any;

const apply = (
  cluster: TestCluster,
  manager: string,
  spec: JsonObject,
  more: { force?: boolean; metadata?: JsonObject } = {},
): Promise<Answer> =>
  cluster.patch(
    'apply',
    `${WIDGETS}/a?fieldManager=${manager}${more.force ? '&force=true' : ''}`,
    aWidget('a', spec, more.metadata),
  );

const managers = (body: JsonObject): Record<string, unknown> =>
  Object.fromEntries(
    (body as Loose).metadata.managedFields.map((entry: Loose) => [
      `${entry.manager} ${entry.operation}${entry.subresource ? ` ${entry.subresource}` : ''}`,
      entry.fieldsV1,
    ]),
  );

describe('server-side apply', () => {
  it('creates what is not there and owns what was applied', async () => {
    const cluster = await new TestCluster().withWidgets();
    const { code, body } = await apply(cluster, 'one', {
      size: 1,
      parts: [{ name: 'x', count: 2 }],
    });
    assert.equal(code, 201);
    assert.equal((body as Loose).spec.limit, 10);
    assert.deepEqual(managers(body), {
      'one Apply': {
        'f:spec': {
          'f:size': {},
          'f:parts': { 'k:{"name":"x"}': { '.': {}, 'f:count': {}, 'f:name': {} } },
        },
      },
    });
  });

  it('refuses to change what another manager owns, naming it', async () => {
    const cluster = await new TestCluster().withWidgets();
    await apply(cluster, 'one', { size: 1, color: 'red' });
    const { code, body } = await apply(cluster, 'two', { size: 2 });
    assert.equal(code, 409);
    assert.equal(body['message'], 'Apply failed with 1 conflict: conflict with "one": .spec.size');
    assert.deepEqual((body as Loose).details.causes, [
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.size' },
    ]);
    const same = await apply(cluster, 'two', { size: 1 });
    assert.equal(same.code, 200);
    const forced = await apply(cluster, 'two', { size: 2 }, { force: true });
    assert.equal((forced.body as Loose).spec.size, 2);
    assert.deepEqual(Object.keys(managers(forced.body)).toSorted(), ['one Apply', 'two Apply']);
    assert.deepEqual(managers(forced.body)['one Apply'], { 'f:spec': { 'f:color': {} } });
  });

  it('removes what a manager does not state any more, unless another owns it', async () => {
    const cluster = await new TestCluster().withWidgets();
    await apply(cluster, 'one', { size: 1, color: 'red', parts: [{ name: 'x' }, { name: 'y' }] });
    await apply(cluster, 'two', { color: 'red', parts: [{ name: 'y' }] });
    const { body } = await apply(cluster, 'one', { owner: 'me' });
    assert.deepEqual((body as Loose).spec, {
      color: 'red',
      parts: [{ name: 'y' }],
      owner: 'me',
      limit: 10,
    });
  });

  it('writes nothing when nothing changes', async () => {
    const cluster = await new TestCluster().withWidgets();
    const first = await apply(cluster, 'one', { size: 1 });
    await cluster.clock.advance(5000);
    const second = await apply(cluster, 'one', { size: 1 });
    assert.deepEqual(second.body, first.body);
  });

  it('keeps the conditions of different managers apart', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a'));
    const status = (manager: string, types: string[]): Promise<Answer> =>
      cluster.patch('apply', `${WIDGETS}/a/status?fieldManager=${manager}`, {
        ...aWidget('a'),
        status: { conditions: types.map((type) => ({ type, status: 'True' })) },
      });
    await status('one', ['A', 'B']);
    await status('two', ['C']);
    const { body } = await status('one', ['B']);
    assert.deepEqual(
      (body as Loose).status.conditions.map((c: Loose) => c.type),
      ['B', 'C'],
    );
    assert.ok('two Apply status' in managers(body));
  });

  it('takes a version in the body as a lock', async () => {
    const cluster = await new TestCluster().withWidgets();
    await apply(cluster, 'one', { size: 1 });
    const { code } = await apply(
      cluster,
      'one',
      { size: 2 },
      { metadata: { resourceVersion: '1' } },
    );
    assert.equal(code, 409);
  });

  const refusals: Record<string, [string, JsonObject, number, RegExp]> = {
    'no manager': [
      `${WIDGETS}/a`,
      aWidget('a'),
      422,
      /fieldManager: Required value: is required for apply patch/,
    ],
    managedFields: [
      `${WIDGETS}/a?fieldManager=m`,
      aWidget('a', {}, { managedFields: [] }),
      400,
      /managedFields must be nil/,
    ],
    'undeclared fields': [
      `${WIDGETS}/a?fieldManager=m`,
      aWidget('a', { no: 1 }),
      500,
      /\.spec\.no: field not declared in schema/,
    ],
    'the status of nothing': [`${WIDGETS}/a/status?fieldManager=m`, aWidget('a'), 404, /not found/],
  };
  for (const [what, [path, body, code, words]] of Object.entries(refusals)) {
    it(`refuses ${what}`, async () => {
      const cluster = await new TestCluster().withWidgets();
      const answer = await cluster.patch('apply', path, body);
      assert.equal(answer.code, code);
      assert.match(String(answer.body['message']), words);
    });
  }
});

describe('ownership by other writes', () => {
  it('follows who changed what', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(`${WIDGETS}?fieldManager=maker`, aWidget('a', { size: 1 }));
    const { body } = await cluster.patch('merge', `${WIDGETS}/a?fieldManager=changer`, {
      spec: { size: 2 },
    });
    assert.deepEqual(managers(body), {
      'maker Update': { 'f:spec': { '.': {}, 'f:limit': {} } },
      'changer Update': { 'f:spec': { 'f:size': {} } },
    });
    const applied = await apply(cluster, 'one', { size: 3 });
    assert.match(
      String(applied.body['message']),
      /conflict with "changer" using example.com\/v1: \.spec\.size/,
    );
  });

  it('can be given up as a whole', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a', { size: 1 }));
    const { body } = await cluster.patch('merge', `${WIDGETS}/a`, {
      metadata: { managedFields: [{}] },
    });
    assert.equal((body as Loose).metadata.managedFields, undefined);
  });
});

describe('other patches', () => {
  it('JSON patch tests before it changes', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a', { size: 1 }));
    const patch = (value: number): Promise<Answer> =>
      cluster.patch('json', `${WIDGETS}/a`, [
        { op: 'test', path: '/spec/size', value },
        { op: 'replace', path: '/spec/size', value: 5 },
      ]);
    assert.equal((await patch(2)).code, 422);
    assert.equal(((await patch(1)).body as Loose).spec.size, 5);
  });

  it('strategic merge merges lists by their keys, for built-ins only', async () => {
    const cluster = await new TestCluster().withWidgets();
    const pods = '/api/v1/namespaces/default/pods';
    await cluster.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: {
        containers: [
          { name: 'a', image: 'a:1' },
          { name: 'b', image: 'b:1' },
        ],
      },
    });
    const { body } = await cluster.patch('strategic', `${pods}/p`, {
      spec: {
        containers: [
          { name: 'b', image: 'b:2' },
          { name: 'a', $patch: 'delete' },
        ],
      },
    });
    assert.deepEqual((body as Loose).spec.containers, [{ name: 'b', image: 'b:2' }]);
    await cluster.create(WIDGETS, aWidget('a'));
    assert.equal((await cluster.patch('strategic', `${WIDGETS}/a`, {})).code, 415);
  });
});
