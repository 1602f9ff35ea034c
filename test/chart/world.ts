// A cluster on which the chart is installed, with its roles and policies enforced: the operator and the
// agents run as the service accounts of their pods, and may do what these may, nothing more.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyExamples, type Example, readExamples } from '../../src/cli/examples.ts';
import {
  LOCAL_NAMESPACE,
  type LocalEnvironment,
  startLocalEnvironment,
} from '../../src/cli/local-environment.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import type { EmbeddedKubernetes, RequestRecord } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { createLog } from '../../src/runtime/log.ts';
import { chart, helm } from './helm.ts';

export const NAMESPACE = LOCAL_NAMESPACE;
const SPEED = 200;

interface TokenAnswer {
  readonly status: { readonly token: string };
}

export interface InstalledOptions {
  /** Whether the operator and the agents run. Default true. */
  readonly running?: boolean;
  /** The only namespaces that the operator may see; default: all of them. They are made. */
  readonly watchNamespaces?: readonly string[];
}

/** Roles are made in them, and so they are there first. */
async function makeNamespaces(
  { server, token }: EmbeddedKubernetes,
  names: readonly string[],
): Promise<void> {
  const administrator = token({ username: 'root', groups: ['system:masters'] });
  for (const name of names) {
    await server.handle({
      method: 'POST',
      path: '/api/v1/namespaces',
      headers: { authorization: `Bearer ${administrator}`, 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    });
  }
}

export class InstalledWorld {
  /** What the operator and the agents were refused for want of a right. */
  readonly refusals: RequestRecord[] = [];
  #kubernetes!: EmbeddedKubernetes;
  #environment!: LocalEnvironment;

  static async start(options: InstalledOptions = {}): Promise<InstalledWorld> {
    const { running = true, watchNamespaces = [] } = options;
    const world = new InstalledWorld();
    world.#environment = await startLocalEnvironment({
      runtime: createRuntime({ log: createLog('silent') }),
      port: 0,
      azurePort: 0,
      azureSpeed: SPEED,
      withController: running,
      withAgents: running,
      authorization: 'RBAC',
      leaderElect: true,
      watchNamespaces,
      prepare: (kubernetes) => world.#install(kubernetes, watchNamespaces),
    });
    return world;
  }

  get client(): KubeClient {
    return this.#environment.client;
  }

  async #install(kubernetes: EmbeddedKubernetes, watched: readonly string[]): Promise<void> {
    this.#kubernetes = kubernetes;
    kubernetes.server.requests.subscribe((record) => {
      const isOurs = record.user.startsWith(`system:serviceaccount:${NAMESPACE}:`);
      if (isOurs && [401, 403].includes(record.code)) this.refusals.push(record);
    });
    const file = join(mkdtempSync(join(tmpdir(), 'poolkeeper-rights-')), 'kubeconfig');
    // Helm reads the administrator's configuration, as people do. The kinds are there already.
    writeFileSync(file, kubernetes.kubeconfig);
    const where = ['-n', NAMESPACE, '--create-namespace', '--set', 'crds.enabled=false'];
    if (watched.length > 0) where.push('--set', `watchNamespaces={${watched.join(',')}}`);
    await makeNamespaces(kubernetes, watched);
    const { code, stderr } = await helm('helm 4', ['install', 'poolkeeper', chart, ...where], file);
    if (code !== 0) throw new Error(stderr);
  }

  /** Tells of every version of every object, as watches would. */
  onCommit(listener: (object: { readonly kind: string }) => void): void {
    this.#kubernetes.server.store.onCommit((_shelf, { object }) => listener(object));
  }

  /** The token that the kubelet would mount into a pod of this account on this node. */
  async podToken(account: string, nodeName: string): Promise<string> {
    const name = `${account}-${nodeName}`;
    const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
    const pod = await this.client.post<{ metadata: { uid: string } }>(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { nodeName, serviceAccountName: account, containers: [{ name: 'c', image: 'i' }] },
    });
    const { uid } = pod.metadata;
    return this.#token(account, { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uid } });
  }

  /** A token of the same account that was made by hand and names no node. */
  looseToken(account: string): Promise<string> {
    return this.#token(account, {});
  }

  async #token(account: string, spec: object): Promise<string> {
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
    const { status } = await this.client.post<TokenAnswer>(path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec,
    });
    return status.token;
  }

  async applyExamples(): Promise<readonly Example[]> {
    const examples = readExamples();
    await applyExamples(this.client, examples);
    return examples;
  }

  /** A raw request with somebody's token. */
  async request(token: string, method: string, path: string, body?: object) {
    const answer = await this.#kubernetes.server.handle({
      method,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { code: answer.status, text: String(answer.body) };
  }

  stop(): Promise<void> {
    return this.#environment.stop();
  }
}
