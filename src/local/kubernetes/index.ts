// Starts the embedded Kubernetes API: an in-memory server that kubectl, the operator and the
// tests talk to as to a real one. It listens on loopback only.
import type { Runtime } from '../../runtime/index.ts';
import type { User } from './authentication/user.ts';
import type { AuthorizationMode } from './authorization/authorizer.ts';
import { SERVER_VERSION } from './discovery/version.ts';
import { makeCertificate } from './http/certificates.ts';
import { listen } from './http/http-server.ts';
import { kubeconfigText } from './http/kubeconfig.ts';
import { KubernetesServer } from './server.ts';

/** As `kubectl version` shows it. */
export const kubernetesVersion = SERVER_VERSION.gitVersion;

export interface EmbeddedKubernetesOptions {
  readonly runtime: Runtime;
  /** 0 or absent takes any free port. */
  readonly port?: number;
  /** TLS with a certificate authority of its own; plain HTTP when false. Default true. */
  readonly tls?: boolean;
  /** Where objects outlive the process; in memory only when absent. */
  readonly dataDirectory?: string;
  /** Who may do what: everybody everything (the default), or what the stored roles say. */
  readonly authorization?: AuthorizationMode;
  /** CustomResourceDefinitions to create at the start. */
  readonly crds?: readonly object[];
}

export interface EmbeddedKubernetes {
  readonly url: string;
  /** YAML; its user is an administrator. */
  readonly kubeconfig: string;
  /** PEM, absent without TLS. */
  readonly caCertificate: string | undefined;
  /** The bearer token of a user, given by name or in full; the same each time for one name. */
  token(user: string | User): string;
  readonly server: KubernetesServer;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const ADMINISTRATOR: User = { username: 'kubernetes-admin', groups: ['system:masters'] };

export async function startEmbeddedKubernetes(
  options: EmbeddedKubernetesOptions,
): Promise<EmbeddedKubernetes> {
  const { runtime, port = 0, tls = true, crds = [], dataDirectory, authorization } = options;
  const server = new KubernetesServer(runtime, { dataDirectory, authorization });
  const certificate = tls ? makeCertificate(runtime.clock, runtime.random) : undefined;
  const front = await listen((request) => server.handle(request), {
    host: HOST,
    port,
    certificate,
  }).catch((error: unknown) => {
    server.close();
    throw error;
  });
  const url = `${tls ? 'https' : 'http'}://${HOST}:${front.port}`;
  const administratorToken = server.authenticator.issue(ADMINISTRATOR);
  for (const definition of crds) await install(server, administratorToken, definition);
  return {
    url,
    caCertificate: certificate?.authority,
    kubeconfig: kubeconfigText({
      url,
      caCertificate: certificate?.authority,
      token: administratorToken,
    }),
    token: (user) =>
      server.authenticator.issue(typeof user === 'string' ? { username: user, groups: [] } : user),
    server,
    async close() {
      server.close();
      await front.close();
    },
  };
}

/** Creates the definition, or brings the one kept from an earlier run up to date. */
async function install(server: KubernetesServer, token: string, definition: object): Promise<void> {
  const { name } = (definition as { metadata: { name: string } }).metadata;
  const response = await server.handle({
    method: 'PATCH',
    path: `${DEFINITIONS}/${name}?fieldManager=poolkeeper-local&force=true`,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/apply-patch+yaml',
    },
    body: JSON.stringify(definition),
  });
  if (response.status >= 300) {
    throw new Error(`the CustomResourceDefinition ${name} was refused: ${String(response.body)}`);
  }
}

export { ConnectionLost, type Fault, type FaultEffect, type FaultMatch } from './faults.ts';
export type { ApiRequest, ApiResponse } from './request.ts';
export { isWrite, type RequestFacts, type RequestRecord } from './request-log.ts';
export { KubernetesServer } from './server.ts';
