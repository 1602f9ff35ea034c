import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestCluster } from '../test-cluster.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as loosely as a client reads them.
type Loose = any;

const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';

async function withAgent(): Promise<TestCluster> {
  const cluster = new TestCluster();
  await cluster.create('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
  });
  await cluster.create(ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'agent' },
  });
  await cluster.create('/api/v1/namespaces/default/pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
  });
  return cluster;
}

async function aToken(cluster: TestCluster, spec: object): Promise<string> {
  const { body } = await cluster.create(`${ACCOUNTS}/agent/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec,
  });
  return (body as Loose).status.token;
}

async function review(cluster: TestCluster, token: string, audiences: string[]): Promise<Loose> {
  const { body } = await cluster.create('/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, audiences },
  });
  return (body as Loose).status;
}

describe('service-account tokens', () => {
  it('tell who and on which node, for their audience only', async () => {
    const cluster = await withAgent();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' };
    const token = await aToken(cluster, { audiences: ['poolkeeper'], boundObjectRef });
    const right = await review(cluster, token, ['poolkeeper']);
    assert.equal(right.authenticated, true);
    assert.equal(right.user.username, 'system:serviceaccount:default:agent');
    assert.deepEqual(right.user.extra['authentication.kubernetes.io/node-name'], ['n1']);
    assert.deepEqual(right.user.extra['authentication.kubernetes.io/pod-name'], ['p']);
    const wrong = await review(cluster, token, ['other']);
    assert.notEqual(wrong.authenticated, true);
    assert.ok(wrong.error);
  });

  it('end with their time, their pod, or their account', async () => {
    const cluster = await withAgent();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' };
    const ending = await aToken(cluster, { audiences: ['a'], expirationSeconds: 600 });
    const bound = await aToken(cluster, { audiences: ['a'], boundObjectRef });
    const free = await aToken(cluster, { audiences: ['a'], expirationSeconds: 7200 });
    const isValid = async (token: string): Promise<boolean> =>
      (await review(cluster, token, ['a'])).authenticated === true;
    await cluster.clock.advance(601_000);
    assert.equal(await isValid(ending), false);
    assert.equal(await isValid(bound), true);
    await cluster.delete('/api/v1/namespaces/default/pods/p');
    assert.equal(await isValid(bound), false);
    assert.equal(await isValid(free), true);
    await cluster.delete(`${ACCOUNTS}/agent`);
    assert.equal(await isValid(free), false);
  });

  it('are refused for less than ten minutes, and when tampered with', async () => {
    const cluster = await withAgent();
    const { code } = await cluster.create(`${ACCOUNTS}/agent/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 60 },
    });
    assert.equal(code, 422);
    const token = await aToken(cluster, { audiences: ['a'] });
    const [head, , signature] = token.split('.');
    const claims = Buffer.from(JSON.stringify({ sub: 'root' })).toString('base64url');
    assert.notEqual(
      (await review(cluster, `${head}.${claims}.${signature}`, ['a'])).authenticated,
      true,
    );
  });
});
