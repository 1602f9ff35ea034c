// InstanceClaim: tells the user about the binding, and holds the claim until what it owns is released.

import { findCondition } from '../../api/conditions.ts';
import type { InstanceClaim, InstanceClaimStatus } from '../../api/instance-claim.ts';
import { releaseFinalizer } from '../../api/names.ts';
import type { Condition } from '../../api/object.ts';
import { instanceClaims } from '../../api/resources.ts';
import { addFinalizerPatch, type Reconcile, removeFinalizerPatch } from '../../kube/index.ts';
import { planInstanceClaim } from '../../plan/instance-claim.ts';
import type { ControllerContext } from '../context.ts';
import { reportTransition } from '../report-transition.ts';
import { resultOf } from '../result.ts';
import { writeStatus } from '../write-status.ts';
import type { FirstSights } from './first-sights.ts';
import { gather } from './gather.ts';
import { recordLatencies } from './latencies.ts';
import type { PortProbes } from './port-probes.ts';

const UNHURRIED_MILLISECONDS = 250;

export function reconcileInstanceClaim(
  context: ControllerContext,
  sights: FirstSights,
  probes: PortProbes,
): Reconcile {
  const latencies = recordLatencies(context.runtime.metrics);
  return async (key, _signal, log) => {
    const { client, stores, runtime } = context;
    const claim = stores.instanceClaims.byKey(key);
    if (!claim || claim.status?.readyAt !== undefined) probes.forget(key);
    if (!claim) return { type: 'done' };
    const firstSeenAt = sights.of(claim);
    const snapshot = gather(context, claim, { firstSeenAt, probes });
    const plan = planInstanceClaim(snapshot, runtime.clock.now());
    const { namespace, name } = claim.metadata;
    // The user is told first: the finalizer may follow when a burst is over, because a claim that vanishes
    // releases all the same.
    const unlessChanged = tellsAnew(claim, plan.status);
    const isTold = await writeStatus(client, instanceClaims, claim, plan.status, { unlessChanged });
    if (isTold) {
      const from = claim.status?.phase;
      const { phase, conditions } = plan.status;
      if (phase !== undefined && phase !== from) {
        reportTransition(context, log, {
          object: claim,
          pool: claim.spec.instancePoolRef.name,
          from,
          to: phase,
          because: wordsOf(phase, conditions),
          since: inPhaseSince(claim),
          ...judge(phase, conditions),
          claim: `${namespace}/${name}`,
        });
        latencies(snapshot, plan.status);
      }
    }
    if (plan.step?.type === 'holdClaim' && isTold) {
      return { type: 'wait', afterMilliseconds: UNHURRIED_MILLISECONDS, why: plan.because };
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

function wordsOf(phase: string, conditions: readonly Condition[]): string {
  const ready = findCondition(conditions, 'Ready')?.message ?? '';
  const bound = findCondition(conditions, 'Bound')?.message;
  return phase === 'Bound' && bound ? `${bound}; ${ready}` : ready;
}

/** A claim whose time is over has served: that is no failure. */
function judge(
  phase: string,
  conditions: readonly Condition[],
): { isBad: boolean; eventReason?: string } {
  if (phase !== 'Failed') return { isBad: false };
  const isExpired = findCondition(conditions, 'Ready')?.reason === 'Expired';
  return isExpired ? { isBad: false, eventReason: 'Expired' } : { isBad: true };
}

/** What a claim is told of is decided once, whoever else may be telling it something. */
function tellsAnew({ status }: InstanceClaim, after: InstanceClaimStatus): boolean {
  const isOther = (field: 'instance' | 'volume'): boolean =>
    after[field]?.uid !== status?.[field]?.uid;
  return isOther('instance') || isOther('volume');
}

function inPhaseSince({ metadata, status }: InstanceClaim): string | undefined {
  switch (status?.phase) {
    case 'Bound':
      return status.boundAt;
    case 'Ready':
      return status.readyAt;
    case 'Releasing':
      return metadata.deletionTimestamp ?? status.expiresAt;
    case 'Failed':
      return undefined;
    default:
      return metadata.creationTimestamp;
  }
}
