// The built-in kinds that an operator lives on: leases, events, secrets, tokens, reviews, roles.
import assert from 'node:assert/strict';
import { contract, names, refused, succeeded } from './case.ts';
import type { ContractCluster, Json } from './cluster.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const ACCESS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

const leases = (cluster: ContractCluster, name = ''): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${cluster.namespace}/leases${name && `/${name}`}`;

const newEvents = (cluster: ContractCluster, name = ''): string =>
  `/apis/events.k8s.io/v1/namespaces/${cluster.namespace}/events${name && `/${name}`}`;

const aLease = (name: string, spec: Json = {}): Json => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name },
  spec: {
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-31T12:00:00.000000Z',
    renewTime: '2026-01-31T12:00:00.123456Z',
    ...spec,
  },
});

const aNewEvent = (cluster: ContractCluster, name: string): Json => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name },
  eventTime: '2026-01-31T12:00:00.000000Z',
  reportingController: 'poolkeeper.dev/contract',
  reportingInstance: 'contract-1',
  action: 'Testing',
  reason: 'CaseRuns',
  type: 'Normal',
  note: 'A case is run.',
  regarding: { kind: 'ConfigMap', name: 'subject', namespace: cluster.namespace, apiVersion: 'v1' },
});

async function tokenOf(
  cluster: ContractCluster,
  account: string,
  spec: Json = {},
): Promise<string> {
  const path = `${cluster.core('serviceaccounts', account)}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  return (await cluster.made(path, request)).status.token;
}

function review(cluster: ContractCluster, spec: Json): Promise<Json> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
  return cluster.made(REVIEWS, body);
}

