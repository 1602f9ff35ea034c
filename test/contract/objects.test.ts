// Create, read, replace, delete: what is filled in, what is refused, and the body that says so.
import assert from 'node:assert/strict';
import { contract, refused, succeeded } from './case.ts';

contract('objects', {
  'create answers 201 with the metadata filled in': async (cluster) => {
    const body = succeeded(
      await cluster.create(cluster.widgets(), cluster.aWidget('one', { size: 1 })),
      201,
    );
    assert.equal(body.kind, 'Widget');
    assert.equal(body.apiVersion, `${cluster.group}/v1`);
    const { metadata } = body;
    assert.match(metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
    assert.match(metadata.resourceVersion, /^\d+$/);
    assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(metadata.generation, 1);
    assert.equal(metadata.namespace, cluster.namespace);
    assert.equal(metadata.selfLink, undefined);
  },
  'create records who manages which field': async (cluster) => {
    const body = await cluster.made(cluster.widgets(), cluster.aWidget('managed', { size: 1 }));
    const [entry] = body.metadata.managedFields;
    assert.equal(entry.manager, 'contract');
    assert.equal(entry.operation, 'Update');
    assert.equal(entry.apiVersion, `${cluster.group}/v1`);
    assert.equal(entry.fieldsType, 'FieldsV1');
    assert.deepEqual(entry.fieldsV1['f:spec']['f:size'], {});
  },
  'fieldManager names the manager': async (cluster) => {
    const path = `${cluster.widgets()}?fieldManager=somebody`;
    const body = await cluster.made(path, cluster.aWidget('named-manager'));
    assert.equal(body.metadata.managedFields[0].manager, 'somebody');
  },
  'get answers what create answered': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('same', { size: 1 }));
    assert.deepEqual(succeeded(await cluster.get(cluster.widgets('same'))), made);
  },
  'the server keeps its own metadata whatever the body says': async (cluster) => {
    const body = await cluster.made(
      cluster.widgets(),
      cluster.aWidget(
        'forged',
        {},
        { uid: 'mine', generation: 7, creationTimestamp: '2001-01-01T00:00:00Z' },
      ),
    );
    assert.notEqual(body.metadata.uid, 'mine');
    assert.equal(body.metadata.generation, 1);
    assert.notEqual(body.metadata.creationTimestamp, '2001-01-01T00:00:00Z');
  },
  'generateName makes a unique name': async (cluster) => {
    const widget = cluster.aWidget('', {}, { name: undefined, generateName: 'made-' });
    const first = await cluster.made(cluster.widgets(), widget);
    const second = await cluster.made(cluster.widgets(), widget);
    assert.match(first.metadata.name, /^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.notEqual(first.metadata.name, second.metadata.name);
    assert.equal(first.metadata.generateName, 'made-');
  },
  'no name at all is refused': async (cluster) => {
    const widget = cluster.aWidget('', {}, { name: undefined });
    const answer = await cluster.create(cluster.widgets(), widget);
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      message: /metadata\.name: Required value: name or generateName is required/,
    });
  },
  'a name that DNS cannot hold is refused': async (cluster) => {
    const answer = await cluster.create(cluster.widgets(), cluster.aWidget('Not_A_Name'));
    const body = refused(answer, {
      code: 422,
      reason: 'Invalid',
      fields: ['metadata.name'],
      message: /Widget\..* "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name"/,
    });
    assert.deepEqual(
      [body.details.name, body.details.group, body.details.kind],
      ['Not_A_Name', cluster.group, 'Widget'],
    );
  },
  'a name that exists is refused': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('twice'));
    const answer = await cluster.create(cluster.widgets(), cluster.aWidget('twice'));
    const body = refused(answer, {
      code: 409,
      reason: 'AlreadyExists',
      message: /"twice" already exists$/,
    });
    assert.deepEqual(body.details, { name: 'twice', group: cluster.group, kind: 'widgets' });
  },
  'a missing object is NotFound, with details': async (cluster) => {
    const body = refused(await cluster.get(cluster.widgets('missing')), {
      code: 404,
      reason: 'NotFound',
    });
    assert.equal(body.message, `widgets.${cluster.group} "missing" not found`);
    assert.deepEqual(body.details, { name: 'missing', group: cluster.group, kind: 'widgets' });
  },
  'a missing core object has no group in its details': async (cluster) => {
    const body = refused(await cluster.get(cluster.core('configmaps', 'missing')), {
      code: 404,
      reason: 'NotFound',
      message: /^configmaps "missing" not found$/,
    });
    assert.deepEqual(body.details, { name: 'missing', kind: 'configmaps' });
  },
  'create in a namespace that does not exist is NotFound': async (cluster) => {
    const body = refused(
      await cluster.create(
        cluster.widgets('', `no-${cluster.suffix}`),
        cluster.aWidget('homeless'),
      ),
      { code: 404, reason: 'NotFound' },
    );
    assert.equal(body.details.kind, 'namespaces');
  },
  'a namespace in the body must be the one of the path': async (cluster) => {
    const widget = cluster.aWidget('astray', {}, { namespace: 'default' });
    const answer = await cluster.create(cluster.widgets(), widget);
    refused(answer, {
      code: 400,
      reason: 'BadRequest',
      message:
        /the namespace of the provided object does not match the namespace sent on the request/,
    });
  },
  'a name in the body must be the one of the path': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('path-name'));
    const answer = await cluster.replace(cluster.widgets('path-name'), {
      ...made,
      metadata: { ...made.metadata, name: 'other-name' },
    });
    refused(answer, {
      code: 400,
      reason: 'BadRequest',
      message:
        /the name of the object \(other-name.*\) does not match the name on the URL \(path-name\)/,
    });
  },
  'a wrong kind is refused': async (cluster) => {
    const answer = await cluster.create(cluster.widgets(), {
      ...cluster.aWidget('wrong-kind'),
      kind: 'Gadget',
    });
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      fields: ['kind'],
      message: /kind: Invalid value: "Gadget": must be Widget/,
    });
  },
  'a wrong apiVersion is refused': async (cluster) => {
    const answer = await cluster.create(cluster.widgets(), {
      ...cluster.aWidget('wrong-version'),
      apiVersion: 'other.example.org/v1',
    });
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'a body that is not JSON is refused': async (cluster) => {
    const answer = await cluster.create(cluster.widgets(), '{"kind": ');
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'a media type nobody knows is refused with 415': async (cluster) => {
    const body = cluster.aWidget('text');
    const answer = await cluster.request('POST', cluster.widgets(), {
      body,
      contentType: 'text/plain',
    });
    refused(answer, { code: 415, reason: 'UnsupportedMediaType' });
  },
  'YAML is accepted': async (cluster) => {
    const text = `apiVersion: ${cluster.group}/v1\nkind: Widget\nmetadata: {name: from-yaml}\nspec: {size: 4}\n`;
    const answer = await cluster.request('POST', cluster.widgets(), {
      body: text,
      contentType: 'application/yaml',
    });
    assert.equal(succeeded(answer, 201).spec.size, 4);
  },
  'replace answers 200 with the new object': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('replaced', { size: 1 }));
    const body = succeeded(
      await cluster.replace(cluster.widgets('replaced'), { ...made, spec: { size: 2 } }),
    );
    assert.equal(body.spec.size, 2);
    assert.equal(body.metadata.uid, made.metadata.uid);
    assert.ok(BigInt(body.metadata.resourceVersion) > BigInt(made.metadata.resourceVersion));
  },
  'replacing with the same changes nothing, the version included': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('still', { size: 1 }));
    const body = succeeded(await cluster.replace(cluster.widgets('still'), made));
    assert.equal(body.metadata.resourceVersion, made.metadata.resourceVersion);
  },
  'replacing what is missing is NotFound': async (cluster) => {
    const answer = await cluster.replace(
      cluster.widgets('never-made'),
      cluster.aWidget('never-made', {}, { resourceVersion: '1' }),
    );
    refused(answer, { code: 404, reason: 'NotFound' });
  },
  'replacing a custom resource needs a resourceVersion': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('unversioned'));
    const answer = await cluster.replace(
      cluster.widgets('unversioned'),
      cluster.aWidget('unversioned'),
    );
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      fields: ['metadata.resourceVersion'],
      message: /metadata\.resourceVersion: Invalid value: .*must be specified for an update/,
    });
  },
  'delete answers Success with the uid': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('deleted'));
    const body = succeeded(await cluster.delete(cluster.widgets('deleted')));
    assert.equal(body.kind, 'Status');
    assert.equal(body.status, 'Success');
    assert.deepEqual(body.details, {
      name: 'deleted',
      group: cluster.group,
      kind: 'widgets',
      uid: made.metadata.uid,
    });
    assert.equal((await cluster.get(cluster.widgets('deleted'))).code, 404);
  },
  'deleting what is missing is NotFound': async (cluster) => {
    refused(await cluster.delete(cluster.widgets('missing')), { code: 404, reason: 'NotFound' });
  },
  'posting to a core object is not allowed': async (cluster) => {
    const answer = await cluster.create(cluster.core('configmaps', 'one'), {});
    refused(answer, { code: 405, reason: 'MethodNotAllowed' });
  },
  'replacing a collection is refused': async (cluster) => {
    const answer = await cluster.replace(cluster.widgets(), {});
    refused(answer, { code: 400, reason: 'BadRequest', message: /name must be provided/ });
  },
  'the uid cannot be changed': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('fixed-uid'));
    const answer = await cluster.replace(cluster.widgets('fixed-uid'), {
      ...made,
      metadata: { ...made.metadata, uid: 'another' },
    });
    refused(answer, {
      code: 409,
      reason: 'Conflict',
      message: /Precondition failed: UID in precondition: another/,
    });
  },
  'labels and annotations are checked': async (cluster) => {
    const badLabel = cluster.aWidget('bad-label', {}, { labels: { ok: 'not ok!' } });
    refused(await cluster.create(cluster.widgets(), badLabel), {
      code: 422,
      reason: 'Invalid',
      fields: ['metadata.labels'],
    });
    const badKey = cluster.aWidget('bad-key', {}, { annotations: { 'a b': 'c' } });
    refused(await cluster.create(cluster.widgets(), badKey), {
      code: 422,
      reason: 'Invalid',
      fields: ['metadata.annotations'],
    });
  },
  'a dry run answers like the real one and leaves nothing': async (cluster) => {
    const path = `${cluster.widgets()}?dryRun=All`;
    const body = succeeded(await cluster.create(path, cluster.aWidget('dry', { size: 1 })), 201);
    assert.equal(body.spec.limit, 10);
    assert.ok(body.metadata.uid);
    assert.equal((await cluster.get(cluster.widgets('dry'))).code, 404);
  },
  'a dry run of an update or a delete leaves the object as it was': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('kept', { size: 1 }));
    const path = `${cluster.widgets('kept')}?dryRun=All`;
    const body = succeeded(await cluster.replace(path, { ...made, spec: { size: 2 } }));
    assert.equal(body.spec.size, 2);
    assert.equal(body.metadata.resourceVersion, made.metadata.resourceVersion);
    succeeded(await cluster.delete(path));
    assert.deepEqual(succeeded(await cluster.get(cluster.widgets('kept'))), made);
  },
  'an unknown dry run is refused': async (cluster) => {
    const answer = await cluster.create(`${cluster.widgets()}?dryRun=Some`, cluster.aWidget('dry'));
    refused(answer, { code: 422, reason: 'Invalid', fields: ['dryRun'] });
  },
});
