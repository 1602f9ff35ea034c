// Deletes what belongs to nobody, after one more look at the thing itself and at the records.
import { poolInstances, poolVolumes } from '../../api/resources.ts';
import type { CallContext } from '../../azure/port.ts';
import { readTags } from '../../plan/adoption-tags.ts';
import type { DiscoveryRow } from '../../plan/discovery.ts';
import { type LiveSuspect, planGarbage, whyKept } from '../../plan/garbage.ts';
import { isOfBuild } from '../../plan/golden-snapshot-recipe.ts';
import { isKnownAs } from '../../plan/member.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import { listWatched } from '../watched-namespaces.ts';
import type { DiscoveryMemory } from './memory.ts';

/** Bounds what one wrong conclusion can cost before somebody reads the log. */
const MAXIMUM_PER_PASS = 10;
const SPACING_MILLISECONDS = 5 * 60_000;
const MINIMUM_AGE_MILLISECONDS = 10 * 60_000;

export interface CollectOptions {
  readonly context: ControllerContext;
  readonly memory: DiscoveryMemory;
  readonly call: CallContext;
  readonly log: Log;
  readonly intervalMilliseconds: number;
  readonly isRecorded: (uid: string) => boolean;
}

export async function collectGarbage(
  options: CollectOptions,
  subscriptionId: string,
): Promise<void> {
  const { context, memory, isRecorded, intervalMilliseconds } = options;
  const { stores, installation, pollPace, runtime } = context;
  const plan = planGarbage(
    {
      rows: memory.rows(subscriptionId),
      installation,
      isRecorded,
      hasPool: (role, namespace, name) => {
        if (role === 'instance') return stores.instancePools.get(namespace, name) !== undefined;
        return role === 'volume' && stores.volumePools.get(namespace, name) !== undefined;
      },
      isPool: (uid, name) => {
        if (stores.instancePools.byUid(uid)) return true;
        const pool = stores.volumePools.byUid(uid);
        return pool !== undefined && isOfBuild(pool, name);
      },
      isClaim: (uid) => stores.instanceClaims.byUid(uid) !== undefined,
      sightings: memory.sightings(subscriptionId),
      spacingMilliseconds: Math.max(intervalMilliseconds, SPACING_MILLISECONDS / pollPace),
      minimumAgeMilliseconds: MINIMUM_AGE_MILLISECONDS / pollPace,
      maximumPerPass: MAXIMUM_PER_PASS,
    },
    runtime.clock.now(),
  );
  memory.rememberSightings(subscriptionId, plan.sightings);
  if (plan.collect.length === 0) return;
  const recorded = await recordedLive(context);
  for (const row of plan.collect) {
    const { uid } = readTags(row.tags);
    if (uid === '' || !recorded(uid)) await collect(options, row);
  }
}

/** The API server's word, not the cache's: a record that is a moment old must protect its resource. */
async function recordedLive(context: ControllerContext): Promise<(uid: string) => boolean> {
  const [instances, volumes] = await Promise.all([
    listWatched(context, poolInstances),
    listWatched(context, poolVolumes),
  ]);
  const members = [...instances, ...volumes];
  return (uid) => members.some((member) => isKnownAs(member, uid));
}

async function collect({ context, call, log }: CollectOptions, row: DiscoveryRow): Promise<void> {
  const live: LiveSuspect | undefined = await context.cloud.get(row.kind, row.id, call);
  const fields = { kind: row.kind, id: row.id };
  if (!live) return;
  const kept = whyKept(row, live);
  if (kept) {
    log.debug('suspect kept', { ...fields, because: kept });
    return;
  }
  log.warn('deleting what belongs to nobody', { ...fields, tags: row.tags });
  await context.cloud.delete(row.kind, row.id, call);
  const { installation, runtime, stores, events } = context;
  runtime.metrics
    .counter(
      'poolkeeper_garbage_collected_total',
      'Azure resources of this installation that were deleted because no record described them.',
      ['kind', 'installation'],
    )
    .increment({ kind: row.kind, installation });
  const { role, poolNamespace, pool } = readTags(row.tags);
  const pools = role === 'volume' ? stores.volumePools : stores.instancePools;
  const owner = pools.get(poolNamespace, pool);
  const note = `deleted ${row.kind} ${row.name}: no record describes it`;
  if (owner) events.event(owner, 'Warning', 'GarbageCollected', 'Collect', note);
}
