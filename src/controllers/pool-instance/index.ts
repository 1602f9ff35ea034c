// PoolInstance: the life of one pooled VM.

import type { PoolInstanceStatus } from '../../api/pool-instance.ts';
import { poolInstances } from '../../api/resources.ts';
import type { Reconcile } from '../../kube/index.ts';
import { inPhase } from '../../plan/member.ts';
import { planPoolInstance } from '../../plan/pool-instance.ts';
import { type EffectOutcome, isHopeless } from '../cloud-effect.ts';
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

/** A creation that Azure refuses for good ends the member; its pool makes another, a little later. */
function failIfHopeless(
  { status, error }: EffectOutcome<PoolInstanceStatus>,
  now: number,
): EffectOutcome<PoolInstanceStatus> {
  if (!error) return { status };
  if (!isHopeless(error)) return { status, error };
  return {
    status: inPhase(status, 'Failed', `${error.code}: ${error.message}`.slice(0, 512), now),
  };
}
