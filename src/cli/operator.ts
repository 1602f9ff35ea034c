// Puts the operator together: connection, caches, leadership, controllers. Used by the controller
// process and by the local environment, which therefore run exactly the same thing.

import type { AzureCloud } from '../azure/port.ts';
import { addressRules } from '../backends/index.ts';
import type { ControllerContext } from '../controllers/context.ts';
import { createHandOut, type HandOut } from '../controllers/credentials/index.ts';
import {
  type RunningControllers,
  type StartOptions,
  startControllers,
} from '../controllers/index.ts';
import { exposeBackendMetrics } from '../controllers/observation/backend-metrics.ts';
import { exposePoolMetrics } from '../controllers/observation/pool-metrics.ts';
import { type PoolFilter, reportPools } from '../controllers/observation/pool-report.ts';
import { exposeStorageMetrics } from '../controllers/observation/storage-metrics.ts';
import { createBackendProber } from '../controllers/storage-backend/index.ts';
import { createSources, viewsOf } from '../controllers/stores.ts';
import type { TcpProbe } from '../controllers/tcp-probe.ts';
import { fixedTenancy, type TenancySource } from '../controllers/tenancy.ts';
import type { HistorySink } from '../history/port.ts';
import { createEventRecorder } from '../kube/events.ts';
import {
  type Caches,
  type ClusterAccess,
  connectKubernetes,
  type Transport,
} from '../kube/index.ts';
import { type LeaderElection, runLeaderElection } from '../kube/leader-election.ts';
import { createLeaseStore } from '../kube/lease-store.ts';
import type { InstallationDefaults } from '../plan/pool-scope.ts';
import { assert } from '../runtime/assert.ts';
import { formatTime } from '../runtime/clock.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { apiServerAddresses } from './address-setting.ts';
import { DEFAULT_LEASE_NAME } from './namespace-settings.ts';
import { version } from './version.ts';

export interface OperatorOptions {
  readonly runtime: Runtime;
  /** Where the cluster is, or a transport to one in this process. */
  readonly access: ClusterAccess | Transport;
  readonly cloud: AzureCloud;
  /** The operator's own namespace: its lease lives there. */
  readonly namespace: string;
  /** Where the agents and their heartbeats are; absent: in the operator's own namespace. */
  readonly agentNamespace?: string;
  /** The only namespaces that are obeyed; absent or empty: all of them. */
  readonly watchNamespaces?: readonly string[];
  /** Operators of different namespaces need one each. */
  readonly leaseName?: string;
  readonly installation: string;
  readonly defaults: InstallationDefaults;
  /** What the pools of each namespace may name in Azure; absent: what the installation itself uses. */
  readonly tenancy?: TenancySource;
  readonly pollPace: number;
  /** Unique per process: host name and a random part. */
  readonly identity: string;
  /** False: act at once without holding the lease. For a single process only. */
  readonly leaderElect: boolean;
  /** `host name → ip:port`, for HTTP probes of the local environment and of tests. */
  readonly httpHostAliases?: Readonly<Record<string, string>>;
  /** How it is found out whether a guest's port answers; by connecting to it when absent. */
  readonly tcpProbe?: TcpProbe;
  /** Whether HTTP backends may be on the operator's own machine. */
  readonly probeLoopback: boolean;
  /** What backends may not be on, and what they may be on although it lies in the cluster. */
  readonly refusedAddresses?: readonly string[];
  readonly allowedAddresses?: readonly string[];
  /** Whom credentials are handed to; absent: the service account `poolkeeper-agent`. */
  readonly credentials?: CredentialsSettings;
  /** Where what happens is kept for later; absent: nowhere. */
  readonly history?: HistorySink;
  /** Leadership was lost: the process must end before it touches anything else. */
  readonly onLost: () => void;
}

export interface CredentialsSettings {
  /** Of the tokens that agents show. */
  readonly audience?: string;
  /** Name of their service account, in their namespace. */
  readonly agentServiceAccount?: string;
}

export const CREDENTIALS_AUDIENCE = 'poolkeeper-credentials';
export const AGENT_SERVICE_ACCOUNT = 'poolkeeper-agent';

export interface Operator {
  /** Caches synced and, as leader or alone, at work. Rejects when stopped before. */
  readonly working: Promise<void>;
  health(): OperatorHealth;
  /** What it knows and is about to do, as plain data without secrets. */
  report(filter: PoolFilter): object;
  /** Answers agents that ask for credentials; also as a standby. */
  readonly handOut: HandOut;
  /** Stops controllers, then gives the lease back. */
  stop(): Promise<void>;
}

export interface OperatorHealth {
  readonly synced: boolean;
  readonly role: 'leader' | 'standby';
  /** Kinds whose watch has been silent for suspiciously long. */
  readonly silent: readonly string[];
  readonly watched: number;
}

/** Watches carry a bookmark every minute; three missed ones are not a quiet cluster any more. */
const SILENCE_MILLISECONDS = 240_000;

