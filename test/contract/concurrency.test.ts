// Many writers: versions, generations, the status apart from the spec, preconditions, finalizers.
import assert from 'node:assert/strict';
import { contract, refused, succeeded } from './case.ts';
import type { ContractCluster, Json } from './cluster.ts';

const CONFLICT = {
  code: 409,
  reason: 'Conflict',
  message: /the object has been modified; please apply your changes to the latest version/,
};

contract('concurrency', {
  'a replace with a stale version is a Conflict': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('stale', { size: 1 }));
    succeeded(await cluster.replace(cluster.widgets('stale'), { ...made, spec: { size: 2 } }));
    const answer = await cluster.replace(cluster.widgets('stale'), { ...made, spec: { size: 3 } });
    const body = refused(answer, CONFLICT);
    assert.deepEqual(body.details, { name: 'stale', group: cluster.group, kind: 'widgets' });
  },
  'a merge patch with a stale version is a Conflict': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('stale-patch', { size: 1 }));
    const path = cluster.widgets('stale-patch');
    succeeded(await cluster.patch('merge', path, { spec: { size: 2 } }));
    const { resourceVersion } = made.metadata;
    const patch = { metadata: { resourceVersion }, spec: { size: 3 } };
    refused(await cluster.patch('merge', path, patch), CONFLICT);
  },
  'a merge patch with the current version passes': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('fresh-patch', { size: 1 }));
    const { resourceVersion } = made.metadata;
    const patch = { metadata: { resourceVersion }, spec: { size: 3 } };
    succeeded(await cluster.patch('merge', cluster.widgets('fresh-patch'), patch));
  },
  'a create with a resourceVersion is refused': async (cluster) => {
    const widget = cluster.aWidget('versioned', {}, { resourceVersion: '5' });
    const answer = await cluster.create(cluster.widgets(), widget);
    assert.ok(answer.code === 400 || answer.code === 500, answer.text);
    assert.match(
      answer.body.message,
      /resourceVersion (should|can) not be set on objects to be created/,
    );
  },
  'of two writers with the same version one wins': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('race', { size: 0 }));
    const path = cluster.widgets('race');
    const answers = await Promise.all(
      [1, 2, 3, 4].map((size) => cluster.replace(path, { ...made, spec: { size } })),
    );
    assert.deepEqual(answers.map(({ code }) => code).sort(), [200, 409, 409, 409]);
  },
  'a spec change raises the generation': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('generation', { size: 1 }));
    const path = cluster.widgets('generation');
    const body = succeeded(await cluster.patch('merge', path, { spec: { size: 2 } }));
    assert.equal(body.metadata.generation, 2);
  },
  'a metadata change does not raise the generation': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('labelled', { size: 1 }));
    const patch = { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } };
    const body = succeeded(await cluster.patch('merge', cluster.widgets('labelled'), patch));
    assert.equal(body.metadata.generation, 1);
  },
  'a status change does not raise the generation': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('status-only', { size: 1 }));
    const path = `${cluster.widgets('status-only')}/status`;
    const body = succeeded(await cluster.patch('merge', path, { status: { phase: 'Up' } }));
    assert.equal(body.metadata.generation, 1);
    assert.equal(body.status.phase, 'Up');
  },
  'a create drops the status': async (cluster) => {
    const body = await cluster.made(cluster.widgets(), {
      ...cluster.aWidget('born'),
      status: { phase: 'Up' },
    });
    assert.equal(body.status, undefined);
  },
  'a replace of the object ignores the status': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('main-write'));
    const answer = await cluster.replace(cluster.widgets('main-write'), {
      ...made,
      spec: { size: 3 },
      status: { phase: 'Up' },
    });
    const body = succeeded(answer);
    assert.equal(body.spec.size, 3);
    assert.equal(body.status, undefined);
  },
  'a replace of the status ignores spec and labels': async (cluster) => {
    const made = await cluster.made(
      cluster.widgets(),
      cluster.aWidget('status-write', { size: 1 }),
    );
    const answer = await cluster.replace(`${cluster.widgets('status-write')}/status`, {
      ...made,
      metadata: { ...made.metadata, labels: { a: 'b' }, finalizers: ['example.com/x'] },
      spec: { size: 9 },
      status: { phase: 'Up' },
    });
    const body = succeeded(answer);
    assert.equal(body.spec.size, 1);
    assert.equal(body.status.phase, 'Up');
    assert.equal(body.metadata.labels, undefined);
    assert.equal(body.metadata.finalizers, undefined);
  },
  'a status write is guarded by the version too': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('status-stale'));
    succeeded(await cluster.patch('merge', cluster.widgets('status-stale'), { spec: { size: 2 } }));
    const answer = await cluster.replace(`${cluster.widgets('status-stale')}/status`, {
      ...made,
      status: { phase: 'Up' },
    });
    refused(answer, CONFLICT);
  },
  'status writes are remembered as such': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('status-manager'));
    const path = `${cluster.widgets('status-manager')}/status?fieldManager=agent`;
    const body = succeeded(await cluster.patch('merge', path, { status: { phase: 'Up' } }));
    const entry = body.metadata.managedFields.find(
      (field: { manager: string }) => field.manager === 'agent',
    );
    assert.equal(entry.subresource, 'status');
    assert.deepEqual(entry.fieldsV1, { 'f:status': { '.': {}, 'f:phase': {} } });
  },
  'reading the status subresource gives the whole object': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('status-read', { size: 5 }));
    const body = succeeded(await cluster.get(`${cluster.widgets('status-read')}/status`));
    assert.equal(body.spec.size, 5);
  },
  'a subresource that does not exist is 404': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('no-scale'));
    assert.equal((await cluster.get(`${cluster.widgets('no-scale')}/scale`)).code, 404);
  },
  'a delete with another uid is a Conflict': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('wrong-uid'));
    const options = { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } };
    refused(await cluster.delete(cluster.widgets('wrong-uid'), options), {
      code: 409,
      reason: 'Conflict',
      message: /the UID in the precondition \(.*\) does not match the UID in record/,
    });
  },
  'a delete with a stale version is a Conflict': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('wrong-version'));
    succeeded(
      await cluster.patch('merge', cluster.widgets('wrong-version'), { spec: { size: 2 } }),
    );
    const { uid, resourceVersion } = made.metadata;
    const options = { preconditions: { uid, resourceVersion } };
    refused(await cluster.delete(cluster.widgets('wrong-version'), options), {
      code: 409,
      reason: 'Conflict',
      message: /the ResourceVersion in the precondition \(\d+\) does not match/,
    });
  },
  'a delete with uid and current version passes': async (cluster) => {
    const made = await cluster.made(cluster.widgets(), cluster.aWidget('right'));
    const { uid, resourceVersion } = made.metadata;
    const options = { preconditions: { uid, resourceVersion } };
    succeeded(await cluster.delete(cluster.widgets('right'), options));
  },
  'a finalizer keeps a deleted object, marked': async (cluster) => {
    const finalizers = ['example.com/hold'];
    await cluster.made(cluster.widgets(), cluster.aWidget('held', {}, { finalizers }));
    const body = succeeded(await cluster.delete(cluster.widgets('held')));
    assert.equal(body.kind, 'Widget');
    assert.match(body.metadata.deletionTimestamp, /Z$/);
    assert.equal(body.metadata.deletionGracePeriodSeconds, 0);
    assert.equal(body.metadata.generation, 2);
    assert.equal(succeeded(await cluster.get(cluster.widgets('held'))).metadata.name, 'held');
  },
  'a second delete of a held object changes nothing': async (cluster) => {
    const finalizers = ['example.com/hold'];
    await cluster.made(cluster.widgets(), cluster.aWidget('held-twice', {}, { finalizers }));
    const first = succeeded(await cluster.delete(cluster.widgets('held-twice')));
    const second = succeeded(await cluster.delete(cluster.widgets('held-twice')));
    assert.equal(second.metadata.deletionTimestamp, first.metadata.deletionTimestamp);
    assert.equal(second.metadata.generation, first.metadata.generation);
  },
  'removing the last finalizer of a deleted object removes it': async (cluster) => {
    const finalizers = ['example.com/a', 'example.com/b'];
    await cluster.made(cluster.widgets(), cluster.aWidget('released', {}, { finalizers }));
    const path = cluster.widgets('released');
    await cluster.delete(path);
    const one = await cluster.patch('merge', path, { metadata: { finalizers: ['example.com/b'] } });
    assert.deepEqual(succeeded(one).metadata.finalizers, ['example.com/b']);
    succeeded(await cluster.patch('merge', path, { metadata: { finalizers: null } }));
    assert.equal((await cluster.get(path)).code, 404);
  },
  'a deleted object takes no new finalizers': async (cluster) => {
    const finalizers = ['example.com/a'];
    await cluster.made(cluster.widgets(), cluster.aWidget('leaving', {}, { finalizers }));
    const path = cluster.widgets('leaving');
    await cluster.delete(path);
    const patch = { metadata: { finalizers: ['example.com/a', 'example.com/late'] } };
    refused(await cluster.patch('merge', path, patch), {
      code: 422,
      reason: 'Invalid',
      fields: ['metadata.finalizers'],
      message: /no new finalizers can be added if the object is being deleted/,
    });
  },
  'a deleted object can still be changed otherwise': async (cluster) => {
    const finalizers = ['example.com/a'];
    await cluster.made(cluster.widgets(), cluster.aWidget('changing', {}, { finalizers }));
    const path = cluster.widgets('changing');
    await cluster.delete(path);
    const body = succeeded(
      await cluster.patch('merge', `${path}/status`, { status: { phase: 'Off' } }),
    );
    assert.equal(body.status.phase, 'Off');
  },
  'a finalizer without a domain is refused or warned of': async (cluster) => {
    const widget = cluster.aWidget('odd-finalizer', {}, { finalizers: ['Not Valid!'] });
    refused(await cluster.create(cluster.widgets(), widget), {
      code: 422,
      reason: 'Invalid',
      fields: ['metadata.finalizers'],
    });
  },
  'a recreated object has another uid': async (cluster) => {
    const first = await cluster.made(cluster.widgets(), cluster.aWidget('phoenix'));
    await cluster.delete(cluster.widgets('phoenix'));
    const second = await cluster.made(cluster.widgets(), cluster.aWidget('phoenix'));
    assert.notEqual(first.metadata.uid, second.metadata.uid);
  },
  'a patch with the version and uid of a former object is a Conflict': async (cluster) => {
    const former = await recreated(cluster, 'reborn');
    const patch = { metadata: locksOf(former), spec: { size: 2 } };
    refused(await cluster.patch('merge', cluster.widgets('reborn'), patch), CONFLICT);
  },
  'a patch with a foreign uid alone is invalid': async (cluster) => {
    const former = await recreated(cluster, 'reborn-uid');
    const patch = { metadata: { uid: former.metadata.uid }, spec: { size: 2 } };
    const answer = await cluster.patch('merge', cluster.widgets('reborn-uid'), patch);
    refused(answer, { code: 422, reason: 'Invalid', fields: ['metadata.uid'] });
  },
  'a status patch with the version and uid of a former object is a Conflict': async (cluster) => {
    const former = await recreated(cluster, 'reborn-status');
    const path = `${cluster.widgets('reborn-status')}/status`;
    const patch = { metadata: locksOf(former), status: { phase: 'Up' } };
    refused(await cluster.patch('merge', path, patch), CONFLICT);
  },
  'a status patch with a foreign uid alone goes to whatever has the name now': async (cluster) => {
    const former = await recreated(cluster, 'reborn-status-uid');
    const path = `${cluster.widgets('reborn-status-uid')}/status`;
    const patch = { metadata: { uid: former.metadata.uid }, status: { phase: 'Up' } };
    const body = succeeded(await cluster.patch('merge', path, patch));
    assert.notEqual(body.metadata.uid, former.metadata.uid);
    assert.equal(body.status.phase, 'Up');
  },
});

/** An object that was deleted and made again under its name; the former one is returned. */
async function recreated(cluster: ContractCluster, name: string): Promise<Json> {
  const former = await cluster.made(cluster.widgets(), cluster.aWidget(name, { size: 1 }));
  succeeded(await cluster.delete(cluster.widgets(name)));
  await cluster.made(cluster.widgets(), cluster.aWidget(name, { size: 1 }));
  return former;
}

function locksOf({ metadata: { uid, resourceVersion } }: Json): Json {
  return { uid, resourceVersion };
}
