// VolumePool: keeps the number of free disks within bounds.
import { volumePools } from '../../api/resources.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import type { Reconcile } from '../../kube/index.ts';
import { planVolumePool } from '../../plan/volume-pool.ts';
import { type ControllerContext, callContext } from '../context.ts';
import { SnapshotLooks } from '../golden-snapshot/index.ts';
import { isReleased } from '../pool-steps.ts';
import { reportActions } from '../report-actions.ts';
import { correlationId, resultOf } from '../result.ts';
import { writeStatus } from '../write-status.ts';
import { apply } from './apply.ts';
import { gather } from './gather.ts';

export function reconcileVolumePool(context: ControllerContext): Reconcile {
  const looks = new SnapshotLooks(context.runtime.clock);
  return async (key, signal, log) => {
    const pool = context.stores.volumePools.byKey(key);
    if (!pool) return { type: 'done' };
    const call = callContext('warm-up', correlationId(context), signal);
    const snapshot = await gather(context, looks, pool, call);
    const plan = planVolumePool(snapshot, context.runtime.clock.now());
    await apply(context, pool, plan);
    if (isReleased(plan.steps)) {
      looks.forget(pool.metadata.uid);
      return { type: 'done' };
    }
    await writeStatus(context.client, volumePools, pool, plan.status);
    reportActions(context, log, pool, plan.status);
    return resultOf({ ...plan, ...untilNextLook(plan.waitMilliseconds, looks, pool) });
  };
}

/** After a look that Azure did not answer. */
const LOOK_RETRY_MILLISECONDS = 10_000;

/** A given snapshot is looked after here, a built one where it is built. */
function untilNextLook(
  waitMilliseconds: number | undefined,
  looks: SnapshotLooks,
  pool: VolumePool,
): { waitMilliseconds?: number } {
  if (pool.spec.goldenSnapshot.type !== 'Existing') return {};
  const look = Math.max(LOOK_RETRY_MILLISECONDS, looks.dueIn(pool));
  return { waitMilliseconds: Math.min(look, waitMilliseconds ?? look) };
}
