// VolumePool, the other half: builds its golden snapshots. A controller of its own, so that a build that
// fails or waits never holds up the pool; of the pool's status it writes only what concerns the build.
import { volumePools } from '../../api/resources.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import type { Reconcile, Result } from '../../kube/index.ts';
import { MIN_POLL_MILLISECONDS } from '../../plan/backoff.ts';
import { concernsGoldenSnapshots, planGoldenSnapshot } from '../../plan/golden-snapshot.ts';
import type { GoldenStatus } from '../../plan/golden-snapshot-status.ts';
import type { Log } from '../../runtime/log.ts';
import { type ControllerContext, callContext } from '../context.ts';
import { correlationId } from '../result.ts';
import type { TcpProbe } from '../tcp-probe.ts';
import { writeStatus } from '../write-status.ts';
import { apply, type GoldenOutcome } from './apply.ts';
import { gather } from './gather.ts';
import { ImageVersions } from './image-versions.ts';
import { SnapshotLooks } from './snapshot-looks.ts';

export { SnapshotLooks } from './snapshot-looks.ts';

export function reconcileGoldenSnapshot(context: ControllerContext, tcpProbe: TcpProbe): Reconcile {
  const { clock } = context.runtime;
  const looks = new SnapshotLooks(clock);
  const images = new ImageVersions(clock, context.pollPace);
  const forget = (uid: string): void => {
    looks.forget(uid);
    images.forget(uid);
  };
  return async (key, signal, log) => {
    const cached = context.stores.volumePools.byKey(key);
    if (!cached || !concernsGoldenSnapshots(cached)) {
      if (cached) forget(cached.metadata.uid);
      return { type: 'done' };
    }
    // Live: a step that a stale cache forgot would be done twice.
    const { namespace, name } = cached.metadata;
    const pool = await context.client.get(volumePools, { namespace, name });
    if (!pool || !concernsGoldenSnapshots(pool)) return { type: 'done' };
    const call = callContext('warm-up', correlationId(context), signal);
    const gathered = await gather(context, { looks, tcpProbe, images }, pool, call);
    const plan = planGoldenSnapshot(gathered, clock.now());
    const outcome = await apply(context, gathered, plan, call);
    if (plan.step?.type === 'releasePool') {
      forget(pool.metadata.uid);
      return { type: 'done' };
    }
    await writeStatus(context.client, volumePools, pool, { ...pool.status, ...outcome.status });
    report(context, log, pool, outcome.status);
    return resultOf(plan, outcome, looks.dueIn(pool));
  };
}

function resultOf(
  plan: { readonly step?: unknown; readonly because: string; readonly waitMilliseconds?: number },
  { error }: GoldenOutcome,
  nextLookMilliseconds: number,
): Result {
  if (error) return { type: 'retry', error };
  const idle = plan.step === undefined ? nextLookMilliseconds : MIN_POLL_MILLISECONDS;
  const afterMilliseconds = Math.max(MIN_POLL_MILLISECONDS, plan.waitMilliseconds ?? idle);
  return { type: 'wait', afterMilliseconds, why: plan.because };
}

/** One event for the beginning and one for the end of an attempt; one log line for each step. */
function report(
  { events }: ControllerContext,
  log: Log,
  pool: VolumePool,
  { snapshotBuild: after, goldenSnapshot }: GoldenStatus,
): void {
  const before = pool.status?.snapshotBuild;
  if (!after) return;
  const { version, attempt, cause, step, outcome } = after;
  if (step !== before?.step) log.info('snapshot build', { version, attempt, step, outcome });
  const isNew = before?.startedAt !== after.startedAt || before.machine !== after.machine;
  const subject = `version ${version}, attempt ${attempt}`;
  if (isNew) {
    const isBad = cause === 'SnapshotNotFound' || cause === 'SnapshotInvalid';
    const reason = isBad ? cause : 'BuildingSnapshot';
    events.event(pool, isBad ? 'Warning' : 'Normal', reason, 'Build', `${subject}: ${cause}`);
  }
  if (outcome === before?.outcome) return;
  if (outcome === 'Succeeded') {
    events.event(pool, 'Normal', 'SnapshotReady', 'Build', `${subject}: ${goldenSnapshot?.id}`);
  } else if (outcome === 'Failed') {
    const why = after.lastError?.message ?? 'unknown';
    events.event(pool, 'Warning', 'BuildFailed', 'Build', `${subject}: ${why}`);
  }
}
