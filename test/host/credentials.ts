// Lets the agent in the machine ask for credentials as it does in a cluster: over TLS, with a token that
// is bound to a pod of its node.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveCredentials } from '../../src/cli/credentials-server.ts';
import type { LocalEnvironment } from '../../src/cli/local-environment.ts';
import { AGENT_SERVICE_ACCOUNT, CREDENTIALS_AUDIENCE } from '../../src/cli/operator.ts';
import type { Runtime } from '../../src/runtime/index.ts';

const NAMESPACE = 'poolkeeper-system';

/** Resolves with the agent's flags. `directory` is what the machine sees as /run/vm/state. */
export async function serveCredentialsTo(
  directory: string,
  nodeName: string,
  { environment, runtime }: { environment: LocalEnvironment; runtime: Runtime },
): Promise<{ flags: string; close(): Promise<void> }> {
  const [certificateFile, keyFile] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const subject = ['-subj', '/CN=credentials', '-addext', 'subjectAltName=IP:10.0.2.2'];
  const files = ['-keyout', keyFile, '-out', certificateFile];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'ignore' });
  const server = await serveCredentials({
    address: '127.0.0.1:0',
    certificateFile,
    keyFile,
    handOut: environment.operator!.handOut,
    clock: runtime.clock,
    log: runtime.log,
  });
  writeFileSync(join(directory, 'token'), await tokenOf(environment, nodeName), { mode: 0o600 });
  const url = server.url.replace('127.0.0.1', '10.0.2.2');
  const state = '/run/vm/state';
  return {
    flags: `--credentials-url ${url} --credentials-ca ${state}/tls.crt --credentials-token ${state}/token`,
    close: () => server.close(),
  };
}

async function tokenOf({ client }: LocalEnvironment, nodeName: string): Promise<string> {
  const core = `/api/v1/namespaces/${NAMESPACE}`;
  const name = AGENT_SERVICE_ACCOUNT;
  await client.post(`${core}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name },
  });
  const pod = await client.post<{ metadata: { uid: string } }>(`${core}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      nodeName,
      serviceAccountName: name,
      containers: [{ name: 'agent', image: 'poolkeeper' }],
    },
  });
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid };
  const spec = { audiences: [CREDENTIALS_AUDIENCE], expirationSeconds: 7200, boundObjectRef };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const path = `${core}/serviceaccounts/${name}/token`;
  const answer = await client.post<{ status: { token: string } }>(path, request);
  return answer.status.token;
}
