// Credentials from a Secret to an agent: over real TLS, with tokens that the API server reviews.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createCredentialsClient } from '../../src/agent/credentials-client.ts';
import { namespaces, nodes, secrets } from '../../src/api/built-in.ts';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import type { NodeMount } from '../../src/api/node-mount.ts';
import { nodeMounts, storagePools } from '../../src/api/resources.ts';
import { serveCredentials } from '../../src/cli/credentials-server.ts';
import type { RunningServer } from '../../src/cli/http-server.ts';
import { createHandOut } from '../../src/controllers/credentials/index.ts';
import { createSources, viewsOf } from '../../src/controllers/stores.ts';
import { connectKubernetes, type Kubernetes } from '../../src/kube/index.ts';
import { makeCertificate } from '../../src/local/kubernetes/http/certificates.ts';
import { KubernetesServer } from '../../src/local/kubernetes/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { createLog } from '../../src/runtime/log.ts';
import { transportTo } from './agent-world.ts';

const namespace = 'poolkeeper-system';
const secretPassword = 'correct-horse-battery';
const audience = 'poolkeeper-credentials';
const accounts = '/api/v1/namespaces/poolkeeper-system/serviceaccounts';

let server: KubernetesServer;
let kubernetes: Kubernetes;
let endpoint: RunningServer;
let life: AbortController;
let folder: string;
let authority: string;
const lines: string[] = [];

beforeEach(async () => {
  lines.length = 0;
  const log = createLog('debug', { write: (line) => void lines.push(line) });
  const runtime = createRuntime({ clock: systemClock, log });
  server = new KubernetesServer(runtime);
  kubernetes = connectKubernetes({
    runtime,
    to: transportTo(server, 'operator'),
    component: 'test',
  });
  const { client, caches } = kubernetes;
  for (const definition of customResourceDefinitions())
    await client.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  await client.create(namespaces, { metadata: { name: namespace } });
  for (const name of ['node-1', 'node-2']) await client.create(nodes, { metadata: { name } });
  for (const name of ['poolkeeper-agent', 'somebody'])
    await client.post(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
  const sources = createSources(caches, namespace);
  life = new AbortController();
  void caches.start(life.signal).catch(() => {});
  await caches.whenSynced();
  folder = mkdtempSync(join(tmpdir(), 'poolkeeper-credentials-'));
  const made = makeCertificate(runtime.clock, runtime.random);
  authority = made.authority;
  writeFileSync(join(folder, 'tls.crt'), made.chain);
  writeFileSync(join(folder, 'tls.key'), made.key);
  endpoint = await serveCredentials({
    address: '127.0.0.1:0',
    certificateFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    handOut: createHandOut({
      runtime,
      client,
      stores: viewsOf(sources),
      audience,
      agentUsername: `system:serviceaccount:${namespace}:poolkeeper-agent`,
      isSynced: () => true,
    }),
    clock: systemClock,
    log,
  });
});

afterEach(async () => {
  await endpoint.close();
  life.abort();
  await kubernetes.close();
  server.close();
  rmSync(folder, { recursive: true });
});

async function aToken(options: { account?: string; node?: string; audience?: string } = {}) {
  const { account = 'poolkeeper-agent', node = 'node-1' } = options;
  const spec = {
    audiences: [options.audience ?? audience],
    ...(node && { boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: node } }),
  };
  const answer = await kubernetes.client.post<{ status: { token: string } }>(
    `${accounts}/${account}/token`,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
  );
  return answer.status.token;
}

async function aPoolWithMount(data: Record<string, string>): Promise<NodeMount> {
  const { client } = kubernetes;
  const encoded = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value).toString('base64'),
  ]);
  await client.create(secrets, {
    metadata: { name: 'chap', namespace: 'default' },
    data: Object.fromEntries(encoded),
  });
  const shared = { portal: '10.0.0.5:3260', target: 'iqn.2026-01.com.example:data', lun: 0 };
  const credentialsSecretRef = { name: 'chap' };
  const pool = await client.create(storagePools, {
    metadata: { name: 'data', namespace: 'default' },
    spec: { type: 'iscsi', iscsi: { nodeName: 'node-1', ...shared, credentialsSecretRef } },
  } as never);
  return client.create(nodeMounts, {
    metadata: { name: 'data.node-1', namespace: 'default' },
    spec: {
      nodeName: 'node-1',
      poolRef: { name: 'data', uid: pool.metadata.uid },
      type: 'iscsi',
      // What a mount names counts for nothing.
      iscsi: { ...shared, credentialsSecretRef: { name: 'another' } },
    },
  } as never);
}

