// Finds the cluster: kubeconfig files as kubectl reads them, or the service account of a pod.
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Runtime } from '../runtime/index.ts';
import type { ClusterAccess } from './cluster-access.ts';
import {
  type CredentialSource,
  execCredential,
  fixedCredential,
  tokenFileCredential,
} from './credentials.ts';
import {
  type ClusterEntry,
  configError,
  findEntry,
  mergeFiles,
  type Named,
  pem,
  readText,
  type UserEntry,
} from './kubeconfig-file.ts';

export interface KubeconfigOptions {
  readonly runtime: Runtime;
  /** `--kubeconfig`: this file alone. Otherwise $KUBECONFIG, then ~/.kube/config. */
  readonly path?: string | undefined;
  /** `--context`; otherwise the current one. */
  readonly context?: string | undefined;
  /** Default: this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A given kubeconfig, else the pod's service account, else the user's kubeconfig. */
export function findCluster(options: KubeconfigOptions): ClusterAccess {
  const environment = options.environment ?? process.env;
  const explicit = options.path ?? environment['KUBECONFIG'];
  if (!explicit && !options.context && environment['KUBERNETES_SERVICE_HOST'])
    return inCluster(options);
  return fromKubeconfig(options);
}

/** Inside a pod: the service account's token, re-read as it rotates. */
export function inCluster(
  options: KubeconfigOptions,
  directory: string = SERVICE_ACCOUNT,
): ClusterAccess {
  const environment = options.environment ?? process.env;
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (!host) throw configError('KUBERNETES_SERVICE_HOST is not set: this is not a pod');
  const name = host.includes(':') ? `[${host}]` : host;
  return access(
    `https://${name}:${port}`,
    { certificateAuthority: readText(join(directory, 'ca.crt')) },
    readText(join(directory, 'namespace')).trim(),
    tokenFileCredential(join(directory, 'token'), options.runtime.clock),
  );
}

export function fromKubeconfig(options: KubeconfigOptions): ClusterAccess {
  const config = mergeFiles(kubeconfigPaths(options));
  const contextName = options.context ?? config.currentContext;
  if (!contextName) throw configError('the kubeconfig has no current context; use --context');
  const context = findEntry(config.contexts, contextName, 'context');
  const cluster = findEntry(config.clusters, context.value.cluster ?? '', 'cluster');
  const user = context.value.user ? findEntry(config.users, context.value.user, 'user') : undefined;
  const { value } = cluster;
  if (!value.server) throw configError(`the cluster ${cluster.name} has no server`);
  if (value['proxy-url']) throw configError('proxy-url in a kubeconfig is not supported');
  return access(
    value.server,
    {
      certificateAuthority: pem(cluster, 'certificate-authority'),
      serverName: value['tls-server-name'],
      insecureSkipVerify: value['insecure-skip-tls-verify'],
    },
    context.value.namespace ?? 'default',
    user ? credentialOf(user, cluster, options) : fixedCredential({}),
  );
}

function access(
  server: string,
  tls: ClusterAccess['tls'],
  namespace: string,
  source: CredentialSource,
): ClusterAccess {
  return { server, tls, namespace, credential: source.get, rejected: source.rejected };
}

function credentialOf(
  user: Named<UserEntry>,
  cluster: Named<ClusterEntry>,
  options: KubeconfigOptions,
): CredentialSource {
  const { value } = user;
  const clock = options.runtime.clock;
  const certificate = pem(user, 'client-certificate');
  const key = pem(user, 'client-key');
  if (value['auth-provider'])
    throw configError(`the user ${user.name} needs an auth-provider; use an exec plugin instead`);
  if (value.exec) {
    const environment = options.environment ?? process.env;
    const settings = { ...value.exec, directory: user.directory };
    const { server, 'insecure-skip-tls-verify': insecure } = cluster.value;
    const authority = pem(cluster, 'certificate-authority');
    const described = {
      server,
      ...(insecure && { 'insecure-skip-tls-verify': true }),
      ...(authority && {
        'certificate-authority-data': Buffer.from(authority).toString('base64'),
      }),
    };
    return execCredential(settings, { clock, environment, cluster: described, run: runPlugin });
  }
  if (value.tokenFile) return tokenFileCredential(resolve(user.directory, value.tokenFile), clock);
  const basic = value.username && `${value.username}:${value.password ?? ''}`;
  const authorization = value.token
    ? `Bearer ${value.token}`
    : basic && `Basic ${Buffer.from(basic).toString('base64')}`;
  return fixedCredential({ authorization, certificate, key });
}

function runPlugin(
  command: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return new Promise((fulfil, reject) => {
    execFile(
      command,
      [...argv],
      { env: { ...environment }, maxBuffer: 1024 * 1024, timeout: 60_000 },
      // The plugin's output may hold a token: only its exit is told.
      (error, stdout) => {
        if (!error) fulfil(stdout);
        else reject(new Error(`${command} failed (${error.code ?? error.signal ?? 'unknown'})`));
      },
    );
  });
}

function kubeconfigPaths(options: KubeconfigOptions): readonly string[] {
  if (options.path) return [options.path];
  const environment = options.environment ?? process.env;
  const listed = environment['KUBECONFIG']?.split(delimiter).filter((path) => path !== '');
  if (listed && listed.length > 0) return listed;
  return [join(environment['HOME'] ?? homedir(), '.kube', 'config')];
}
