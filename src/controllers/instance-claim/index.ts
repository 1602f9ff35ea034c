// InstanceClaim: tells the user about the binding, and holds the claim until what it owns is released.
import { releaseFinalizer } from '../../api/names.ts';
import { instanceClaims } from '../../api/resources.ts';
import { addFinalizerPatch, type Reconcile, removeFinalizerPatch } from '../../kube/index.ts';
import { planInstanceClaim } from '../../plan/instance-claim.ts';
import type { ControllerContext } from '../context.ts';
import { resultOf } from '../result.ts';
import { writeStatus } from '../write-status.ts';
import type { FirstSights } from './first-sights.ts';
import { gather } from './gather.ts';
import { recordLatencies } from './latencies.ts';

export function reconcileInstanceClaim(context: ControllerContext, sights: FirstSights): Reconcile {
  const latencies = recordLatencies(context.runtime.metrics);
  return async (key, _signal, log) => {
    const { client, stores, runtime, events } = context;
    const claim = stores.instanceClaims.byKey(key);
    if (!claim) return { type: 'done' };
    const snapshot = gather(context, claim, sights.of(claim));
    const plan = planInstanceClaim(snapshot, runtime.clock.now());
    const { namespace, name } = claim.metadata;
    // The user is told first: the finalizer may follow, because a vanished claim releases all the same.
    if (await writeStatus(client, instanceClaims, claim, plan.status)) {
      const from = claim.status?.phase;
      const { phase, conditions } = plan.status;
      if (phase !== undefined && phase !== from) {
        const message = conditions.find(({ type }) => type === 'Ready')?.message ?? '';
        log.info('phase changed', { kind: claim.kind, from, to: phase, because: message });
        events.event(
          claim,
          phase === 'Failed' ? 'Warning' : 'Normal',
          phase,
          'Transition',
          message,
        );
        latencies(claim, plan.status);
      }
    }
    if (plan.step) {
      const change = plan.step.type === 'holdClaim' ? addFinalizerPatch : removeFinalizerPatch;
      const current = stores.instanceClaims.byKey(key) ?? claim;
      const patch = change(current, releaseFinalizer);
      if (patch) await client.mergePatch(instanceClaims, { namespace, name }, patch);
    }
    return resultOf(plan);
  };
}
