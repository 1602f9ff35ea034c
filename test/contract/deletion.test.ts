// What goes when something goes: dependants, namespaces, definitions.
import assert from 'node:assert/strict';
import { contract, names, refused, succeeded } from './case.ts';
import { aNamespace, type ContractCluster, DEFINITIONS, type Json } from './cluster.ts';
import { aSimpleDefinition } from './widgets.ts';

const isGone = ({ code }: { code: number }): boolean => code === 404;

async function family(cluster: ContractCluster, name: string, reference: Json = {}): Promise<Json> {
  const parent = await cluster.made(cluster.widgets(), cluster.aWidget(name));
  const { uid } = parent.metadata;
  const owner = { apiVersion: parent.apiVersion, kind: 'Widget', name, uid, ...reference };
  const metadata = { ownerReferences: [owner] };
  await cluster.made(cluster.widgets(), cluster.aWidget(`${name}-child`, {}, metadata));
  return parent;
}

contract('deletion', {
  'dependants go after their owner': async (cluster) => {
    await family(cluster, 'background');
    const answer = await cluster.delete(cluster.widgets('background'), {
      propagationPolicy: 'Background',
    });
    assert.equal(succeeded(answer).kind, 'Status');
    await cluster.eventually(cluster.widgets('background-child'), isGone);
  },
  'background is the default': async (cluster) => {
    await family(cluster, 'default');
    succeeded(await cluster.delete(cluster.widgets('default')));
    await cluster.eventually(cluster.widgets('default-child'), isGone);
  },
  'in the foreground the owner waits for blocking dependants': async (cluster) => {
    await family(cluster, 'foreground', { blockOwnerDeletion: true });
    const hold = { metadata: { finalizers: ['example.com/hold'] } };
    await cluster.patch('merge', cluster.widgets('foreground-child'), hold);
    const answer = await cluster.delete(cluster.widgets('foreground'), {
      propagationPolicy: 'Foreground',
    });
    const body = succeeded(answer);
    assert.deepEqual(body.metadata.finalizers, ['foregroundDeletion']);
    await cluster.eventually(
      cluster.widgets('foreground-child'),
      ({ body: child }) => child.metadata?.deletionTimestamp !== undefined,
    );
    assert.equal((await cluster.get(cluster.widgets('foreground'))).code, 200);
    const release = { metadata: { finalizers: null } };
    await cluster.patch('merge', cluster.widgets('foreground-child'), release);
    await cluster.eventually(cluster.widgets('foreground'), isGone);
  },
  'orphans stay, without their owner': async (cluster) => {
    await family(cluster, 'orphan');
    succeeded(await cluster.delete(cluster.widgets('orphan'), { propagationPolicy: 'Orphan' }));
    await cluster.eventually(cluster.widgets('orphan'), isGone);
    const { body } = await cluster.eventually(
      cluster.widgets('orphan-child'),
      ({ body: child }) => child.metadata.ownerReferences === undefined,
    );
    assert.equal(body.metadata.deletionTimestamp, undefined);
  },
  'a dependant of two owners stays until both are gone': async (cluster) => {
    const first = await family(cluster, 'mother');
    const second = await cluster.made(cluster.widgets(), cluster.aWidget('father'));
    const owners = [first, second].map(({ apiVersion, kind, metadata: { name, uid } }) => ({
      apiVersion,
      kind,
      name,
      uid,
    }));
    const patch = { metadata: { ownerReferences: owners } };
    await cluster.patch('merge', cluster.widgets('mother-child'), patch);
    succeeded(await cluster.delete(cluster.widgets('mother')));
    const { body } = await cluster.eventually(
      cluster.widgets('mother-child'),
      ({ body: child }) => child.metadata.ownerReferences.length === 1,
    );
    assert.equal(body.metadata.ownerReferences[0].name, 'father');
    succeeded(await cluster.delete(cluster.widgets('father')));
    await cluster.eventually(cluster.widgets('mother-child'), isGone);
  },
  'an owner of the same name but another uid is no owner': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('namesake'));
    const owner = {
      apiVersion: `${cluster.group}/v1`,
      kind: 'Widget',
      name: 'namesake',
      uid: '00000000-0000-4000-8000-000000000000',
    };
    const child = cluster.aWidget('namesake-child', {}, { ownerReferences: [owner] });
    await cluster.made(cluster.widgets(), child);
    await cluster.eventually(cluster.widgets('namesake-child'), isGone);
  },
  'two controllers are refused': async (cluster) => {
    const owner = (name: string): Json => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name,
      uid: `${name}-uid`,
      controller: true,
    });
    const metadata = { ownerReferences: [owner('a'), owner('b')] };
    const answer = await cluster.create(
      cluster.widgets(),
      cluster.aWidget('two-controllers', {}, metadata),
    );
    refused(answer, { code: 422, reason: 'Invalid', fields: ['metadata.ownerReferences'] });
  },
  'an owner without a uid is refused': async (cluster) => {
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: '' };
    const widget = cluster.aWidget('no-uid', {}, { ownerReferences: [owner] });
    const answer = await cluster.create(cluster.widgets(), widget);
    const status = refused(answer, { code: 422, reason: 'Invalid' });
    assert.equal(status.details.causes[0].field, 'metadata.ownerReferences.uid');
  },
  'an unknown propagation policy is refused': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('policy'));
    const answer = await cluster.delete(cluster.widgets('policy'), { propagationPolicy: 'Never' });
    refused(answer, { code: 422, reason: 'Invalid' });
  },
  'a new namespace is active and has a default service account': async (cluster) => {
    const name = `fresh-${cluster.suffix}`;
    const body = await cluster.made('/api/v1/namespaces', aNamespace(name));
    assert.equal(body.status.phase, 'Active');
    assert.deepEqual(body.spec.finalizers, ['kubernetes']);
    await cluster.eventually(
      `/api/v1/namespaces/${name}/serviceaccounts/default`,
      ({ code }) => code === 200,
    );
    succeeded(await cluster.delete(`/api/v1/namespaces/${name}`));
  },
  'a deleted namespace takes its objects along': async (cluster) => {
    const name = `full-${cluster.suffix}`;
    await cluster.made('/api/v1/namespaces', aNamespace(name));
    await cluster.made(cluster.widgets('', name), cluster.aWidget('inside'));
    const body = succeeded(await cluster.delete(`/api/v1/namespaces/${name}`));
    assert.equal(body.kind, 'Namespace');
    assert.equal(body.status.phase, 'Terminating');
    await cluster.eventually(`/api/v1/namespaces/${name}`, isGone);
    assert.deepEqual(names((await cluster.get(cluster.widgets('', name))).body), []);
  },
  'a terminating namespace takes nothing new, and waits for finalizers': async (cluster) => {
    const name = `held-${cluster.suffix}`;
    await cluster.made('/api/v1/namespaces', aNamespace(name));
    const finalizers = ['example.com/hold'];
    const widget = cluster.aWidget('stuck', {}, { finalizers });
    await cluster.made(cluster.widgets('', name), widget);
    await cluster.delete(`/api/v1/namespaces/${name}`);
    await cluster.eventually(
      cluster.widgets('stuck', name),
      ({ body }) => body.metadata.deletionTimestamp !== undefined,
    );
    const answer = await cluster.create(cluster.widgets('', name), cluster.aWidget('late'));
    const status = refused(answer, {
      code: 403,
      reason: 'Forbidden',
      message: /unable to create new content in namespace .* because it is being terminated/,
    });
    assert.equal(status.details.causes[0].reason, 'NamespaceTerminating');
    await cluster.patch('merge', cluster.widgets('stuck', name), {
      metadata: { finalizers: null },
    });
    await cluster.eventually(`/api/v1/namespaces/${name}`, isGone);
  },
  'a deleted definition takes its objects along': async (cluster) => {
    const group = `gone.${cluster.group}`;
    await cluster.define(aSimpleDefinition(group, 'gadgets'));
    const path = `/apis/${group}/v1/namespaces/${cluster.namespace}/gadgets`;
    const gadget = { apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'last' } };
    await cluster.made(path, gadget);
    succeeded(await cluster.delete(`${DEFINITIONS}/gadgets.${group}`));
    await cluster.eventually(`${DEFINITIONS}/gadgets.${group}`, isGone);
    await cluster.eventually(path, isGone);
    await cluster.define(aSimpleDefinition(group, 'gadgets'));
    assert.deepEqual(names(succeeded(await cluster.get(path))), []);
  },
});
