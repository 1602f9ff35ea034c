// InstancePool: keeps the number of free VMs within bounds.
import { instancePools } from '../../api/resources.ts';
import type { Reconcile } from '../../kube/index.ts';
import { planInstancePool } from '../../plan/instance-pool.ts';
import type { ControllerContext } from '../context.ts';
import { isReleased } from '../pool-steps.ts';
import { reportActions } from '../report-actions.ts';
import { resultOf } from '../result.ts';
import { writeStatus } from '../write-status.ts';
import { apply } from './apply.ts';
import { gather } from './gather.ts';

export function reconcileInstancePool(context: ControllerContext): Reconcile {
  return async (key, _signal, log) => {
    const pool = context.stores.instancePools.byKey(key);
    if (!pool) return { type: 'done' };
    const snapshot = gather(context, pool);
    const plan = planInstancePool(snapshot, context.runtime.clock.now());
    await apply(context, pool, plan);
    if (isReleased(plan.steps)) return { type: 'done' };
    await writeStatus(context.client, instancePools, pool, plan.status);
    reportActions(context, log, pool, plan.status);
    return resultOf(plan);
  };
}
