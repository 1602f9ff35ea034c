// Puts the operator together: connection, caches, leadership, controllers. Used by the controller
// process and by the local environment, which therefore run exactly the same thing.

import { isIP } from 'node:net';
import type { AzureCloud } from '../azure/port.ts';
import { startControllers } from '../controllers/index.ts';
import { createHttpProbe } from '../controllers/storage-backend/index.ts';
import { createSources, viewsOf } from '../controllers/stores.ts';
import { createEventRecorder } from '../kube/events.ts';
import { type ClusterAccess, connectKubernetes } from '../kube/index.ts';
import { type LeaderElection, runLeaderElection } from '../kube/leader-election.ts';
import { createLeaseStore } from '../kube/lease-store.ts';
import type { InstallationDefaults } from '../plan/pool-scope.ts';
import { assert } from '../runtime/assert.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { version } from './version.ts';

export interface OperatorOptions {
  readonly runtime: Runtime;
  readonly access: ClusterAccess;
  readonly cloud: AzureCloud;
  /** The operator's own namespace: leases and the agents' heartbeats live there. */
  readonly namespace: string;
  readonly installation: string;
  readonly defaults: InstallationDefaults;
  readonly pollPace: number;
  /** Unique per process: host name and a random part. */
  readonly identity: string;
  /** False: act at once without holding the lease. For a single process only. */
  readonly leaderElect: boolean;
  /** `host name → ip:port`, for HTTP probes of the local environment and of tests. */
  readonly httpHostAliases?: Readonly<Record<string, string>>;
  /** Whether HTTP backends may be on the operator's own machine. */
  readonly probeLoopback: boolean;
  /** Leadership was lost: the process must end before it touches anything else. */
  readonly onLost: () => void;
}

export interface Operator {
  /** Caches synced and, as leader or alone, at work. Rejects when stopped before. */
  readonly working: Promise<void>;
  health(): OperatorHealth;
  /** Stops controllers, then gives the lease back. */
  stop(): Promise<void>;
}

export interface OperatorHealth {
  readonly synced: boolean;
  readonly role: 'leader' | 'standby';
  /** Kinds whose watch has been silent for suspiciously long. */
  readonly silent: readonly string[];
}

/** Watches carry a bookmark every minute; three missed ones are not a quiet cluster any more. */
const SILENCE_MILLISECONDS = 240_000;

export const LEASE_NAME = 'poolkeeper-controller';

export function startOperator(options: OperatorOptions): Operator {
  const { runtime, access, namespace, identity } = options;
  const kubernetes = connectKubernetes({ runtime, to: access, component: 'controller', version });
  const sources = createSources(kubernetes.caches, namespace);
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

  const reflecting = kubernetes.caches.start(stopping.signal);
  const working = Promise.all([
    kubernetes.caches.whenSynced(stopping.signal),
    leadership.promise,
  ]).then(() => {});
  working.catch(() => {});
  const controllers = startControllers({
    context: {
      runtime,
      client: kubernetes.client,
      stores: viewsOf(sources),
      cloud: options.cloud,
      events,
      namespace,
      installation: options.installation,
      defaults: options.defaults,
      pollPace: options.pollPace,
    },
    sources,
    httpProbe: createHttpProbe({
      clock: runtime.clock,
      probeLoopback: options.probeLoopback,
      refusedAddresses: addressOf(access.server),
      ...(options.httpHostAliases ? { hostAliases: options.httpHostAliases } : {}),
    }),
    startWhen: working,
  });

  return {
    working,
    health: () => {
      const caches = kubernetes.caches.health();
      return {
        synced: caches.every(({ synced }) => synced),
        role: !election || election.isLeader() ? 'leader' : 'standby',
        silent: caches
          .filter(({ silentMilliseconds }) => (silentMilliseconds ?? 0) > SILENCE_MILLISECONDS)
          .map(({ resource }) => resource),
      };
    },
    stop: async () => {
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

function elect(
  { runtime, namespace, identity, onLost }: OperatorOptions,
  connection: Parameters<typeof createLeaseStore>[0],
  leadership: PromiseWithResolvers<void>,
): LeaderElection {
  leadership.promise.catch(() => {});
  assert(identity !== '', 'a leader election needs an identity');
  return runLeaderElection({
    runtime,
    leases: createLeaseStore(connection, { namespace, name: LEASE_NAME }),
    name: LEASE_NAME,
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

/** The API server's own address is nobody's storage. */
function addressOf(server: string): string[] {
  const { hostname, port, protocol } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 0) return [];
  return [`${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`];
}
