// Discovery: one query per subscription and interval for everything of this installation, whatever the
// pool. What it finds is adopted, doubted or collected; a query that fails decides nothing.
import { parseDuration } from '../../api/duration.ts';
import type { InstancePool } from '../../api/instance-pool.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import { CloudError } from '../../azure/errors.ts';
import type { Reconcile } from '../../kube/index.ts';
import { readTags } from '../../plan/adoption-tags.ts';
import { resolveScope } from '../../plan/pool-scope.ts';
import { messageOf } from '../../runtime/errors.ts';
import { jitter } from '../../runtime/random.ts';
import { type ControllerContext, callContext } from '../context.ts';
import { createDiscoveryMetrics } from '../observation/discovery-metrics.ts';
import { correlationId } from '../result.ts';
import { refusalOf } from '../tenancy.ts';
import { isWatched } from '../watched-namespaces.ts';
import { adoptMissing } from './adopt.ts';
import { collectGarbage } from './collect.ts';
import { followDrift } from './drift.ts';
import type { DiscoveryMemory } from './memory.ts';

export { type Discovery, DiscoveryMemory } from './memory.ts';

type Pool = InstancePool | VolumePool;

/** Later than this a change is taken to show in Resource Graph; nothing relies on it. */
export const LAG_MILLISECONDS = 5 * 60_000;
/** Queries are few: 15 in five seconds for everything that this identity does. */
const SPACING_MILLISECONDS = 2_000;
const RETRY_MILLISECONDS = 30_000;
const INTERVAL_JITTER = 0.1;

export interface DiscoveryOptions {
  readonly context: ControllerContext;
  readonly memory: DiscoveryMemory;
  readonly isRecorded: (uid: string) => boolean;
  readonly wakePool: (pool: Pool) => void;
  readonly wakeMember: (member: PoolInstance | PoolVolume) => void;
}

/** Keyed by the subscription's id, lower-cased. */
export function reconcileDiscovery(options: DiscoveryOptions): Reconcile {
  const { context, memory } = options;
  const { runtime, pollPace, stores } = context;
  const metrics = createDiscoveryMetrics(runtime, (uid) => {
    const record = stores.poolInstances.byUid(uid) ?? stores.poolVolumes.byUid(uid);
    return record?.status?.createdAt;
  });
  return async (subscriptionId, signal, log) => {
    const pools = poolsIn(context, subscriptionId);
    if (pools.length === 0) return { type: 'done' };
    const last = memory.lastDiscovery(subscriptionId);
    const since = last ? runtime.clock.now() - last.completedAt : Number.POSITIVE_INFINITY;
    const spacing = SPACING_MILLISECONDS / pollPace;
    if (since < spacing) {
      return { type: 'wait', afterMilliseconds: spacing - since, why: 'a look was just taken' };
    }
    const call = callContext('warm-up', correlationId(context), signal);
    const intervalMilliseconds = paced(shortestInterval(pools), pollPace);
    const wasComplete = last?.complete;
    const startedAt = runtime.clock.monotonic();
    const passEnded = (uids: readonly string[], error?: string): void => {
      const durationSeconds = (runtime.clock.monotonic() - startedAt) / 1000;
      metrics.passEnded({ subscriptionId, durationSeconds, uids, error });
    };
    try {
      const query = { subscriptionId, installation: context.installation };
      const found = await context.cloud.discover(query, call);
      // What pools of other namespaces have is for whoever watches those to judge.
      const rows = found.filter(({ tags }) => isWatched(context, readTags(tags).poolNamespace));
      memory.completePass(subscriptionId, rows);
      passEnded(rows.map(({ tags }) => readTags(tags).uid));
    } catch (error) {
      if (signal.aborted) throw error;
      const code = error instanceof CloudError ? error.code : 'InternalError';
      log.warn('discovery failed; nothing is decided on it', { code, detail: messageOf(error) });
      memory.failPass(subscriptionId, code);
      passEnded([], code);
      if (wasComplete !== false)
        for (const pool of poolsIn(context, subscriptionId)) options.wakePool(pool);
      const afterMilliseconds = Math.min(intervalMilliseconds, RETRY_MILLISECONDS / pollPace);
      return { type: 'wait', afterMilliseconds, why: 'the look at Azure failed' };
    }
    const affected = pools.filter((pool) => isMissingAny(memory, pool, subscriptionId));
    try {
      await adoptMissing({ context, memory, call, log }, subscriptionId);
    } finally {
      // Those that waited for this look, or counted on a member that turns out to be gone, go on. Who
      // waits is asked now: a pool that came while the look was under way waited for it too.
      const waiting = wasComplete === true ? affected : poolsIn(context, subscriptionId);
      for (const pool of waiting) options.wakePool(pool);
    }
    const lagMilliseconds = LAG_MILLISECONDS / pollPace;
    const wake = options.wakeMember;
    followDrift({ context, memory, log, lagMilliseconds, wake }, subscriptionId);
    const { isRecorded } = options;
    await collectGarbage(
      { context, memory, call, log, intervalMilliseconds, isRecorded },
      subscriptionId,
    );
    const tookMilliseconds = runtime.clock.monotonic() - startedAt;
    const rested = Math.max(intervalMilliseconds, MIN_REST * tookMilliseconds);
    const next = jitter(runtime.random, rested, INTERVAL_JITTER);
    return { type: 'wait', afterMilliseconds: next, why: 'the next look at Azure' };
  };
}

/**
 * The subscription a pool works in, lower-cased; undefined when none is set, or when the pool may not use it
 * and never could: then nothing of it is asked of Azure.
 */
export function subscriptionOf(
  { defaults, tenancy }: Pick<ControllerContext, 'defaults' | 'tenancy'>,
  pool: Pool,
): string | undefined {
  const recorded = pool.status?.scope;
  const resolved = resolveScope(pool.spec.azure, recorded, defaults);
  if (!('scope' in resolved)) return undefined;
  if (!recorded && refusalOf({ tenancy }, pool)) return undefined;
  return resolved.scope.subscriptionId.toLowerCase();
}

function isMissingAny(memory: DiscoveryMemory, pool: Pool, subscriptionId: string): boolean {
  const kind = pool.kind === 'InstancePool' ? 'instance' : 'volume';
  const key = `${pool.metadata.namespace}/${pool.metadata.name}`;
  return memory.ofPool(kind, key, subscriptionId).missing.length > 0;
}

function poolsIn(context: ControllerContext, subscriptionId: string): Pool[] {
  const { stores } = context;
  return [...stores.instancePools.list(), ...stores.volumePools.list()].filter(
    (pool) => subscriptionOf(context, pool) === subscriptionId,
  );
}

/** The interval of a cloud that runs faster than real Azure; no look costs the processor too much. */
function paced(intervalMilliseconds: number, pollPace: number): number {
  return Math.max(intervalMilliseconds / pollPace, Math.min(intervalMilliseconds, 1_000));
}

/** A look that takes a second is not taken more than three times a minute, whatever pools ask for. */
const MIN_REST = 20;

function shortestInterval(pools: readonly Pool[]): number {
  return Math.min(...pools.map(({ spec }) => parseDuration(spec.scaling.discoveryInterval)));
}
