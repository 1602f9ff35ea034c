import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aWidget, TestCluster, WIDGETS } from '../test-cluster.ts';
import { humanDuration } from './age.ts';
import { compileJsonPath } from './json-path.ts';
import { parseLabelSelector } from './label-selector.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as loosely as a client reads them.
type Loose = any;

async function withFive(): Promise<TestCluster> {
  const cluster = await new TestCluster().withWidgets();
  for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    const labels = { odd: String(index % 2 === 1) };
    await cluster.create(WIDGETS, aWidget(name, { size: index, color: 'red' }, { labels }));
  }
  return cluster;
}

const namesOf = (list: Loose): string[] => list.items.map((item: Loose) => item.metadata.name);

describe('lists', () => {
  it('come page by page, all pages of the same moment', async () => {
    const cluster = await withFive();
    const first = (await cluster.get(`${WIDGETS}?limit=2`)).body as Loose;
    assert.equal(first.metadata.remainingItemCount, 3);
    await cluster.delete(`${WIDGETS}/d`);
    await cluster.create(WIDGETS, aWidget('cc'));
    const token = encodeURIComponent(first.metadata.continue);
    const rest = (await cluster.get(`${WIDGETS}?limit=9&continue=${token}`)).body as Loose;
    assert.deepEqual([...namesOf(first), ...namesOf(rest)], ['a', 'b', 'c', 'd', 'e']);
    assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  });

  it('end with 410 when the moment is forgotten', async () => {
    const cluster = await withFive();
    const first = (await cluster.get(`${WIDGETS}?limit=2`)).body as Loose;
    await cluster.delete(`${WIDGETS}/d`);
    cluster.server.compact();
    const token = encodeURIComponent(first.metadata.continue);
    const answer = await cluster.get(`${WIDGETS}?limit=2&continue=${token}`);
    assert.equal(answer.code, 410);
    assert.equal(answer.body['reason'], 'Expired');
  });

  it('select by labels and by fields', async () => {
    const cluster = await withFive();
    const list = async (query: string): Promise<string[]> =>
      namesOf((await cluster.get(`${WIDGETS}?${query}`)).body);
    assert.deepEqual(await list('labelSelector=odd%3Dtrue'), ['b', 'd']);
    assert.deepEqual(await list('fieldSelector=metadata.name%3Dc'), ['c']);
    assert.deepEqual(await list('fieldSelector=spec.color%21%3Dred'), []);
    const refused = await cluster.get(`${WIDGETS}?fieldSelector=spec.size%3D1`);
    assert.equal(refused.code, 400);
    assert.match(String(refused.body['message']), /field label not supported/);
  });

  it('show a version that is still to come as a timeout', async () => {
    const cluster = await withFive();
    const answer = await cluster.get(`${WIDGETS}?resourceVersion=99999`);
    assert.equal(answer.code, 504);
    assert.equal((answer.body as Loose).details.causes[0].reason, 'ResourceVersionTooLarge');
  });
});

describe('tables', () => {
  it('have the columns of the definition', async () => {
    const cluster = await withFive();
    await cluster.patch('merge', `${WIDGETS}/b/status`, {
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const { body } = await cluster.request('GET', `${WIDGETS}?limit=2`, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    });
    const table = body as Loose;
    assert.equal(table.kind, 'Table');
    assert.deepEqual(
      table.columnDefinitions.map((column: Loose) => column.name),
      ['Name', 'Size', 'Ready'],
    );
    assert.deepEqual(
      table.rows.map((row: Loose) => row.cells),
      [
        ['a', 0, null],
        ['b', 1, 'True'],
      ],
    );
    assert.equal(table.rows[0].object.kind, 'PartialObjectMetadata');
  });

  it('show ages as kubectl writes them', () => {
    const cases: [number, string][] = [
      [5, '5s'],
      [119, '119s'],
      [120, '2m'],
      [125, '2m5s'],
      [3600, '60m'],
      [4 * 3600 + 60, '4h1m'],
      [30 * 3600, '30h'],
      [3 * 86_400, '3d'],
      [3 * 86_400 + 7200, '3d2h'],
      [400 * 86_400, '400d'],
    ];
    for (const [seconds, text] of cases) assert.equal(humanDuration(seconds * 1000), text);
  });
});

describe('JSONPath', () => {
  const object = {
    metadata: { annotations: { 'a.b/c': 'x' } },
    items: [
      { type: 'A', n: 1 },
      { type: 'B', n: 2 },
    ],
  };
  const cases: Record<string, unknown[]> = {
    '.items[0].type': ['A'],
    '.items[-1].n': [2],
    '.items[*].n': [1, 2],
    '.items[?(@.type=="B")].n': [2],
    '.items[?(@.n>1)].type': ['B'],
    '.metadata.annotations.a\\.b/c': ['x'],
    ".metadata.annotations['a.b/c']": ['x'],
    '.nothing.here': [],
  };
  for (const [path, values] of Object.entries(cases)) {
    it(path, () => assert.deepEqual(compileJsonPath(path)(object), values));
  }
});

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front', n: '5' };
  const cases: Record<string, boolean> = {
    'app=web': true,
    'app==db': false,
    'app!=db': true,
    'missing!=x': true,
    'app in (web,db), tier=front': true,
    'app notin (web)': false,
    'missing notin (a)': true,
    app: true,
    '!app': false,
    '!missing': true,
    'n>4': true,
    'n<4': false,
  };
  for (const [selector, wanted] of Object.entries(cases)) {
    it(selector, () => assert.equal(parseLabelSelector(selector)(labels), wanted));
  }
});
