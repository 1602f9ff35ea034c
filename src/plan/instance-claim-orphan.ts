// A claim whose machine was let go of by a pool deleted with deletionPolicy Orphan: the machine runs on, but
// the claim has ended, and says where its machine is.
import { findCondition, removeCondition } from '../api/conditions.ts';
import type { InstanceClaim, InstanceClaimStatus } from '../api/instance-claim.ts';
import { releaseFinalizer } from '../api/names.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { InstanceClaimStep } from './instance-claim.ts';
import { describeInstance, setter } from './instance-claim-status.ts';
import type { MemberPlan } from './member-plan.ts';

const REASON = 'InstanceOrphaned';

/** True once the claim's status says it: from then on the record of the machine may go. */
export function isToldOfOrphan(status: InstanceClaimStatus | undefined): boolean {
  return findCondition(status?.conditions ?? [], 'Ready')?.reason === REASON;
}

/** Undefined for a claim whose machine is not, or was not, let go of. */
export function planOrphaned(
  claim: InstanceClaim,
  instance: PoolInstance | undefined,
  now: number,
): MemberPlan<InstanceClaimStep, InstanceClaimStatus> | undefined {
  const before = claim.status ?? { conditions: [], commands: [] };
  if (!instance) {
    if (!isToldOfOrphan(before)) return undefined;
    const isHeld = claim.metadata.finalizers?.includes(releaseFinalizer) ?? false;
    const step = isHeld ? ({ type: 'letClaimGo' } as const) : undefined;
    return { step, because: 'its machine was let go of', status: before };
  }
  if (instance.spec.orphan === undefined) return undefined;
  const told = describeInstance(instance);
  const { name, resourceId = 'its machine' } = told;
  const message = `the pool of ${name} was deleted with deletionPolicy Orphan: ${resourceId} stays in Azure as it is, with its disks, and nobody releases or deletes it any more; delete the claim`;
  const set = setter(claim, now);
  let conditions = removeCondition(before.conditions, 'Reconciling');
  conditions = set(conditions, 'Bound', 'False', REASON, message);
  conditions = set(conditions, 'Ready', 'False', REASON, message);
  conditions = set(conditions, 'Stalled', 'True', REASON, message);
  return {
    step: undefined,
    because: message,
    status: {
      ...before,
      phase: 'Failed',
      instance: told,
      conditions,
      observedGeneration: claim.metadata.generation,
    },
  };
}
