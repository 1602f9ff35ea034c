import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestCluster } from '../test-cluster.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const apiVersion = 'rbac.authorization.k8s.io/v1';
const SECRETS = '/api/v1/namespaces/default/secrets';
const ACCOUNT = 'system:serviceaccount:default:reader';

async function cluster(): Promise<{ admin: TestCluster; as: (user: string) => TestCluster }> {
  const admin = new TestCluster({ authorization: 'RBAC', groups: ['system:masters'] });
  return { admin, as: (user) => admin.as({ username: user, groups: [] }) };
}

async function grant(admin: TestCluster, rule: object, namespace = 'default'): Promise<void> {
  const roles = `${RBAC}/namespaces/${namespace}`;
  await admin.create(`${roles}/roles`, {
    apiVersion,
    kind: 'Role',
    metadata: { name: 'r' },
    rules: [rule],
  });
  const answer = await admin.create(`${roles}/rolebindings`, {
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name: 'b' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'reader' }],
  });
  assert.equal(answer.code, 201);
}

describe('role-based access', () => {
  it('refuses what no rule allows, in the words of a real server', async () => {
    const { as } = await cluster();
    const answer = await as(ACCOUNT).get(`${SECRETS}/token`);
    assert.equal(answer.code, 403);
    assert.equal(
      answer.body['message'],
      `secrets "token" is forbidden: User "${ACCOUNT}" cannot get resource "secrets" in API group "" in the namespace "default"`,
    );
    assert.equal((await as(ACCOUNT).get('/api/v1/nodes')).code, 403);
  });

  it('lets everybody discover, and nobody read metrics', async () => {
    const { as } = await cluster();
    assert.equal((await as(ACCOUNT).get('/apis')).code, 200);
    assert.equal((await as(ACCOUNT).get('/metrics')).code, 403);
  });

  it('a role counts in its own namespace only', async () => {
    const { admin, as } = await cluster();
    await grant(admin, { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] });
    assert.equal((await as(ACCOUNT).get(SECRETS)).code, 200);
    assert.equal((await as(ACCOUNT).get('/api/v1/secrets')).code, 403);
    assert.equal((await as(ACCOUNT).get('/api/v1/namespaces/kube-system/secrets')).code, 403);
    assert.equal((await as(ACCOUNT).delete(`${SECRETS}/x`)).code, 403);
  });

  it('somebody who may acts as somebody else, with the rights of that one', async () => {
    const { admin, as } = await cluster();
    await grant(admin, { apiGroups: [''], resources: ['secrets'], verbs: ['list'] });
    const reader = { 'impersonate-user': ACCOUNT };
    const get = (cluster: TestCluster, path: string, headers: Record<string, string>) =>
      cluster.request('GET', path, undefined, headers);
    assert.equal((await get(admin, SECRETS, reader)).code, 200);
    assert.equal((await get(admin, '/api/v1/nodes', reader)).code, 403);
    const masters = { 'impersonate-user': 'root', 'impersonate-group': 'a, system:masters' };
    assert.equal((await get(admin, '/api/v1/nodes', masters)).code, 200);
    const refused = await get(as('somebody'), SECRETS, reader);
    assert.equal(
      refused.body['message'],
      'serviceaccounts "reader" is forbidden: User "somebody" cannot impersonate resource ' +
        '"serviceaccounts" in API group "" in the namespace "default"',
    );
    assert.equal((await get(admin, SECRETS, { 'impersonate-group': 'a' })).code, 400);
  });

  it('knows names and subresources', async () => {
    const { admin, as } = await cluster();
    const rule = { apiGroups: [''], resources: ['pods/status'], resourceNames: ['a'] };
    await grant(admin, { ...rule, verbs: ['patch'] });
    const pods = '/api/v1/namespaces/default/pods';
    assert.equal((await as(ACCOUNT).patch('merge', `${pods}/a/status`, {})).code, 404);
    assert.equal((await as(ACCOUNT).patch('merge', `${pods}/b/status`, {})).code, 403);
    assert.equal((await as(ACCOUNT).patch('merge', `${pods}/a`, {})).code, 403);
  });

  it('a right that is taken away is gone at once', async () => {
    const { admin, as } = await cluster();
    await grant(admin, { apiGroups: ['*'], resources: ['*'], verbs: ['*'] });
    assert.equal((await as(ACCOUNT).get(SECRETS)).code, 200);
    await admin.delete(`${RBAC}/namespaces/default/rolebindings/b`);
    assert.equal((await as(ACCOUNT).get(SECRETS)).code, 403);
  });

  it('applying what is not there needs the right to create', async () => {
    const { admin, as } = await cluster();
    await grant(admin, { apiGroups: [''], resources: ['configmaps'], verbs: ['patch'] });
    const path = '/api/v1/namespaces/default/configmaps/c?fieldManager=me';
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } };
    assert.equal((await as(ACCOUNT).patch('apply', path, body)).code, 403);
    await admin.create('/api/v1/namespaces/default/configmaps', body);
    assert.equal((await as(ACCOUNT).patch('apply', `${path}&force=true`, body)).code, 200);
  });

  it('access reviews tell the same', async () => {
    const { admin, as } = await cluster();
    await grant(admin, { apiGroups: [''], resources: ['secrets'], verbs: ['get'] });
    const review = async (verb: string): Promise<unknown> => {
      const resourceAttributes = { namespace: 'default', verb, resource: 'secrets' };
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      const { body } = await as(ACCOUNT).create(path, {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      });
      return (body['status'] as { allowed: boolean }).allowed;
    };
    assert.deepEqual([await review('get'), await review('list')], [true, false]);
  });
});
