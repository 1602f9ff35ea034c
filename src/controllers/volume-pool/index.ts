// VolumePool: keeps the number of free disks within bounds.
import { volumePools } from '../../api/resources.ts';
import type { Reconcile } from '../../kube/index.ts';
import { planVolumePool } from '../../plan/volume-pool.ts';
import { type ControllerContext, callContext } from '../context.ts';
import { isReleased } from '../pool-steps.ts';
import { reportActions } from '../report-actions.ts';
import { correlationId, resultOf } from '../result.ts';
import { writeStatus } from '../write-status.ts';
import { apply } from './apply.ts';
import { gather } from './gather.ts';

export function reconcileVolumePool(context: ControllerContext): Reconcile {
  return async (key, signal, log) => {
    const pool = context.stores.volumePools.byKey(key);
    if (!pool) return { type: 'done' };
    const call = callContext('warm-up', correlationId(context), signal);
    const snapshot = await gather(context, pool, call);
    const plan = planVolumePool(snapshot, context.runtime.clock.now());
    await apply(context, pool, plan);
    if (isReleased(plan.steps)) return { type: 'done' };
    await writeStatus(context.client, volumePools, pool, plan.status);
    reportActions(context, log, pool, plan.status);
    return resultOf(plan);
  };
}
