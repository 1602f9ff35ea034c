// A VM on its way out of a claim, or out of its pool: nothing is let go of before it is proven detached.
import { timestamp } from '../api/conditions.ts';
import { resourceFinalizer } from '../api/names.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import { nextPollDelay, POLL_ATTACH, POLL_INSTANCE } from './backoff.ts';
import { planDataDisks } from './data-disks.ts';
import { planHook, planRunningHook } from './hooks.ts';
import { carriesTags, inPhase, ownsTags, withoutOperation } from './member.ts';
import type { MachineSeen, PoolInstancePlan, PoolInstanceSnapshot } from './pool-instance.ts';
import {
  failed,
  polled,
  referencesOf,
  rest,
  retried,
  tagsFor,
  withMachine,
} from './pool-instance-status.ts';
import { isInWarmState, stepToWarmState } from './warm-state.ts';

/** So many failed attempts to detach set a machine aside; they go on, but it is never handed out again. */
const QUARANTINE_ATTEMPTS = 5;

/** Detach, prove it, let the volumes go, and only then let go of the claim. */
export function planRelease(
  snapshot: PoolInstanceSnapshot,
  before: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation, volumes } = snapshot;
  const { claimRef } = instance.spec;
  const name = claimRef ? `claim ${claimRef.namespace}/${claimRef.name}` : 'its claim';
  const status =
    before.attempts >= QUARANTINE_ATTEMPTS
      ? inPhase(before, 'Quarantined', `its release failed ${before.attempts} times`, now)
      : inPhase(before, 'Releasing', `${name} is over`, now);
  if (!claimRef) return planReuse(snapshot, status, now);
  if (machine === 'unread') return rest(status, 'waits for a look at Azure');
  if (machine !== 'absent') {
    const seen = withMachine(status, machine);
    // The script sees the volume still there; its failing is on record and stops nothing.
    const hook = isHookPossible(machine)
      ? planHook(snapshot, seen, 'onRelease', now)
      : planRunningHook(snapshot, seen, 'onRelease', now);
    if (hook) return hook;
    if (operation?.state === 'InProgress') return polled(snapshot, seen, POLL_ATTACH, now);
    if (operation?.state === 'Failed') return retried(seen, operation, now);
    if (machine.provisioningState === 'Updating') return polled(snapshot, seen, POLL_ATTACH, now);
    const disks = planDataDisks(machine.dataDisks, [], known(snapshot, status));
    if (disks.change) {
      const tags = tagsFor(snapshot, 'releasing');
      const step = { type: 'changeDataDisks', operation: 'Detach', ...disks.change, tags } as const;
      return { step, because: 'the claim is over', status: seen };
    }
  }
  const detached: PoolInstanceStatus = { ...withoutOperation(status), volumes: [] };
  if (volumes.length > 0) {
    return {
      step: { type: 'releaseVolumes', volumes },
      because: 'its disks are detached',
      status: detached,
    };
  }
  const replace =
    (snapshot.pool?.spec.recyclePolicy ?? 'Replace') === 'Replace' ||
    machine === 'absent' ||
    before.phase === 'Quarantined';
  if (replace && instance.metadata.deletionTimestamp === undefined) {
    // Retired while the claim still holds it, so that nobody can bind it in between.
    return { step: { type: 'retire' }, because: 'recyclePolicy is Replace', status: detached };
  }
  const because = 'nothing of the claim is left on it';
  // Its claim came and went before a look at it: nobody may take it for free while it is let go of.
  if (before.phase === 'Free') return { ...rest(detached, because), waitMilliseconds: 0 };
  return { step: { type: 'clearClaim' }, because, status: detached };
}

/** Every disk on the VM that is ours to take off, once nobody is to keep it. */
function known(
  { volumes, strays = [] }: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
): PoolInstanceStatus['volumes'] {
  return [...status.volumes, ...referencesOf(volumes), ...strays];
}

/** A machine that is off, broken or busy runs no scripts, and its release must not wait for that. */
function isHookPossible({ powerState, provisioningState }: MachineSeen): boolean {
  return powerState === 'running' && provisioningState === 'Succeeded';
}

