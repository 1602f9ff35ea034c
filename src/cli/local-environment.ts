// The whole product in one process: embedded Kubernetes API, simulated Azure, three simulated nodes,
// the controller and one agent per node. They talk over loopback, exactly as on a cluster.
import { join } from 'node:path';
import { startAgent } from '../agent/index.ts';
import { namespaces } from '../api/built-in.ts';
import { customResourceDefinitions } from '../api/crd/index.ts';
import { createAzureCloud, createCredential } from '../azure/index.ts';
import { type ClusterAccess, connectKubernetes, type KubeClient } from '../kube/index.ts';
import { startArtifactServer } from '../local/artifact-server.ts';
import {
  defaultLocation,
  defaultResourceGroup,
  defaultSubscriptionId,
  type RunningAzure,
  type SimulatedAzure,
  startSimulatedAzure,
} from '../local/azure/index.ts';
import { defaultHosts, keepHosts, simulatedNetworkProber } from '../local/hosts/index.ts';
import { type EmbeddedKubernetes, startEmbeddedKubernetes } from '../local/kubernetes/index.ts';
import { NodeMachines } from '../local/node-machines.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { createIfAbsent } from './examples.ts';
import { localCredentials, serveLocalCredentials } from './local-credentials.ts';
import { createNodes } from './local-nodes.ts';
import {
  administrator,
  grantRights,
  type LocalAuthorization,
  type LocalUser,
  partUser,
} from './local-rights.ts';
import { type Operator, startOperator } from './operator.ts';
import { SettingsError } from './settings.ts';
import { version } from './version.ts';

export interface LocalOptions {
  readonly runtime: Runtime;
  /** 0 takes any free port. */
  readonly port: number;
  readonly azurePort: number;
  readonly azureSpeed: number;
  readonly dataDirectory?: string | undefined;
  readonly withController: boolean;
  readonly withAgents: boolean;
  /** `RBAC`: the parts may do what the chart would grant them, and nothing more. */
  readonly authorization?: LocalAuthorization;
  /** As several controllers do, also where there is one. Default false. */
  readonly leaderElect?: boolean;
  /** The only namespaces that the controller obeys; absent: all of them. */
  readonly watchNamespaces?: readonly string[];
  /** What to install before anything runs; roles that it makes are not replaced by our own. */
  readonly prepare?: (kubernetes: EmbeddedKubernetes) => Promise<void>;
}

export interface LocalEnvironment {
  readonly kubeconfig: string;
  readonly kubernetesUrl: string;
  readonly azureUrl: string;
  /** An administrator's client; its caches hold nothing. */
  readonly client: KubeClient;
  readonly access: ClusterAccess;
  /** Absent when the environment runs without its controller. */
  readonly operator?: Operator;
  stop(): Promise<void>;
}

export const LOCAL_NAMESPACE = 'poolkeeper-system';
/** The host name that the HTTP backend example uses. */
const ARTIFACT_HOST = 'artifacts.example';