contract('built-ins', {
  'a lease keeps its microseconds': async (cluster) => {
    await cluster.made(leases(cluster), aLease('micro'));
    const { spec } = succeeded(await cluster.get(leases(cluster, 'micro')));
    assert.equal(spec.renewTime, '2026-01-31T12:00:00.123456Z');
    assert.equal(spec.acquireTime, '2026-01-31T12:00:00.000000Z');
  },
  'a lease is renewed by one of two candidates': async (cluster) => {
    const made = await cluster.made(leases(cluster), aLease('race'));
    const path = leases(cluster, 'race');
    const answers = await Promise.all(
      ['b', 'c'].map((holderIdentity) =>
        cluster.replace(path, { ...made, spec: { ...made.spec, holderIdentity } }),
      ),
    );
    assert.deepEqual(answers.map(({ code }) => code).sort(), [200, 409]);
  },
  'a lease of no duration is refused': async (cluster) => {
    const answer = await cluster.create(
      leases(cluster),
      aLease('no-duration', { leaseDurationSeconds: 0 }),
    );
    refused(answer, { code: 422, reason: 'Invalid', fields: ['spec.leaseDurationSeconds'] });
  },
  'a lease time that is none is refused': async (cluster) => {
    const answer = await cluster.create(leases(cluster), aLease('odd', { renewTime: 'now' }));
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'an event of the new group is seen in the core group': async (cluster) => {
    await cluster.made(newEvents(cluster), aNewEvent(cluster, 'new'));
    const body = succeeded(await cluster.get(cluster.core('events', 'new')));
    assert.equal(body.message, 'A case is run.');
    assert.equal(body.involvedObject.name, 'subject');
    assert.equal(body.reportingComponent, 'poolkeeper.dev/contract');
    assert.equal(body.action, 'Testing');
    // Null, not absent: clients sort by them.
    assert.equal(body.firstTimestamp, null);
    assert.equal(body.lastTimestamp, null);
  },
  'an event of the core group is seen in the new group': async (cluster) => {
    await cluster.made(cluster.core('events'), {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'old' },
      involvedObject: { kind: 'ConfigMap', name: 'subject', namespace: cluster.namespace },
      reason: 'CaseRuns',
      message: 'An old one.',
      type: 'Warning',
      source: { component: 'contract', host: 'here' },
      firstTimestamp: '2026-01-31T12:00:00Z',
      lastTimestamp: '2026-01-31T12:00:05Z',
      count: 3,
    });
    const body = succeeded(await cluster.get(newEvents(cluster, 'old')));
    assert.equal(body.note, 'An old one.');
    assert.equal(body.regarding.name, 'subject');
    assert.equal(body.deprecatedCount, 3);
    assert.equal(body.deprecatedSource.component, 'contract');
    assert.equal(body.deprecatedLastTimestamp, '2026-01-31T12:00:05Z');
  },
  'events are selected by what they are about': async (cluster) => {
    const selector = encodeURIComponent('involvedObject.name=subject,type=Warning');
    const path = `${cluster.core('events')}?fieldSelector=${selector}`;
    assert.deepEqual(names(succeeded(await cluster.get(path))), ['old']);
  },
  'a new event without an action is refused': async (cluster) => {
    const answer = await cluster.create(newEvents(cluster), {
      ...aNewEvent(cluster, 'no-action'),
      action: undefined,
    });
    refused(answer, { code: 422, reason: 'Invalid', fields: ['action'] });
  },
  'a new event with a long note is refused': async (cluster) => {
    const note = 'x'.repeat(1025);
    const answer = await cluster.create(newEvents(cluster), {
      ...aNewEvent(cluster, 'long'),
      note,
    });
    const status = refused(answer, { code: 422, reason: 'Invalid' });
    assert.equal(status.details.causes.length, 1);
  },
  'a series is patched into an event': async (cluster) => {
    const series = { count: 2, lastObservedTime: '2026-01-31T12:01:00.000000Z' };
    const body = succeeded(await cluster.patch('merge', newEvents(cluster, 'new'), { series }));
    assert.deepEqual(body.series, series);
  },
  'stringData of a secret becomes data': async (cluster) => {
    const body = await cluster.made(cluster.core('secrets'), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'written' },
      stringData: { key: 'value' },
    });
    assert.equal(body.data.key, Buffer.from('value').toString('base64'));
    assert.equal(body.stringData, undefined);
    assert.equal(body.type, 'Opaque');
  },
  'secret data must be base64': async (cluster) => {
    const answer = await cluster.create(cluster.core('secrets'), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'not-base64' },
      data: { key: '%%%' },
    });
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'an immutable config map stays as it is': async (cluster) => {
    await cluster.made(cluster.core('configmaps'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'stone' },
      data: { a: '1' },
      immutable: true,
    });
    const path = cluster.core('configmaps', 'stone');
    refused(await cluster.patch('merge', path, { data: { a: '2' } }), {
      code: 422,
      reason: 'Invalid',
      fields: ['data'],
    });
  },
  'config map data must be text': async (cluster) => {
    const answer = await cluster.create(cluster.core('configmaps'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'numbers' },
      data: { a: 1 },
    });
    refused(answer, { code: 400, reason: 'BadRequest' });
  },
  'a node has a status of its own': async (cluster) => {
    const name = `node-${cluster.suffix}`;
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
    await cluster.made('/api/v1/nodes', node);
    const status = { conditions: [{ type: 'Ready', status: 'True', reason: 'Up' }] };
    const path = `/api/v1/nodes/${name}/status`;
    const body = succeeded(await cluster.patch('strategic', path, { status }));
    assert.equal(body.status.conditions[0].status, 'True');
    succeeded(await cluster.delete(`/api/v1/nodes/${name}`));
  },
  'config maps are shown as kubectl shows them': async (cluster) => {
    const body = succeeded(await cluster.get(cluster.core('configmaps', 'stone'), TABLE));
    const columns = body.columnDefinitions.map((column: Json) => column.name);
    assert.deepEqual(columns, ['Name', 'Data', 'Age']);
    assert.deepEqual(body.rows[0].cells.slice(0, 2), ['stone', 1]);
  },
  'namespaces are shown as kubectl shows them': async (cluster) => {
    const path = `/api/v1/namespaces/${cluster.namespace}`;
    const body = succeeded(await cluster.get(path, TABLE));
    const columns = body.columnDefinitions.map((column: Json) => column.name);
    assert.deepEqual(columns, ['Name', 'Status', 'Age']);
    assert.deepEqual(body.rows[0].cells.slice(0, 2), [cluster.namespace, 'Active']);
  },
  'events are shown as kubectl shows them': async (cluster) => {
    const body = succeeded(await cluster.get(cluster.core('events', 'old'), TABLE));
    const shown = body.columnDefinitions.filter((column: Json) => column.priority === 0);
    assert.deepEqual(
      shown.map((column: Json) => column.name),
      ['Last Seen', 'Type', 'Reason', 'Object', 'Message'],
    );
    assert.deepEqual(body.rows[0].cells.slice(1, 4), ['Warning', 'CaseRuns', 'configmap/subject']);
  },
  'a service account gets a token that is reviewed as its own': async (cluster) => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'agent' } };
    await cluster.made(cluster.core('serviceaccounts'), account);
    const { status } = await review(cluster, { token: await tokenOf(cluster, 'agent') });
    assert.equal(status.authenticated, true);
    assert.equal(status.user.username, `system:serviceaccount:${cluster.namespace}:agent`);
    assert.deepEqual([...status.user.groups].sort(), [
      'system:authenticated',
      'system:serviceaccounts',
      `system:serviceaccounts:${cluster.namespace}`,
    ]);
  },
  'a token for one audience is not for another': async (cluster) => {
    const token = await tokenOf(cluster, 'agent', { audiences: ['poolkeeper'] });
    const right = await review(cluster, { token, audiences: ['poolkeeper'] });
    assert.deepEqual([right.status.authenticated, right.status.audiences], [true, ['poolkeeper']]);
    const wrong = await review(cluster, { token, audiences: ['https://kubernetes.default.svc'] });
    assert.ok(!wrong.status.authenticated);
  },
  'a token that is none is reviewed as such': async (cluster) => {
    const { status } = await review(cluster, { token: 'nobody-knows-it' });
    assert.ok(!status.authenticated);
    assert.ok(!status.user?.username);
  },
  'a token of a service account opens the door': async (cluster) => {
    const token = await tokenOf(cluster, 'agent');
    const answer = await cluster.request('GET', '/version', { token });
    assert.equal(answer.code, 200);
  },
  'a token outlives a deleted service account in no way': async (cluster) => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'leaver' } };
    await cluster.made(cluster.core('serviceaccounts'), account);
    const token = await tokenOf(cluster, 'leaver');
    succeeded(await cluster.delete(cluster.core('serviceaccounts', 'leaver')));
    const { status } = await review(cluster, { token });
    assert.ok(!status.authenticated);
  },
  'a token can be bound to an object and dies with it': async (cluster) => {
    const secret = await cluster.made(cluster.core('secrets'), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'bound' },
    });
    const { uid } = secret.metadata;
    const boundObjectRef = { kind: 'Secret', apiVersion: 'v1', name: 'bound', uid };
    const token = await tokenOf(cluster, 'agent', { boundObjectRef });
    // Not reviewed before: a real server remembers a token's answer for ten seconds.
    succeeded(await cluster.delete(cluster.core('secrets', 'bound')));
    assert.ok(!(await review(cluster, { token })).status.authenticated);
  },
  'an administrator may do everything': async (cluster) => {
    const { status } = await cluster.made(ACCESS, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'root',
        groups: ['system:masters'],
        resourceAttributes: { verb: 'delete', resource: 'secrets', namespace: cluster.namespace },
      },
    });
    assert.equal(status.allowed, true);
  },
  'a role and a binding are kept as written': async (cluster) => {
    const base = `/apis/rbac.authorization.k8s.io/v1/namespaces/${cluster.namespace}`;
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
    const role = await cluster.made(`${base}/roles`, {
      apiVersion,
      kind: 'Role',
      metadata: { name: 'reader' },
      rules,
    });
    assert.deepEqual(role.rules, rules);
    const binding = await cluster.made(`${base}/rolebindings`, {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: 'readers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: cluster.namespace }],
    });
    assert.equal(binding.subjects[0].name, 'agent');
  },
  'a built-in kind needs no kind in the body': async (cluster) => {
    const body = succeeded(
      await cluster.create(cluster.core('configmaps'), { metadata: { name: 'kindless' } }),
      201,
    );
    assert.equal(body.kind, 'ConfigMap');
  },
});
