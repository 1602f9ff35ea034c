import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { findCluster, fromKubeconfig, inCluster } from './kubeconfig.ts';

const directory = mkdtempSync(join(tmpdir(), 'poolkeeper-kubeconfig-'));
after(() => rmSync(directory, { recursive: true }));

const clock = new FakeClock();
const runtime = createRuntime({ clock });

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

let files = 0;
/** Writes a kubeconfig with one cluster and one user and returns its path. */
function aKubeconfig(parts: { cluster?: object; user?: object; context?: string } = {}): string {
  const name = parts.context ?? 'main';
  const path = join(directory, `config-${++files}`);
  const cluster = { server: 'https://127.0.0.1:6443', ...parts.cluster };
  const config = {
    'current-context': name,
    clusters: [{ name, cluster }],
    users: [{ name, user: parts.user ?? {} }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'shop' } }],
  };
  writeFileSync(path, stringify(config));
  return path;
}

function aPlugin(script: string): string {
  const path = join(directory, `plugin-${++files}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('certificates are read inline or from files beside the kubeconfig', async () => {
  writeFileSync(join(directory, 'client.key'), 'KEY');
  const path = aKubeconfig({
    cluster: { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
    user: { 'client-certificate-data': base64('CERT'), 'client-key': 'client.key' },
  });
  const access = fromKubeconfig({ runtime, path });
  assert.equal(access.server, 'https://127.0.0.1:6443');
  assert.equal(access.namespace, 'shop');
  assert.deepEqual(access.tls, {
    certificateAuthority: 'CA',
    serverName: 'kubernetes',
    insecureSkipVerify: undefined,
  });
  const credential = await access.credential();
  assert.deepEqual([credential.certificate, credential.key], ['CERT', 'KEY']);
});

test('several files count as one, the first to name something wins', async () => {
  const first = aKubeconfig({ context: 'one', user: { token: 'first' } });
  const second = aKubeconfig({ context: 'two', user: { token: 'second' } });
  const environment = {
    KUBECONFIG: [first, join(directory, 'missing'), second].join(delimiter),
    KUBERNETES_SERVICE_HOST: '10.0.0.1',
  };
  const current = await findCluster({ runtime, environment }).credential();
  assert.equal(current.authorization, 'Bearer first');
  const other = await findCluster({ runtime, environment, context: 'two' }).credential();
  assert.equal(other.authorization, 'Bearer second');
});

test('a wrong context is answered with those there are', () => {
  const path = aKubeconfig();
  assert.throws(
    () => fromKubeconfig({ runtime, path, context: 'nope' }),
    /no context named "nope" \(it has: main\)/,
  );
  assert.throws(() => fromKubeconfig({ runtime, path: '/nowhere' }), /no kubeconfig at \/nowhere/);
});

test('a file that is not YAML is refused without quoting it', () => {
  const path = join(directory, 'broken');
  writeFileSync(path, 'users: [{token: my-secret-token');
  assert.throws(
    () => fromKubeconfig({ runtime, path }),
    (error: Error) => /not valid YAML/.test(error.message) && !/secret/.test(error.message),
  );
});

test('a token file is read again after a minute, and at once when it was rejected', async () => {
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, 'one\n');
  const access = fromKubeconfig({ runtime, path: aKubeconfig({ user: { tokenFile } }) });
  const token = async (): Promise<string | undefined> => (await access.credential()).authorization;
  assert.equal(await token(), 'Bearer one');
  writeFileSync(tokenFile, 'two');
  assert.equal(await token(), 'Bearer one');
  await clock.advance(60_000);
  assert.equal(await token(), 'Bearer two');
  writeFileSync(tokenFile, 'three');
  access.rejected();
  assert.equal(await token(), 'Bearer three');
  rmSync(tokenFile);
  await clock.advance(60_000);
  assert.equal(await token(), 'Bearer three');
});

test('a plugin runs once until its credential expires', async () => {
  const apiVersion = 'client.authentication.k8s.io/v1';
  const expiry = new Date(clock.now() + 3_600_000).toISOString();
  const log = join(directory, 'plugin-runs');
  const command = aPlugin(`
    echo "$CLUSTER_HINT $KUBERNETES_EXEC_INFO" >> ${log}
    echo '{"apiVersion":"${apiVersion}","kind":"ExecCredential",'
    echo '"status":{"token":"t'$(wc -l < ${log})'","expirationTimestamp":"${expiry}"}}'`);
  const exec = {
    apiVersion,
    command,
    env: [{ name: 'CLUSTER_HINT', value: 'here' }],
    provideClusterInfo: true,
  };
  const access = fromKubeconfig({ runtime, path: aKubeconfig({ user: { exec } }) });
  const [one, same] = await Promise.all([access.credential(), access.credential()]);
  assert.equal(one.authorization, 'Bearer t1');
  assert.equal(same.authorization, 'Bearer t1');
  await clock.advance(3_600_000);
  assert.equal((await access.credential()).authorization, 'Bearer t2');
});

test('a plugin that fails is reported without its output', async () => {
  const path = aKubeconfig({
    user: {
      exec: { command: aPlugin('echo secret-token; exit 3'), installHint: 'Install it.' },
    },
  });
  const error = await fromKubeconfig({ runtime, path })
    .credential()
    .then(
      () => assert.fail('no credential was to be had'),
      (thrown: Error) => thrown,
    );
  assert.match(error.message, /failed \(3\)\. Install it\./);
  assert.doesNotMatch(error.message, /secret-token/);
});

test('inside a pod the service account is used', async () => {
  const mounted = join(directory, 'serviceaccount');
  mkdirSync(mounted);
  for (const [name, text] of [
    ['ca.crt', 'CA'],
    ['namespace', 'poolkeeper\n'],
    ['token', 'pod-token'],
  ] as const)
    writeFileSync(join(mounted, name), text);
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const access = inCluster({ runtime, environment }, mounted);
  assert.equal(access.server, 'https://[fd00::1]:443');
  assert.equal(access.namespace, 'poolkeeper');
  assert.equal((await access.credential()).authorization, 'Bearer pod-token');
});