export async function startLocalEnvironment(options: LocalOptions): Promise<LocalEnvironment> {
  const { runtime } = options;
  const closers: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const kubernetes = await startKubernetes(options, closers);
    await options.prepare?.(kubernetes);
    const azure = await startAzure(options, closers);
    const azureUrl = azure.url;
    const accessAs = (user: LocalUser): ClusterAccess => ({
      server: kubernetes.url,
      tls: { certificateAuthority: kubernetes.caCertificate },
      namespace: 'default',
      credential: async () => ({ authorization: `Bearer ${kubernetes.token(user)}` }),
      rejected: () => {},
    });
    const access = accessAs(administrator);
    const connection = connectKubernetes({ runtime, to: access, component: 'local', version });
    closers.push(() => connection.close());
    const hosts = defaultHosts(runtime, { speed: options.azureSpeed });
    const machines = new NodeMachines({
      runtime,
      azure: azure.azure,
      subscriptionId: defaultSubscriptionId,
      resourceGroup: defaultResourceGroup,
      location: defaultLocation,
    });
    const providerIds = new Map(hosts.map((host) => [host.nodeName, machines.add(host)]));
    if (options.dataDirectory !== undefined) {
      const directory = join(options.dataDirectory, 'hosts');
      const attached = () => machines.contents();
      const end = keepHosts({ clock: runtime.clock, hosts, directory, attached });
      closers.push(async () => end());
    }
    await seed(connection.client, providerIds, runtime);
    const credentialsUrl = Promise.withResolvers<string | undefined>();
    if (options.withAgents) {
      for (const host of hosts) {
        const user = partUser('agent', LOCAL_NAMESPACE, host.nodeName);
        const agent = startAgent({
          runtime,
          to: accessAs(user),
          credentials: localCredentials(runtime, credentialsUrl.promise, () =>
            kubernetes.token(user),
          ),
          host,
          network: simulatedNetworkProber(host.machine.network, runtime.clock),
          nodeName: host.nodeName,
          namespace: LOCAL_NAMESPACE,
          version,
        });
        closers.push(() => agent.stop());
      }
    }
    const operator = options.withController
      ? await startController(
          options,
          accessAs(partUser('controller', LOCAL_NAMESPACE)),
          azure,
          closers,
        )
      : undefined;
    const credentials = operator && (await serveLocalCredentials(runtime, operator));
    if (credentials) closers.push(() => credentials.close());
    credentialsUrl.resolve(credentials?.url);
    const { kubeconfig, url: kubernetesUrl } = kubernetes;
    return {
      kubeconfig,
      kubernetesUrl,
      azureUrl,
      client: connection.client,
      access,
      ...(operator && { operator }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A port that is taken, said in the words of the setting that chose it. */
async function bound<T>(setting: string, port: number, start: Promise<T>): Promise<T> {
  try {
    return await start;
  } catch (error) {
    const taken = /EADDRINUSE|is taken/.test(messageOf(error));
    if (!taken) throw error;
    throw new SettingsError(
      `${setting}: port ${port} is taken by another program; choose another, or 0 for any free one`,
    );
  }
}

async function startKubernetes(options: LocalOptions, closers: (() => Promise<void>)[]) {
  const { runtime, port, dataDirectory } = options;
  const starting = startEmbeddedKubernetes({
    runtime,
    port,
    crds: customResourceDefinitions(),
    ...(options.authorization && { authorization: options.authorization }),
    ...(dataDirectory === undefined ? {} : { dataDirectory: join(dataDirectory, 'kubernetes') }),
  });
  const kubernetes = await bound('--port', port, starting);
  closers.push(() => kubernetes.close());
  return kubernetes;
}

async function startAzure(
  options: LocalOptions,
  closers: (() => Promise<void>)[],
): Promise<RunningAzure> {
  const { runtime, azurePort, azureSpeed, dataDirectory } = options;
  const starting = startSimulatedAzure({
    runtime,
    port: azurePort,
    speed: azureSpeed,
    // The budgets of Azure refill in real time: a faster cloud needs as much larger ones.
    throttling: { scale: azureSpeed },
    ...(dataDirectory === undefined ? {} : { dataDirectory: join(dataDirectory, 'azure') }),
    snapshots: [
      {
        id: `/subscriptions/${defaultSubscriptionId}/resourceGroups/${defaultResourceGroup}/providers/Microsoft.Compute/snapshots/golden-v1`,
        sizeGigabytes: 32,
        content: 'golden-v1',
      },
    ],
  });
  const azure = await bound('--azure-port', azurePort, starting);
  closers.push(() => azure.close());
  return azure;
}

/** After a restart with a data directory they are there already. */
async function seed(
  client: KubeClient,
  providerIds: ReadonlyMap<string, string>,
  { clock }: Runtime,
): Promise<void> {
  await createIfAbsent(client, namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: LOCAL_NAMESPACE },
  });
  await grantRights(client, LOCAL_NAMESPACE);
  await createNodes(client, providerIds, clock);
}

async function startController(
  { runtime, azureSpeed, leaderElect = false, watchNamespaces = [] }: LocalOptions,
  access: ClusterAccess,
  { url: azureUrl, azure }: RunningAzure,
  closers: (() => Promise<void>)[],
): Promise<Operator> {
  const artifacts = await startArtifactServer();
  closers.push(() => artifacts.close());
  const operator = startOperator({
    runtime,
    access,
    cloud: createAzureCloud({
      runtime,
      credential: await createCredential({ kind: 'Simulated' }),
      endpoint: azureUrl,
      userAgent: `poolkeeper/${version}`,
    }),
    namespace: LOCAL_NAMESPACE,
    watchNamespaces,
    installation: 'local',
    defaults: {
      subscriptionId: defaultSubscriptionId,
      resourceGroup: defaultResourceGroup,
      location: defaultLocation,
    },
    pollPace: azureSpeed,
    identity: 'local',
    leaderElect,
    tcpProbe: { isOpen: async (address) => isGuest(azure, address) },
    probeLoopback: true,
    httpHostAliases: { [ARTIFACT_HOST]: artifacts.address },
    onLost: () => {},
  });
  closers.push(() => operator.stop());
  return operator;
}

/** Simulated guests have no network of their own: every port of a machine that is there answers. */
function isGuest(azure: SimulatedAzure, address: string): boolean {
  return azure
    .resources()
    .some((record) => record.kind === 'networkInterface' && record.privateAddress === address);
}
