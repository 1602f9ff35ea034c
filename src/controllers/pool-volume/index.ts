// PoolVolume: the life of one pooled disk.

import { poolVolumes } from '../../api/resources.ts';
import type { Reconcile } from '../../kube/index.ts';
import { planPoolVolume } from '../../plan/pool-volume.ts';
import { failIfHopeless } from '../cloud-effect.ts';
import { type ControllerContext, callContext } from '../context.ts';
import { finishPass } from '../member-reconcile.ts';
import { correlationId } from '../result.ts';
import { apply } from './apply.ts';
import { gather } from './gather.ts';

export function reconcilePoolVolume(context: ControllerContext): Reconcile {
  return async (key, signal, controllerLog) => {
    const volume = context.stores.poolVolumes.byKey(key);
    if (!volume) return { type: 'done' };
    const now = (): number => context.runtime.clock.now();
    const id = correlationId(context);
    const log = controllerLog.child({ correlationId: id });
    const call = callContext(volume.spec.claimRef ? 'claim' : 'warm-up', id, signal);
    const snapshot = await gather(context, volume, call);
    const plan = planPoolVolume(snapshot, now());
    const outcome = await apply(context, volume, plan, call);
    const result = await finishPass(context, log, {
      resource: poolVolumes,
      member: volume,
      plan,
      correlationId: id,
      outcome: plan.step?.type === 'createDisk' ? failIfHopeless(outcome, now()) : outcome,
      gone: plan.step?.type === 'releaseRecord' || plan.step?.type === 'retire',
    });
    context.discovery.settleDoubt(volume.metadata.uid);
    return result;
  };
}
