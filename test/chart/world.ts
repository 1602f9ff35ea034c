// A cluster on which the chart is installed, with the rights and policies enforced: the operator and
// the agents run with the tokens of their pods, and may do what these may, nothing more.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgent } from '../../src/agent/index.ts';
import { createAzureCloud, createCredential } from '../../src/azure/index.ts';
import { applyExamples, type Example, readExamples } from '../../src/cli/examples.ts';
import { type Operator, startOperator } from '../../src/cli/operator.ts';
import { type ClusterAccess, connectKubernetes, type Kubernetes } from '../../src/kube/index.ts';
import { startArtifactServer } from '../../src/local/artifact-server.ts';
import {
  defaultLocation,
  defaultResourceGroup,
  defaultSubscriptionId,
  startSimulatedAzure,
} from '../../src/local/azure/index.ts';
import { defaultHosts } from '../../src/local/hosts/index.ts';
import {
  type EmbeddedKubernetes,
  type RequestRecord,
  startEmbeddedKubernetes,
} from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { createLog } from '../../src/runtime/log.ts';
import { chart, helm } from './helm.ts';

export const NAMESPACE = 'poolkeeper-system';
const SPEED = 200;

interface TokenAnswer {
  readonly status: { readonly token: string };
}

export class InstalledWorld {
  readonly runtime = createRuntime({ log: createLog('silent') });
  readonly refusals: RequestRecord[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  #kubernetes!: EmbeddedKubernetes;
  #admin!: Kubernetes;

  static async start(): Promise<InstalledWorld> {
    const world = new InstalledWorld();
    const { runtime } = world;
    const kubernetes = await startEmbeddedKubernetes({
      runtime,
      authorization: 'RBAC',
    });
    world.#kubernetes = kubernetes;
    world.#closers.push(() => kubernetes.close());
    kubernetes.server.requests.subscribe((record) => {
      const isOurs = record.user.startsWith(`system:serviceaccount:${NAMESPACE}:`);
      if (isOurs && [401, 403].includes(record.code)) world.refusals.push(record);
    });
    const root = kubernetes.token({ username: 'root', groups: ['system:masters'] });
    world.#admin = connectKubernetes({ runtime, to: world.access(root), component: 'test' });
    world.#closers.push(() => world.#admin.close());
    await world.#install().catch(async (error: unknown) => {
      await world.stop();
      throw error;
    });
    return world;
  }

  get client(): Kubernetes['client'] {
    return this.#admin.client;
  }

  async #install(): Promise<void> {
    const file = join(mkdtempSync(join(tmpdir(), 'poolkeeper-rights-')), 'kubeconfig');
    // Helm reads the administrator's configuration, as people do.
    writeFileSync(file, this.#kubernetes.kubeconfig);
    const args = ['install', 'poolkeeper', chart, '-n', NAMESPACE, '--create-namespace'];
    const { code, stderr } = await helm('helm 4', args, file);
    if (code !== 0) throw new Error(stderr);
  }

  /** Tells of every version of every object, as watches would. */
  onCommit(listener: (object: { readonly kind: string }) => void): void {
    this.#kubernetes.server.store.onCommit((_shelf, { object }) => listener(object));
  }

  access(token: string): ClusterAccess {
    return {
      server: this.#kubernetes.url,
      tls: { certificateAuthority: this.#kubernetes.caCertificate },
      namespace: NAMESPACE,
      credential: async () => ({ authorization: `Bearer ${token}` }),
      rejected: () => {},
    };
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

  async startAgents(): Promise<void> {
    for (const host of defaultHosts(this.runtime, { speed: SPEED })) {
      const { nodeName } = host;
      const labels = { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux' };
      const metadata = { name: nodeName, labels };
      await this.client.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata });
      const to = this.access(await this.podToken('poolkeeper-agent', nodeName));
      const agent = startAgent({ runtime: this.runtime, to, host, nodeName, namespace: NAMESPACE });
      this.#closers.push(() => agent.stop());
    }
  }

  async startOperator(): Promise<Operator> {
    const { runtime } = this;
    const azure = await startSimulatedAzure({
      runtime,
      speed: SPEED,
      throttling: { scale: SPEED },
      snapshots: [{ id: GOLDEN, sizeGigabytes: 32, content: 'golden-v1' }],
    });
    const artifacts = await startArtifactServer();
    const operator = startOperator({
      runtime,
      access: this.access(await this.podToken('poolkeeper-controller', 'node-1')),
      cloud: createAzureCloud({
        runtime,
        credential: await createCredential({ kind: 'Simulated' }),
        endpoint: azure.url,
        userAgent: 'poolkeeper/test',
      }),
      namespace: NAMESPACE,
      installation: 'test',
      defaults: {
        subscriptionId: defaultSubscriptionId,
        resourceGroup: defaultResourceGroup,
        location: defaultLocation,
      },
      pollPace: SPEED,
      identity: 'test',
      leaderElect: true,
      tcpProbe: { isOpen: async () => true },
      probeLoopback: true,
      httpHostAliases: { 'artifacts.example': artifacts.address },
      onLost: () => {},
    });
    this.#closers.push(
      () => azure.close(),
      () => artifacts.close(),
      () => operator.stop(),
    );
    await operator.working;
    return operator;
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

  async stop(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }
}

const GOLDEN = `/subscriptions/${defaultSubscriptionId}/resourceGroups/${defaultResourceGroup}/providers/Microsoft.Compute/snapshots/golden-v1`;
