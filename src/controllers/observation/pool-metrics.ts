// The pools in numbers, computed from the caches at each scrape: one pass over the members costs a
// few milliseconds for ten thousand, and a deleted pool's series vanish by themselves.
import type { Metrics } from '../../runtime/metrics.ts';
import type { ControllerContext, Sources } from '../context.ts';
import { CLAIM_STARTS, claimLatencies } from '../instance-claim/latencies.ts';
import { poolActions } from '../report-actions.ts';
import { countStates, membersOf, type Pool, poolsOf, waitingClaims } from './census.ts';

export interface PoolMetricsOptions {
  readonly context: Pick<ControllerContext, 'runtime' | 'stores'>;
  readonly sources: Pick<Sources, 'instancePools' | 'volumePools'>;
  /** A standby tells nothing, or sums over replicas would count every machine twice. */
  readonly isWorking: () => boolean;
}

const POOL = ['kind', 'namespace', 'pool'];
/** The actions that pools record; the series of a deleted pool are looked for among these. */
const ACTIONS = ['Create', 'ScaleDown', 'Replace', 'RollOut'];

/** Returns what ends it. */
export function exposePoolMetrics({ context, sources, isWorking }: PoolMetricsOptions): () => void {
  const { runtime, stores } = context;
  const gauges = poolGauges(runtime.metrics);
  const endScrapes = runtime.metrics.beforeScrape(() => {
    for (const gauge of Object.values(gauges)) gauge.clear();
    if (!isWorking()) return;
    const now = runtime.clock.now();
    for (const pool of poolsOf(stores)) {
      const labels = labelsOf(pool);
      for (const [state, count] of countStates(membersOf(stores, pool))) {
        gauges.members.set(count, { ...labels, state });
      }
      for (const limit of ['minFree', 'maxFree', 'maxTotal'] as const) {
        gauges.limits.set(pool.spec.scaling[limit], { ...labels, limit });
      }
      const waiting = waitingClaims(stores, pool);
      const [first] = waiting;
      const age = first ? now - Date.parse(first.metadata.creationTimestamp) : 0;
      gauges.waiting.set(waiting.length, labels);
      gauges.longestWait.set(Math.max(0, age) / 1000, labels);
      gauges.failures.set(pool.status?.creationFailures?.count ?? 0, labels);
      gauges.ready.set(isReady(pool) ? 1 : 0, labels);
    }
  });
  const ends = [sources.instancePools, sources.volumePools].map((store) =>
    store.subscribe((type, pool) => {
      if (type === 'delete') forget(runtime.metrics, labelsOf(pool as Pool));
    }),
  );
  return () => {
    endScrapes();
    for (const end of ends) end();
  };
}

function poolGauges(metrics: Metrics) {
  return {
    members: metrics.gauge('poolkeeper_pool_members', 'Members of a pool by state.', [
      ...POOL,
      'state',
    ]),
    limits: metrics.gauge('poolkeeper_pool_limits', 'minFree, maxFree and maxTotal of a pool.', [
      ...POOL,
      'limit',
    ]),
    waiting: metrics.gauge(
      'poolkeeper_pool_waiting_claims',
      'Claims that wait for a member of a pool.',
      POOL,
    ),
    longestWait: metrics.gauge(
      'poolkeeper_pool_longest_wait_seconds',
      'Age of the oldest claim that waits for a member of a pool; 0 when none does.',
      POOL,
    ),
    failures: metrics.gauge(
      'poolkeeper_pool_creation_failures',
      'Rounds of creations of a pool that failed since the last success.',
      POOL,
    ),
    ready: metrics.gauge('poolkeeper_pool_ready', '1 while the pool is Ready, else 0.', POOL),
  };
}

function labelsOf({ kind, metadata }: Pool) {
  return { kind, namespace: metadata.namespace, pool: metadata.name };
}

function isReady({ status }: Pool): boolean {
  return status?.conditions.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

/** Counters and histograms that were kept for a pool. */
function forget(metrics: Metrics, labels: ReturnType<typeof labelsOf>): void {
  for (const action of ACTIONS) poolActions(metrics).remove({ ...labels, action });
  const { kind, namespace, pool } = labels;
  if (kind !== 'InstancePool') return;
  const { bind, ready } = claimLatencies(metrics);
  for (const start of CLAIM_STARTS) {
    bind.remove({ namespace, pool, start });
    ready.remove({ namespace, pool, start });
  }
}
