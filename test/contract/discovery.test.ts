// What a client finds before it knows anything: versions, groups, resources, OpenAPI.
import assert from 'node:assert/strict';
import { contract, refused, succeeded } from './case.ts';
import type { Json } from './cluster.ts';
import { aSimpleDefinition } from './widgets.ts';

const group = (body: Json, name: string): Json =>
  body.groups.find((entry: Json) => entry.name === name);

const resource = (body: Json, name: string): Json =>
  body.resources.find((entry: Json) => entry.name === name);

contract('discovery', {
  'the version names a recent Kubernetes': async (cluster) => {
    const body = succeeded(await cluster.get('/version'));
    assert.equal(body.major, '1');
    assert.ok(Number.parseInt(body.minor, 10) >= 30);
    assert.match(body.gitVersion, /^v1\.\d+\.\d+/);
  },
  'health, liveness and readiness answer ok': async (cluster) => {
    for (const path of ['/healthz', '/livez', '/readyz']) {
      const answer = await cluster.get(path);
      assert.deepEqual([path, answer.code, answer.text], [path, 200, 'ok']);
    }
  },
  'the legacy group has the version v1': async (cluster) => {
    const body = succeeded(await cluster.get('/api'));
    assert.equal(body.kind, 'APIVersions');
    assert.deepEqual(body.versions, ['v1']);
  },
  'the group list has the groups an operator uses': async (cluster) => {
    const body = succeeded(await cluster.get('/apis'));
    assert.equal(body.kind, 'APIGroupList');
    for (const name of [
      'apiextensions.k8s.io',
      'authentication.k8s.io',
      'authorization.k8s.io',
      'coordination.k8s.io',
      'events.k8s.io',
      'rbac.authorization.k8s.io',
    ]) {
      assert.equal(group(body, name)?.preferredVersion.version, 'v1', name);
    }
  },
  'a defined group is in the group list': async (cluster) => {
    const found = group(succeeded(await cluster.get('/apis')), cluster.group);
    const version = { groupVersion: `${cluster.group}/v1`, version: 'v1' };
    assert.deepEqual(found.versions, [version]);
    assert.deepEqual(found.preferredVersion, version);
  },
  'a group answers for itself': async (cluster) => {
    const body = succeeded(await cluster.get(`/apis/${cluster.group}`));
    assert.equal(body.kind, 'APIGroup');
    assert.equal(body.name, cluster.group);
  },
  'a defined resource tells names, scope and verbs': async (cluster) => {
    const body = succeeded(await cluster.get(`/apis/${cluster.group}/v1`));
    assert.equal(body.kind, 'APIResourceList');
    assert.equal(body.groupVersion, `${cluster.group}/v1`);
    const widgets = resource(body, 'widgets');
    assert.equal(widgets.singularName, 'widget');
    assert.equal(widgets.kind, 'Widget');
    assert.equal(widgets.namespaced, true);
    assert.deepEqual(widgets.shortNames, ['wi']);
    assert.deepEqual(widgets.categories, ['contract']);
    assert.deepEqual([...widgets.verbs].sort(), [
      'create',
      'delete',
      'deletecollection',
      'get',
      'list',
      'patch',
      'update',
      'watch',
    ]);
  },
  'the status subresource is listed with its verbs': async (cluster) => {
    const body = succeeded(await cluster.get(`/apis/${cluster.group}/v1`));
    const status = resource(body, 'widgets/status');
    assert.equal(status.kind, 'Widget');
    assert.deepEqual([...status.verbs].sort(), ['get', 'patch', 'update']);
  },
  'core resources tell their scope and short names': async (cluster) => {
    const body = succeeded(await cluster.get('/api/v1'));
    assert.equal(resource(body, 'namespaces').namespaced, false);
    assert.deepEqual(resource(body, 'configmaps').shortNames, ['cm']);
    assert.equal(resource(body, 'secrets').namespaced, true);
    assert.deepEqual(resource(body, 'events').shortNames, ['ev']);
    assert.ok(resource(body, 'serviceaccounts/token'));
  },
  'leases are found in the coordination group': async (cluster) => {
    const body = succeeded(await cluster.get('/apis/coordination.k8s.io/v1'));
    assert.equal(resource(body, 'leases').kind, 'Lease');
  },
  'reviews can only be created': async (cluster) => {
    const body = succeeded(await cluster.get('/apis/authentication.k8s.io/v1'));
    assert.deepEqual(resource(body, 'tokenreviews').verbs, ['create']);
  },
  'an unknown group is 404, in plain text': async (cluster) => {
    const answer = await cluster.get('/apis/nothing.example.org/v1');
    assert.equal(answer.code, 404);
    assert.equal(answer.text, '404 page not found\n');
  },
  'an unknown version of a known group is 404': async (cluster) => {
    assert.equal((await cluster.get(`/apis/${cluster.group}/v9`)).code, 404);
  },
  'an unknown resource of a known group is 404': async (cluster) => {
    const path = `/apis/${cluster.group}/v1/namespaces/default/gadgets`;
    assert.equal((await cluster.get(path)).code, 404);
  },
  'a removed definition leaves discovery': async (cluster) => {
    const extra = `extra.${cluster.group}`;
    await cluster.define(aSimpleDefinition(extra, 'gadgets'));
    await cluster.eventually('/apis', ({ body }) => group(body, extra) !== undefined);
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    succeeded(await cluster.delete(`${path}/gadgets.${extra}`));
    await cluster.eventually('/apis', ({ body }) => group(body, extra) === undefined);
    await cluster.eventually(`/apis/${extra}/v1/gadgets`, ({ code }) => code === 404);
  },
  'OpenAPI v3 has a path for the defined group': async (cluster) => {
    const path = `apis/${cluster.group}/v1`;
    const { body } = await cluster.eventually(
      '/openapi/v3',
      (answer) => answer.body.paths?.[path] !== undefined,
    );
    assert.match(body.paths[path].serverRelativeURL, /^\/openapi\/v3\/apis\/.*\?hash=\w+/);
  },
  'OpenAPI v3 describes the defined kind': async (cluster) => {
    const path = `/openapi/v3/apis/${cluster.group}/v1`;
    const { body } = await cluster.eventually(path, ({ code }) => code === 200);
    assert.match(body.openapi, /^3\.0/);
    const schemas: Json[] = Object.values(body.components.schemas);
    const widget = schemas.find((schema) =>
      schema['x-kubernetes-group-version-kind']?.some(
        (entry: Json) => entry.kind === 'Widget' && entry.group === cluster.group,
      ),
    );
    assert.equal(widget.properties.spec.properties.size.maximum, 100);
    assert.equal(widget.properties.spec.properties.limit.default, 10);
    assert.ok(widget.properties.metadata);
  },
  'OpenAPI v3 lists the verbs of the collection': async (cluster) => {
    const path = `/openapi/v3/apis/${cluster.group}/v1`;
    const { body } = await cluster.eventually(path, ({ code }) => code === 200);
    const operations = body.paths[`/apis/${cluster.group}/v1/namespaces/{namespace}/widgets`];
    assert.equal(operations.post['x-kubernetes-action'], 'post');
    assert.equal(operations.get['x-kubernetes-action'], 'list');
  },
  'a wrong bearer token is refused with 401': async (cluster) => {
    const answer = await cluster.request('GET', cluster.widgets(), { token: 'nobody-knows-it' });
    refused(answer, { code: 401, reason: 'Unauthorized' });
  },
});
