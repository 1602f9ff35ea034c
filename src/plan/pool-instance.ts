// The next step of one pooled VM: Pending → Creating → Free → Claimed → Releasing → Free | Deleting → gone.
// The VM's one write at a time carries its disks and its tags; what a claim owns is settled elsewhere.
import type { InstancePool } from '../api/instance-pool.ts';
import type { PoolInstance, PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { isHookDue } from './hooks.ts';
import type { TagChange } from './member.ts';
import { cloudName } from './names.ts';
import { scheduleOf } from './operation-wait.ts';
import { planCreation } from './pool-instance-creation.ts';
import { planOrphan } from './pool-instance-orphan.ts';
import { planDeletion, planRelease } from './pool-instance-release.ts';
import { polled, rest, withoutError } from './pool-instance-status.ts';
import { planUse } from './pool-instance-use.ts';
import type { Refusal } from './pool-scope.ts';
import type { MemberPlan, OperationSeen } from './pool-volume.ts';
import { isWatched } from './spot.ts';

/** What the planner needs to know of the live VM. */
export interface MachineSeen {
  readonly id: string;
  readonly name: string;
  readonly provisioningState: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly zone?: string;
  readonly vmId: string;
  readonly etag: string;
  readonly vmSize: string;
  readonly powerState?: string;
  readonly hibernated: boolean;
  readonly dataDisks: readonly {
    readonly lun: number;
    readonly diskId: string;
    readonly toBeDetached: boolean;
  }[];
  readonly networkInterfaceIds: readonly string[];
  readonly osDiskId?: string;
  readonly privateAddress?: string;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** `over`: deleted, expired or gone, so that the instance must be released. */
export type ClaimSeen = 'none' | 'active' | 'over';

export interface Leftover {
  readonly kind: 'networkInterface' | 'volume';
  readonly id: string;
}

export type AttachedVolume = PoolInstanceStatus['volumes'][number];

export interface PoolInstanceSnapshot {
  readonly instance: PoolInstance;
  readonly pool: InstancePool | undefined;
  readonly machine: MachineSeen | 'absent' | 'unread';
  readonly operation: OperationSeen | undefined;
  readonly claim: ClaimSeen;
  /** Volumes whose spec.instanceRef is this instance. */
  readonly volumes: readonly PoolVolume[];
  /** Disks of ours on the VM that are not meant for it, which the live records say. */
  readonly strays?: readonly AttachedVolume[];
  /** Those of `volumes` that belong to a claim which is over and was not this instance's. */
  readonly abandoned?: readonly PoolVolume[];
  /** Whether the claim knows that its machine is let go of, or needs to be told nothing any more. */
  readonly isClaimTold?: boolean;
  /** NICs and OS disks of this record that outlived its VM. */
  readonly leftovers: readonly Leftover[];
  readonly installation: string;
  readonly pollPace: number;
  /** What the installation's configuration says against making anything for its pool. */
  readonly refusal?: Refusal | undefined;
}

export type PoolInstanceStep =
  | {
      readonly type: 'createInstance';
      readonly name: string;
      readonly tags: Record<string, string>;
    }
  | { readonly type: 'tagInstance'; readonly id: string; readonly tags: Record<string, string> }
  | {
      readonly type: 'changeDataDisks';
      readonly operation: 'Attach' | 'Detach';
      readonly attach: readonly { readonly diskId: string; readonly lun: number }[];
      readonly detach: readonly string[];
      readonly tags: Record<string, string>;
    }
  | {
      readonly type: 'power';
      readonly id: string;
      readonly action: 'start' | 'deallocate' | 'hibernate';
      readonly operation: 'Start' | 'Deallocate' | 'Hibernate';
    }
  | { readonly type: 'runHook'; readonly script: string }
  | { readonly type: 'deleteInstance'; readonly id: string }
  | { readonly type: 'deleteLeftover'; readonly leftover: Leftover }
  /** Clears instanceRef and claimRef of these volumes, remembering the claim: they are detached. */
  | { readonly type: 'releaseVolumes'; readonly volumes: readonly PoolVolume[] }
  /** Marks volumes as let go of, with the machine that they stay on. */
  | { readonly type: 'orphanVolumes'; readonly volumes: readonly PoolVolume[] }
  /** Takes our tags off the machine and its parts, the machine last. */
  | {
      readonly type: 'orphanMachine';
      readonly id: string;
      readonly tags: TagChange;
      readonly parts: {
        readonly networkInterfaceIds: readonly string[];
        readonly osDiskId?: string | undefined;
      };
    }
  | { readonly type: 'retire' }
  | { readonly type: 'clearClaim' }
  | { readonly type: 'releaseRecord' };

export type PoolInstancePlan = MemberPlan<PoolInstanceStep, PoolInstanceStatus>;

export const EMPTY_INSTANCE_STATUS: PoolInstanceStatus = {
  phase: 'Pending',
  conditions: [],
  attempts: 0,
  history: [],
  volumes: [],
  commands: [],
};

/** True when only a look at Azure can tell the next step: settled VMs cost no calls. */
export function instanceNeedsLook(
  instance: PoolInstance,
  { volumes, claim, pool }: Pick<PoolInstanceSnapshot, 'volumes' | 'claim' | 'pool'>,
): boolean {
  const status = instance.status ?? EMPTY_INSTANCE_STATUS;
  if (instance.spec.orphan) return true;
  if (instance.metadata.deletionTimestamp !== undefined && claim !== 'active') return true;
  if (status.phase === 'Free' || status.phase === 'Claimed') {
    if (claim === 'over' || status.operation !== undefined) return true;
    // Busy when it was last seen, so that it could not be told of its claim.
    if (status.azure?.provisioningState === 'Updating') return true;
    if (claim === 'none' && status.phase === 'Claimed') return true;
    if (claim === 'active') {
      if (status.phase === 'Free' || status.azure?.powerState !== 'running') return true;
      if (isHookDue(instance, pool, 'onClaim') || isWatched(instance)) return true;
    }
    return !isNoted(status, volumes);
  }
  if (status.phase === 'Quarantined') return claim !== 'none';
  return status.phase !== 'Failed';
}

/** True when the status names just the volumes that are meant for it, and whether they are let go of. */
function isNoted({ volumes: noted }: PoolInstanceStatus, meant: readonly PoolVolume[]): boolean {
  const uids = new Set(meant.map(({ metadata }) => metadata.uid));
  const counted = noted.filter(({ uid, orphaned }) => orphaned !== true || uids.has(uid));
  return (
    counted.length === meant.length &&
    meant.every(({ metadata, spec }) => {
      const entry = counted.find(({ uid }) => uid === metadata.uid);
      return entry && (entry.orphaned === true) === (spec.orphan !== undefined);
    })
  );
}

export function planPoolInstance(snapshot: PoolInstanceSnapshot, now: number): PoolInstancePlan {
  const { instance, claim } = snapshot;
  const status = instance.status ?? EMPTY_INSTANCE_STATUS;
  const pause = status.nextAttemptTime ? Date.parse(status.nextAttemptTime) - now : 0;
  if (pause > 0) {
    return {
      step: undefined,
      because: 'waits before the next attempt',
      status,
      waitMilliseconds: pause,
    };
  }
  if (snapshot.machine === 'unread' && snapshot.operation?.state === 'InProgress')
    return polled(snapshot, status, scheduleOf(status.operation!.type, 'instance'), now);
  if (instance.spec.orphan) return planOrphan(snapshot, status, now);
  if (claim === 'over') return planRelease(snapshot, status, now);
  // A claim is served to its end, whoever deleted the record meanwhile.
  if (instance.metadata.deletionTimestamp !== undefined && claim !== 'active')
    return planDeletion(snapshot, status, now);
  switch (status.phase) {
    case 'Pending':
    case 'Creating':
      return planCreation(snapshot, status, now);
    case 'Claimed':
      // Its claim was let go of, and the status that was to say so got lost.
      if (claim === 'none') return planRelease(snapshot, status, now);
      return planUse(snapshot, status, now);
    case 'Free':
      return planUse(snapshot, status, now);
    case 'Releasing':
      // A binding is never dropped, however it came about that it is bound already.
      if (claim === 'active') return planUse(snapshot, status, now);
      return planRelease(snapshot, status, now);
    case 'Quarantined':
      // Its own claim has taken it back.
      if (claim === 'active') return planUse(snapshot, withoutError(status), now);
      return rest(status, 'waits for its pool to retire it');
    case 'Deleting':
    case 'Failed':
      return rest(status, 'waits for its pool to retire it');
  }
}

export function machineName(instance: PoolInstance): string {
  return instance.spec.adopt?.name ?? cloudName('instance', instance.metadata.uid);
}
