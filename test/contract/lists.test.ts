// Lists: what selects, how pages go on, how a list is shown as a table.
import assert from 'node:assert/strict';
import { contract, names, refused, succeeded } from './case.ts';
import type { ContractCluster, Json } from './cluster.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const PARTIAL = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

async function someWidgets(cluster: ContractCluster, set: string, count = 5): Promise<void> {
  for (let index = 0; index < count; index++) {
    const labels = { set, parity: index % 2 ? 'odd' : 'even', index: String(index) };
    const spec = { size: index, color: index % 2 ? 'red' : 'blue' };
    await cluster.made(cluster.widgets(), cluster.aWidget(`${set}-${index}`, spec, { labels }));
  }
}

async function select(cluster: ContractCluster, query: string): Promise<string[]> {
  return names(succeeded(await cluster.get(`${cluster.widgets()}?${query}`)));
}

const selector = (text: string): string => `labelSelector=${encodeURIComponent(text)}`;

contract('lists', {
  'a list tells kind, version and items in order of name': async (cluster) => {
    await someWidgets(cluster, 'a');
    const body = succeeded(await cluster.get(cluster.widgets()));
    assert.equal(body.kind, 'WidgetList');
    assert.equal(body.apiVersion, `${cluster.group}/v1`);
    assert.match(body.metadata.resourceVersion, /^\d+$/);
    assert.deepEqual(names(body), ['a-0', 'a-1', 'a-2', 'a-3', 'a-4']);
  },
  'items of custom resources name their kind': async (cluster) => {
    const body = succeeded(await cluster.get(cluster.widgets()));
    assert.equal(body.items[0].kind, 'Widget');
  },
  'items of core resources do not': async (cluster) => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'listed' } };
    await cluster.made(cluster.core('configmaps'), configMap);
    const body = succeeded(await cluster.get(cluster.core('configmaps')));
    assert.equal(body.kind, 'ConfigMapList');
    assert.ok(body.items.every((item: Json) => item.kind === undefined));
  },
  'an empty list has an empty array': async (cluster) => {
    const body = succeeded(await cluster.get(cluster.widgets('', `empty-${cluster.suffix}`)));
    assert.deepEqual(body.items, []);
  },
  'all namespaces are listed at once': async (cluster) => {
    const body = succeeded(await cluster.get(`/apis/${cluster.group}/v1/widgets`));
    assert.equal(body.items.length, 5);
  },
  'equality selects': async (cluster) => {
    assert.deepEqual(await select(cluster, selector('parity=odd')), ['a-1', 'a-3']);
    assert.deepEqual(await select(cluster, selector('parity==odd,index=3')), ['a-3']);
  },
  'inequality selects, also what lacks the label': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('bare'));
    assert.deepEqual(await select(cluster, selector('parity!=odd')), ['a-0', 'a-2', 'a-4', 'bare']);
  },
  'sets select': async (cluster) => {
    assert.deepEqual(await select(cluster, selector('index in (1, 4)')), ['a-1', 'a-4']);
    const rest = await select(cluster, selector('index notin (0,1,2),set=a'));
    assert.deepEqual(rest, ['a-3', 'a-4']);
  },
  'presence and absence select': async (cluster) => {
    assert.equal((await select(cluster, selector('parity'))).length, 5);
    assert.deepEqual(await select(cluster, selector('!parity')), ['bare']);
  },
  'a selector that cannot be read is refused': async (cluster) => {
    const answer = await cluster.get(`${cluster.widgets()}?${selector('a in b')}`);
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'metadata.name is a field to select by': async (cluster) => {
    assert.deepEqual(await select(cluster, 'fieldSelector=metadata.name%3Da-2'), ['a-2']);
  },
  'selectable fields of the definition select': async (cluster) => {
    assert.deepEqual(await select(cluster, 'fieldSelector=spec.color%3Dred'), ['a-1', 'a-3']);
    const both = 'fieldSelector=spec.color%3Dblue,metadata.name!%3Da-0';
    assert.deepEqual(await select(cluster, both), ['a-2', 'a-4']);
  },
  'other fields are refused': async (cluster) => {
    const answer = await cluster.get(`${cluster.widgets()}?fieldSelector=spec.size%3D1`);
    refused(answer, {
      code: 400,
      reason: 'BadRequest',
      message: /field label not supported: spec\.size/,
    });
  },
  'pages go on where the last one ended': async (cluster) => {
    const query = `${cluster.widgets()}?limit=2&${selector('set=a')}`;
    const first = succeeded(await cluster.get(query));
    assert.deepEqual(names(first), ['a-0', 'a-1']);
    const next = `${query}&continue=${encodeURIComponent(first.metadata.continue)}`;
    const second = succeeded(await cluster.get(next));
    assert.deepEqual(names(second), ['a-2', 'a-3']);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const last = `${query}&continue=${encodeURIComponent(second.metadata.continue)}`;
    const third = succeeded(await cluster.get(last));
    assert.deepEqual(names(third), ['a-4']);
    assert.ok(!third.metadata.continue);
  },
  'a page without a selector tells how many remain': async (cluster) => {
    const body = succeeded(await cluster.get(`${cluster.widgets()}?limit=2`));
    assert.equal(body.metadata.remainingItemCount, 4);
  },
  'later pages show the state of the first one': async (cluster) => {
    const first = succeeded(await cluster.get(`${cluster.widgets()}?limit=5`));
    await cluster.made(cluster.widgets(), cluster.aWidget('zz-late'));
    const token = encodeURIComponent(first.metadata.continue);
    const second = succeeded(await cluster.get(`${cluster.widgets()}?limit=5&continue=${token}`));
    assert.deepEqual(names(second), ['bare']);
    await cluster.delete(cluster.widgets('zz-late'));
  },
  'a token that is none is refused': async (cluster) => {
    const answer = await cluster.get(`${cluster.widgets()}?limit=2&continue=garbage`);
    refused(answer, { code: 400, reason: 'BadRequest', message: /continue key is not valid/ });
  },
  'resourceVersion=0 lists': async (cluster) => {
    assert.equal((await select(cluster, 'resourceVersion=0')).length, 6);
  },
  'a version that is none is refused': async (cluster) => {
    const answer = await cluster.get(`${cluster.widgets()}?resourceVersion=yesterday`);
    assert.ok(answer.code === 400 || answer.code === 422, answer.text);
  },
  'deleting a collection deletes what is selected': async (cluster) => {
    await someWidgets(cluster, 'b', 3);
    const path = `${cluster.widgets()}?${selector('set=b,parity=even')}`;
    const body = succeeded(await cluster.delete(path));
    assert.equal(body.kind, 'WidgetList');
    assert.deepEqual(names(body), ['b-0', 'b-2']);
    assert.deepEqual(await select(cluster, selector('set=b')), ['b-1']);
  },
  'a table has the columns of the definition': async (cluster) => {
    const body = succeeded(await cluster.get(`${cluster.widgets()}?${selector('set=a')}`, TABLE));
    assert.equal(body.kind, 'Table');
    assert.equal(body.apiVersion, 'meta.k8s.io/v1');
    const columns = body.columnDefinitions.map((column: Json) => [column.name, column.priority]);
    assert.deepEqual(columns, [
      ['Name', 0],
      ['Size', 0],
      ['Phase', 0],
      ['Ready', 0],
      ['Color', 1],
      ['Age', 0],
    ]);
    assert.equal(body.columnDefinitions[0].format, 'name');
    assert.equal(body.columnDefinitions[2].description, 'The phase.');
  },
  'a table has a row for each object': async (cluster) => {
    const body = succeeded(await cluster.get(`${cluster.widgets()}?${selector('set=a')}`, TABLE));
    const [row] = body.rows;
    assert.deepEqual(row.cells.slice(0, 5), ['a-0', 0, null, null, 'blue']);
    assert.match(String(row.cells[5]), /^(\d+[smh]|<unknown>|\d{4}-)/);
    assert.equal(row.object.kind, 'PartialObjectMetadata');
    assert.equal(row.object.metadata.name, 'a-0');
    assert.equal(row.object.spec, undefined);
  },
  'a condition is found by its type for a column': async (cluster) => {
    const status = { phase: 'Up', conditions: [{ type: 'Ready', status: 'True' }] };
    succeeded(await cluster.patch('merge', `${cluster.widgets('a-1')}/status`, { status }));
    const body = succeeded(await cluster.get(cluster.widgets('a-1'), TABLE));
    assert.deepEqual(body.rows[0].cells.slice(0, 4), ['a-1', 1, 'Up', 'True']);
  },
  'a table can carry the whole objects or none': async (cluster) => {
    const whole = await cluster.get(`${cluster.widgets('a-1')}?includeObject=Object`, TABLE);
    assert.equal(whole.body.rows[0].object.kind, 'Widget');
    const none = await cluster.get(`${cluster.widgets('a-1')}?includeObject=None`, TABLE);
    assert.ok(!none.body.rows[0].object);
  },
  'metadata alone can be asked for': async (cluster) => {
    const one = succeeded(await cluster.get(cluster.widgets('a-1'), PARTIAL));
    assert.equal(one.kind, 'PartialObjectMetadata');
    assert.equal(one.metadata.name, 'a-1');
    assert.equal(one.spec, undefined);
    const list = succeeded(await cluster.get(cluster.widgets(), PARTIAL_LIST));
    assert.equal(list.kind, 'PartialObjectMetadataList');
    assert.ok(list.items.every((item: Json) => item.spec === undefined));
  },
  'a representation nobody can give is refused with 406': async (cluster) => {
    refused(await cluster.get(cluster.widgets(), 'text/html'), {
      code: 406,
      reason: 'NotAcceptable',
    });
  },
});
