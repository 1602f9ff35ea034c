// Server-side apply: who owns which field, who may take it, and what goes when it is let go.
import assert from 'node:assert/strict';
import { contract, refused, succeeded } from './case.ts';
import type { ContractCluster, Json } from './cluster.ts';

function apply(cluster: ContractCluster, manager: string, widget: Json, query = ''): Promise<Json> {
  return cluster.apply(cluster.widgets(widget.metadata.name), manager, widget, query);
}

const manager = (body: Json, name: string): Json =>
  body.metadata.managedFields.find((entry: Json) => entry.manager === name);

contract('apply', {
  'creates what is missing, with 201': async (cluster) => {
    const body = succeeded(await apply(cluster, 'ann', cluster.aWidget('made', { size: 1 })), 201);
    const entry = manager(body, 'ann');
    assert.equal(entry.operation, 'Apply');
    assert.deepEqual(entry.fieldsV1, { 'f:spec': { 'f:size': {} } });
  },
  'applying the same again changes nothing': async (cluster) => {
    const before = succeeded(await cluster.get(cluster.widgets('made')));
    const body = succeeded(await apply(cluster, 'ann', cluster.aWidget('made', { size: 1 })));
    assert.equal(body.metadata.resourceVersion, before.metadata.resourceVersion);
  },
  'a manager must be named': async (cluster) => {
    const answer = await cluster.patch('apply', cluster.widgets('x'), cluster.aWidget('x'));
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      fields: ['fieldManager'],
      message: /fieldManager: Required value: is required for apply patch/,
    });
  },
  'two managers own what each applied': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('shared', { size: 1 }));
    const body = succeeded(
      await apply(cluster, 'bob', cluster.aWidget('shared', { color: 'red' })),
    );
    assert.deepEqual([body.spec.size, body.spec.color], [1, 'red']);
    assert.deepEqual(manager(body, 'bob').fieldsV1, { 'f:spec': { 'f:color': {} } });
  },
  'a field of another is a Conflict that names both': async (cluster) => {
    const answer = await apply(
      cluster,
      'bob',
      cluster.aWidget('shared', { size: 2, color: 'red' }),
    );
    const status = refused(answer, {
      code: 409,
      reason: 'Conflict',
      fields: ['.spec.size'],
      message: /Apply failed with 1 conflict: conflict with "ann".*: \.spec\.size/,
    });
    assert.equal(status.details.causes[0].reason, 'FieldManagerConflict');
    assert.match(status.details.causes[0].message, /conflict with "ann"/);
  },
  'two conflicts are told as two': async (cluster) => {
    const answer = await apply(
      cluster,
      'eve',
      cluster.aWidget('shared', { size: 2, color: 'blue' }),
    );
    refused(answer, {
      code: 409,
      reason: 'Conflict',
      fields: ['.spec.size', '.spec.color'],
      message: /Apply failed with 2 conflicts/,
    });
  },
  'the same value is no conflict but shared': async (cluster) => {
    const widget = cluster.aWidget('shared', { size: 1, color: 'red' });
    const body = succeeded(await apply(cluster, 'bob', widget));
    assert.ok(manager(body, 'ann').fieldsV1['f:spec']['f:size']);
    assert.ok(manager(body, 'bob').fieldsV1['f:spec']['f:size']);
  },
  'force takes a field over': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('forced', { size: 1 }));
    const widget = cluster.aWidget('forced', { size: 2 });
    const body = succeeded(await apply(cluster, 'bob', widget, '&force=true'));
    assert.equal(body.spec.size, 2);
    assert.equal(manager(body, 'ann'), undefined);
    assert.ok(manager(body, 'bob').fieldsV1['f:spec']['f:size']);
  },
  'a field that its only manager lets go is removed': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('dropped', { size: 1, color: 'red' }));
    const body = succeeded(await apply(cluster, 'ann', cluster.aWidget('dropped', { size: 1 })));
    assert.equal(body.spec.color, undefined);
  },
  'a field that another also manages stays': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('kept', { size: 1, color: 'red' }));
    await apply(cluster, 'bob', cluster.aWidget('kept', { color: 'red' }));
    const body = succeeded(await apply(cluster, 'ann', cluster.aWidget('kept', { size: 1 })));
    assert.equal(body.spec.color, 'red');
  },
  'a let-go field with a default gets the default': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('default', { limit: 50 }));
    const body = succeeded(await apply(cluster, 'ann', cluster.aWidget('default', {})));
    assert.equal(body.spec.limit, 10);
  },
  'keyed lists merge by key, and each item has an owner': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('keyed', { parts: [{ name: 'a', unit: 'x' }] }));
    const widget = cluster.aWidget('keyed', { parts: [{ name: 'b', unit: 'y' }] });
    const body = succeeded(await apply(cluster, 'bob', widget));
    assert.deepEqual(
      body.spec.parts.map((part: Json) => part.name),
      ['a', 'b'],
    );
    const { 'f:parts': owned } = manager(body, 'bob').fieldsV1['f:spec'];
    assert.deepEqual(owned, { 'k:{"name":"b"}': { '.': {}, 'f:name': {}, 'f:unit': {} } });
    const left = succeeded(await apply(cluster, 'ann', cluster.aWidget('keyed', {})));
    assert.deepEqual(
      left.spec.parts.map((part: Json) => part.name),
      ['b'],
    );
  },
  'sets merge by value': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('set', { tags: ['a', 'b'] }));
    const body = succeeded(await apply(cluster, 'bob', cluster.aWidget('set', { tags: ['c'] })));
    assert.deepEqual([...body.spec.tags].sort(), ['a', 'b', 'c']);
  },
  'plain lists belong to one manager as a whole': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('plain', { steps: ['a'] }));
    const answer = await apply(cluster, 'bob', cluster.aWidget('plain', { steps: ['b'] }));
    refused(answer, { code: 409, reason: 'Conflict', fields: ['.spec.steps'] });
  },
  'an update takes ownership without asking': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('updated', { size: 1 }));
    const path = `${cluster.widgets('updated')}?fieldManager=bob`;
    succeeded(await cluster.patch('merge', path, { spec: { size: 2 } }));
    const answer = await apply(cluster, 'ann', cluster.aWidget('updated', { size: 1 }));
    refused(answer, {
      code: 409,
      reason: 'Conflict',
      message: /conflict with "bob"( using .*)?: \.spec\.size/,
    });
  },
  'the status is applied by itself': async (cluster) => {
    await apply(cluster, 'ann', cluster.aWidget('status', { size: 1 }));
    const widget = { ...cluster.aWidget('status', { size: 9 }), status: { phase: 'Up' } };
    const path = `${cluster.widgets('status')}/status`;
    const body = succeeded(await cluster.apply(path, 'agent', widget, '&force=true'));
    assert.deepEqual([body.spec.size, body.status.phase], [1, 'Up']);
    assert.equal(manager(body, 'agent').subresource, 'status');
  },
  'conditions of two managers live side by side': async (cluster) => {
    const condition = (type: string): Json => ({
      ...cluster.aWidget('status'),
      status: { conditions: [{ type, status: 'True' }] },
    });
    const path = `${cluster.widgets('status')}/status`;
    succeeded(await cluster.apply(path, 'one', condition('Ready')));
    const body = succeeded(await cluster.apply(path, 'two', condition('Healthy')));
    assert.deepEqual(
      body.status.conditions.map((entry: Json) => entry.type),
      ['Ready', 'Healthy'],
    );
  },
  'managedFields may not be sent': async (cluster) => {
    const widget = cluster.aWidget('fields', {}, { managedFields: [{ manager: 'ann' }] });
    refused(await apply(cluster, 'ann', widget), {
      code: 400,
      reason: 'BadRequest',
      message: /metadata\.managedFields must be nil/,
    });
  },
  'an unknown field is refused': async (cluster) => {
    const answer = await apply(cluster, 'ann', cluster.aWidget('unknown', { nothing: 1 }));
    assert.ok(answer.code >= 400, answer.text);
    assert.match(answer.body.message, /field not declared in schema/);
  },
  'apply works on built-in kinds': async (cluster) => {
    const path = cluster.core('configmaps', 'applied');
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' } };
    succeeded(await cluster.apply(path, 'ann', { ...configMap, data: { a: '1' } }), 201);
    const body = succeeded(await cluster.apply(path, 'bob', { ...configMap, data: { b: '2' } }));
    assert.deepEqual(body.data, { a: '1', b: '2' });
    const left = succeeded(await cluster.apply(path, 'ann', configMap));
    assert.deepEqual(left.data, { b: '2' });
  },
});