function ask(mount: NodeMount, token: string, ca: string | undefined = authority) {
  const source = createCredentialsClient({
    url: endpoint.url,
    token: async () => `${token}\n`,
    authority: async () => ca,
    clock: systemClock,
  });
  const { namespace: where, name, uid } = mount.metadata;
  return source.fetch({ namespace: where, name, uid }, AbortSignal.timeout(60_000));
}

const chap = { username: 'initiator', password: secretPassword };

describe('an agent that shows its token', () => {
  test('gets the keys of its mount and no others', async () => {
    const mount = await aPoolWithMount({ ...chap, unrelated: 'not for you' });
    assert.deepEqual(await ask(mount, await aToken()), chap);
    const mutual = { mutualUsername: 'target', mutualPassword: 'target-proves-it' };
    const data = Object.fromEntries(
      Object.entries(mutual).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    const reference = { namespace: 'default', name: 'chap' };
    await kubernetes.client.mergePatch(secrets, reference, { data });
    assert.deepEqual(await ask(mount, await aToken()), { ...chap, ...mutual });
    assert.ok(!lines.join('').includes(secretPassword), 'no log has it');
  });

  const refused: Record<string, { token: Parameters<typeof aToken>[0]; words: RegExp }> = {
    'of another node': { token: { node: 'node-2' }, words: /knows no NodeMount default\/data/ },
    'for another audience': { token: { audience: 'vault' }, words: /not valid for the audience/ },
    'of another account': { token: { account: 'somebody' }, words: /not the service account/ },
    'that names no node': { token: { node: '' }, words: /Kubernetes 1\.30/ },
  };
  for (const [what, { token, words }] of Object.entries(refused))
    test(`gets nothing with one ${what}`, async () => {
      const mount = await aPoolWithMount(chap);
      const wrong = await aToken(token);
      await assert.rejects(ask(mount, wrong), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'CredentialsUnavailable');
        assert.match(error.message, words);
        return true;
      });
      assert.ok(!lines.join('').includes(wrong), 'no log has the token');
    });

  test('gets nothing with no token at all', async () => {
    const mount = await aPoolWithMount(chap);
    await assert.rejects(ask(mount, ''), /no bearer token|can't be asked/);
  });

  test('gets nothing for an object that was made anew under the same name', async () => {
    const mount = await aPoolWithMount(chap);
    const former = { ...mount, metadata: { ...mount.metadata, uid: 'former' } };
    await assert.rejects(ask(former, await aToken()), /with that uid/);
  });

  test('is told which key the Secret lacks', async () => {
    const mount = await aPoolWithMount({ username: 'initiator' });
    await assert.rejects(ask(mount, await aToken()), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SecretNotFound');
      assert.match(error.message, /Secret chap lacks the key password/);
      return true;
    });
  });
});

describe('the connection', () => {
  test('is refused by the agent when somebody else answers', async () => {
    const mount = await aPoolWithMount(chap);
    const runtime = createRuntime({ clock: systemClock });
    const other = makeCertificate(runtime.clock, runtime.random).authority;
    await assert.rejects(ask(mount, await aToken(), other), /can't be asked for credentials/);
  });

  test('is never in the clear over a network', () => {
    const token = async (): Promise<string> => '';
    const clock = systemClock;
    const url = 'http://poolkeeper.example:8443';
    assert.throws(() => createCredentialsClient({ url, token, clock }), /must be an https/);
    const handOut = async () => ({ status: 200, body: {} });
    const log = createLog('silent');
    const address = '0.0.0.0:0';
    return assert.rejects(serveCredentials({ address, handOut, clock, log }), /only a loopback/);
  });

  test('is closed on what is no request', async () => {
    const node = await import('node:https');
    const send = (method: string, path: string, body: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = node.request(
          new URL(path, endpoint.url),
          { method, ca: authority, agent: false },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        request.on('error', reject);
        request.end(body);
      });
    assert.equal(await send('GET', '/credentials', ''), 405);
    assert.equal(await send('POST', '/metrics', ''), 404);
    assert.equal(await send('POST', '/credentials', 'x'.repeat(5000)), 413);
    assert.equal(await send('POST', '/credentials', '{}'), 401);
  });
});
