// StoragePool: asks the agents of its nodes for storage, and says how that goes.
import { storagePools } from '../../api/resources.ts';
import type { StoragePool, StoragePoolStatus } from '../../api/storage-pool.ts';
import { isNotFound, type Key, type Reconcile } from '../../kube/index.ts';
import { planOrphans, planStoragePool } from '../../plan/storage-pool.ts';
import { storagePoolEvents } from '../../plan/storage-pool-events.ts';
import type { Log } from '../../runtime/log.ts';
import { type ControllerContext, callContext } from '../context.ts';
import { reportTransition } from '../report-transition.ts';
import { correlationId, resultOf } from '../result.ts';
import { writeStatus } from '../write-status.ts';
import type { Agents } from './agents.ts';
import { apply, release } from './apply.ts';
import { gatherExposure } from './exposure.ts';
import { gather, gatherOrphans } from './gather.ts';
import { gatherLease } from './lease.ts';
import { giveOrphansBack } from './lease-orphans.ts';
import { CREDENTIALS_MILLISECONDS, gatherSources, usesCredentials } from './sources.ts';

export { type Agents, trackAgents } from './agents.ts';
export { watchStoragePools } from './watches.ts';

export function reconcileStoragePool(context: ControllerContext, agents: Agents): Reconcile {
  return async (key, signal, log) => {
    const pool = context.stores.storagePools.byKey(key);
    const call = callContext('claim', correlationId(context), signal);
    if (!pool) {
      await letOrphansGo(context, agents, { key, log });
      return await giveOrphansBack(context, key, { log, call });
    }
    const sources = await gatherSources(context, pool);
    const seen = gather(context, agents, pool, sources);
    const exposure = await gatherExposure(
      context,
      pool,
      seen.nodes.map(({ name }) => name),
    );
    const lease = await gatherLease(context, pool, seen, call);
    const snapshot = { ...seen, exposure, lease: lease?.snapshot };
    const plan = planStoragePool(snapshot, context.runtime.clock.now());
    const outcome = await apply(context, { log, pool, live: lease?.live, call }, plan.steps);
    if (plan.steps.some(({ type }) => type === 'releasePool')) return { type: 'done' };
    try {
      const { attachment } = outcome;
      const status = attachment ? { ...plan.status, attachment } : plan.status;
      const isWritten = await writeStatus(context.client, storagePools, pool, status);
      if (isWritten) report(context, log, pool, status);
    } catch (error) {
      // Deleted for good while this pass went on.
      if (!isNotFound(error)) throw error;
    }
    if (lease?.error) return { type: 'retry', error: lease.error };
    if (outcome.lostRaces > 0)
      return { type: 'wait', afterMilliseconds: LOST_RACE_MILLISECONDS, why: 'a disk was taken' };
    const looksAgain = plan.waitMilliseconds === undefined && usesCredentials(pool, sources);
    return resultOf(looksAgain ? { ...plan, waitMilliseconds: CREDENTIALS_MILLISECONDS } : plan);
  };
}

/** The cache shows by then what the winner wrote. */
const LOST_RACE_MILLISECONDS = 50;

/** The pool is gone, but its finalizer was taken off by hand, or its mounts came back from a backup. */
async function letOrphansGo(
  context: ControllerContext,
  agents: Agents,
  { key, log }: { key: Key; log: Log },
): Promise<void> {
  const { mounts, nodes } = gatherOrphans(context, agents, key);
  for (const step of planOrphans(mounts, nodes)) await release(context, log, step.mount, step);
}

function report(
  context: ControllerContext,
  log: Log,
  pool: StoragePool,
  status: StoragePoolStatus,
): void {
  reportPhase(context, log, pool, status);
  for (const { type, reason, message } of storagePoolEvents(pool.status, status))
    context.events.event(pool, type, reason, 'Observe', message);
}

const BAD_PHASES: ReadonlySet<string> = new Set(['Degraded', 'Failed', 'Unknown']);

function reportPhase(
  context: ControllerContext,
  log: Log,
  pool: StoragePool,
  { phase, conditions }: StoragePoolStatus,
): void {
  const from = pool.status?.phase;
  if (phase === undefined || phase === from) return;
  const message = conditions.find(({ type }) => type === 'Ready')?.message ?? '';
  reportTransition(context, log, {
    object: pool,
    from,
    to: phase,
    because: message,
    since: from === undefined ? pool.metadata.creationTimestamp : undefined,
    isBad: BAD_PHASES.has(phase),
  });
}
