// PoolInstance: the life of one pooled VM.

import { poolInstances } from '../../api/resources.ts';
import type { Reconcile } from '../../kube/index.ts';
import { planPoolInstance } from '../../plan/pool-instance.ts';
import { failIfHopeless } from '../cloud-effect.ts';
import { type ControllerContext, callContext } from '../context.ts';
import { finishPass } from '../member-reconcile.ts';
import { correlationId } from '../result.ts';
import { apply } from './apply.ts';
import { gather } from './gather.ts';

export function reconcilePoolInstance(context: ControllerContext): Reconcile {
  return async (key, signal, controllerLog) => {
    const instance = context.stores.poolInstances.byKey(key);
    if (!instance) return { type: 'done' };
    const now = (): number => context.runtime.clock.now();
    const id = correlationId(context);
    const log = controllerLog.child({ correlationId: id });
    const call = callContext(instance.spec.claimRef ? 'claim' : 'warm-up', id, signal);
    const snapshot = await gather(context, instance, call);
    const plan = planPoolInstance(snapshot, now());
    const outcome = await apply(context, snapshot, plan, call);
    const result = await finishPass(context, log, {
      resource: poolInstances,
      member: instance,
      plan,
      correlationId: id,
      outcome: plan.step?.type === 'createInstance' ? failIfHopeless(outcome, now()) : outcome,
      gone: plan.step?.type === 'releaseRecord',
    });
    context.discovery.settleDoubt(instance.metadata.uid);
    return result;
  };
}