/** The claim has let go of it: it becomes free again, its tags saying so. */
function planReuse(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  if (snapshot.machine === 'unread') return rest(status, 'waits for a look at Azure');
  if (snapshot.machine === 'absent') {
    const message = 'the VM was deleted outside Poolkeeper';
    return failed(status, { code: 'ResourceDisappeared', message }, now);
  }
  const { machine, operation } = snapshot;
  const warmState = snapshot.pool?.spec.warmState ?? 'Running';
  const seen = withMachine(status, machine);
  if (operation?.state === 'InProgress') return polled(snapshot, seen, POLL_INSTANCE, now);
  if (!isInWarmState(machine, warmState)) {
    const step = stepToWarmState(machine, warmState);
    if (!step) return polled(snapshot, seen, POLL_INSTANCE, now);
    return { step, because: `warmState is ${warmState}`, status: withoutOperation(seen) };
  }
  const because = 'released';
  const { claimedAt: _, ...loose } = inPhase(
    withMachine(status, snapshot.machine),
    'Free',
    because,
    now,
  );
  const free = { ...loose, releasedAt: timestamp(now), freeSince: timestamp(now) };
  const tags = tagsFor({ ...snapshot, instance: { ...snapshot.instance, status: free } }, 'free');
  return { step: { type: 'tagInstance', id: snapshot.machine.id, tags }, because, status: free };
}

/** The record is retired and nobody's: remove the VM and whatever outlives it, then the record. */
export function planDeletion(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation, volumes, leftovers } = snapshot;
  if (!instance.metadata.finalizers?.includes(resourceFinalizer)) return rest(status, 'is gone');
  if (instance.spec.claimRef !== undefined) {
    return rest(status, `waits for the release of claim ${instance.spec.claimRef.name}`);
  }
  if (machine === 'unread') return rest(status, 'waits for a look at Azure');
  const deleting = inPhase(status, 'Deleting', 'the record was deleted', now);
  if (operation?.state === 'InProgress') return polled(snapshot, deleting, POLL_INSTANCE, now);
  if (machine === 'absent') {
    if (volumes.length > 0) {
      return {
        step: { type: 'releaseVolumes', volumes },
        because: 'the VM is gone',
        status: deleting,
      };
    }
    const [leftover] = leftovers;
    if (leftover) {
      const step = { type: 'deleteLeftover', leftover } as const;
      return {
        step,
        because: 'it outlived its VM',
        status: deleting,
        waitMilliseconds: nextPollDelay(POLL_INSTANCE, 0, snapshot.pollPace),
      };
    }
    return {
      step: { type: 'releaseRecord' },
      because: 'nothing is left in Azure',
      status: deleting,
    };
  }
  if (!ownsTags(instance, machine.tags)) {
    const because = `VM ${machine.name} is not tagged as ours and is left alone`;
    return { step: { type: 'releaseRecord' }, because, status: deleting };
  }
  const seen = withoutOperation(withMachine(deleting, machine));
  if (machine.provisioningState === 'Updating' || machine.provisioningState === 'Deleting') {
    return polled(snapshot, seen, POLL_INSTANCE, now);
  }
  const disks = planDataDisks(machine.dataDisks, [], known(snapshot, status));
  const tags = tagsFor(snapshot, 'deleting');
  if (disks.change) {
    const step = { type: 'changeDataDisks', operation: 'Detach', ...disks.change, tags } as const;
    return { step, because: 'its disks outlive it', status: seen };
  }
  if (machine.dataDisks.length > 0) {
    const foreign = machine.dataDisks.map(({ diskId }) => diskId.split('/').at(-1)).join(', ');
    const message = `disks that are not ours are attached to the VM: ${foreign}; detach them`;
    return { ...retried(seen, { code: 'ForeignChange', message }, now), because: message };
  }
  if (!carriesTags(machine.tags, tags)) {
    return {
      step: { type: 'tagInstance', id: machine.id, tags },
      because: 'about to be deleted',
      status: seen,
    };
  }
  return {
    step: { type: 'deleteInstance', id: machine.id },
    because: 'unused and ours',
    status: seen,
  };
}