export function startOperator(options: OperatorOptions): Operator {
  const { runtime, access, namespace, identity } = options;
  const kubernetes = connectKubernetes({ runtime, to: access, component: 'controller', version });
  const agentNamespace = options.agentNamespace ?? namespace;
  const sources = createSources(kubernetes.caches, agentNamespace, options.watchNamespaces);
  const events = createEventRecorder({
    runtime,
    client: kubernetes.client,
    reportingController: 'poolkeeper.dev/controller',
    reportingInstance: identity,
  });
  const stopping = new AbortController();
  const leadership = Promise.withResolvers<void>();
  const election = options.leaderElect
    ? elect(options, kubernetes.connection, leadership)
    : undefined;
  if (!election) leadership.resolve();
  // Who gives the lease back is seen at once where the leases are watched, and not at the next turn.
  sources.leases.subscribe((_, { metadata, spec }) => {
    const isFree =
      !spec?.holderIdentity && metadata.name === (options.leaseName ?? DEFAULT_LEASE_NAME);
    if (isFree && metadata.namespace === namespace) election?.look();
  });

  const reflecting = kubernetes.caches.start(stopping.signal);
  const working = Promise.all([
    kubernetes.caches.whenSynced(stopping.signal),
    leadership.promise,
  ]).then(() => {});
  working.catch(() => {});
  const state = { isWorking: false };
  void working.then(
    () => {
      state.isWorking = true;
    },
    () => {},
  );
  const stores = viewsOf(sources);
  exposeBackendMetrics({ context: { runtime, stores }, isWorking: () => state.isWorking });
  exposePoolMetrics({ context: { runtime, stores }, sources, isWorking: () => state.isWorking });
  exposeStorageMetrics({ context: { runtime, stores }, isWorking: () => state.isWorking });
  const controllers = startWork(options, {
    context: { client: kubernetes.client, stores, events },
    sources,
    ...(options.tcpProbe ? { tcpProbe: options.tcpProbe } : {}),
    urgentClient: kubernetes.urgentClient,
    startWhen: working,
  });
  const health = (): OperatorHealth => healthOf(kubernetes.caches, election);
  const { audience, agentServiceAccount } = options.credentials ?? {};
  return {
    working,
    health,
    handOut: createHandOut({
      runtime,
      client: kubernetes.client,
      stores,
      audience: audience ?? CREDENTIALS_AUDIENCE,
      agentUsername: `system:serviceaccount:${agentNamespace}:${agentServiceAccount ?? AGENT_SERVICE_ACCOUNT}`,
      isSynced: () => kubernetes.caches.health().every(({ synced }) => synced),
    }),
    report: (filter) => ({
      time: formatTime(runtime.clock.now()),
      version,
      installation: options.installation,
      watchNamespaces: options.watchNamespaces ?? [],
      identity,
      role: health().role,
      working: state.isWorking,
      caches: kubernetes.caches.health(),
      queues: controllers.queues(),
      pools: reportPools(stores, filter, runtime.clock.now()),
    }),
    stop: async () => {
      state.isWorking = false;
      await controllers.stop();
      stopping.abort(new PoolkeeperError('Stopping', 'the operator is stopping'));
      leadership.reject(new PoolkeeperError('Stopping', 'the operator is stopping'));
      // Only now, when nothing of ours is under way any more, may another take over.
      await election?.stop();
      await events.flush();
      await reflecting;
      await kubernetes.close();
    },
  };
}

function startWork(
  options: OperatorOptions,
  parts: Pick<StartOptions, 'sources' | 'startWhen' | 'urgentClient'> & {
    readonly context: Pick<ControllerContext, 'client' | 'stores' | 'events'>;
  },
): RunningControllers {
  const { runtime, access, namespace, installation, cloud, defaults, pollPace } = options;
  return startControllers({
    context: {
      ...parts.context,
      runtime,
      cloud,
      namespace,
      ...(options.watchNamespaces && { watchNamespaces: options.watchNamespaces }),
      installation,
      defaults,
      tenancy: options.tenancy ?? fixedTenancy({ defaults, namespaces: {} }),
      pollPace,
      ...(options.history && { history: options.history }),
    },
    sources: parts.sources,
    ...(parts.urgentClient && { urgentClient: parts.urgentClient }),
    backendProber: createBackendProber({
      clock: runtime.clock,
      rules: addressRules({
        probeLoopback: options.probeLoopback,
        apiServerAddresses: 'server' in access ? apiServerAddresses(access.server) : [],
        clusterNetworks: () => podNetworks(parts.sources),
        refusedAddresses: options.refusedAddresses,
        allowedAddresses: options.allowedAddresses,
      }),
      hostAliases: options.httpHostAliases ?? {},
    }),
    startWhen: parts.startWhen,
  });
}

/** As far as the cluster tells: not every network plugin gives its nodes networks of their own. */
function podNetworks({ nodes }: StartOptions['sources']): string[] {
  return nodes.list().flatMap(({ spec }) => spec?.podCIDRs ?? []);
}

function healthOf(caches: Caches, election: LeaderElection | undefined): OperatorHealth {
  const health = caches.health();
  return {
    synced: health.every(({ synced }) => synced),
    role: !election || election.isLeader() ? 'leader' : 'standby',
    silent: health
      .filter(({ silentMilliseconds }) => (silentMilliseconds ?? 0) > SILENCE_MILLISECONDS)
      .map(({ resource }) => resource),
    watched: health.length,
  };
}

function elect(
  { runtime, namespace, leaseName: name = DEFAULT_LEASE_NAME, identity, onLost }: OperatorOptions,
  connection: Parameters<typeof createLeaseStore>[0],
  leadership: PromiseWithResolvers<void>,
): LeaderElection {
  leadership.promise.catch(() => {});
  assert(identity !== '', 'a leader election needs an identity');
  return runLeaderElection({
    runtime,
    leases: createLeaseStore(connection, { namespace, name }),
    name,
    identity,
    onStartedLeading: () => {
      runtime.log.info('leading', { identity });
      leadership.resolve();
    },
    onStoppedLeading: (cause) => {
      runtime.log.info('no longer leading', { identity, cause });
      if (cause === 'lost') onLost();
    },
  });
}
