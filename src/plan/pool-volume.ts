// The next step of one pooled disk: Pending → Creating → Free → Attaching → Attached → Detaching →
// Free | Retained | Deleting → gone. Attaching and detaching are done by the instance that holds it.
import type { LeasedVolume } from '../api/leased-volume.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume, PoolVolumeStatus } from '../api/pool-volume.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import type { TagChange } from './member.ts';
import type { MemberPlan, OperationSeen } from './member-plan.ts';
import { cloudName } from './names.ts';
import type { Refusal } from './pool-scope.ts';
import { planCreation } from './pool-volume-creation.ts';
import { planDeletion } from './pool-volume-deletion.ts';
import { planLeased } from './pool-volume-lease.ts';
import { isOrphaned, planOrphan } from './pool-volume-orphan.ts';
import { polled, rest } from './pool-volume-status.ts';
import { planAttachment, planRest, planReturn } from './pool-volume-use.ts';

export type { MemberPlan, OperationSeen } from './member-plan.ts';

/** What the planner needs to know of the live disk. */
export interface DiskSeen {
  readonly id: string;
  readonly name: string;
  readonly provisioningState: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly zone?: string;
  readonly uniqueId: string;
  readonly diskState: string;
  readonly managedBy?: string;
  readonly completionPercent?: number;
}

export interface PoolVolumeSnapshot {
  readonly volume: PoolVolume;
  /** Undefined once the pool is gone. */
  readonly pool: VolumePool | undefined;
  /** The live disk; `absent` on 404; `unread` when this pass had no need to look. */
  readonly disk: DiskSeen | 'absent' | 'unread';
  readonly operation: OperationSeen | undefined;
  /**
   * The record goes because its pool or its whole namespace does, not because somebody deleted just it.
   * Read live, and only where it decides over somebody's bytes.
   */
  readonly swept: boolean;
  /** What the StoragePool that it is attached for says of it. */
  readonly lease?: LeasedVolume | undefined;
  /** The instance that spec.instanceRef names, if it exists with that uid. */
  readonly holder: PoolInstance | undefined;
  readonly installation: string;
  readonly pollPace: number;
  /** What the installation's configuration says against making anything for its pool. */
  readonly refusal?: Refusal | undefined;
}

export type PoolVolumeStep =
  | { readonly type: 'createDisk'; readonly name: string; readonly tags: Record<string, string> }
  | { readonly type: 'tagDisk'; readonly id: string; readonly tags: TagChange }
  | { readonly type: 'deleteDisk'; readonly id: string }
  /** DELETE the record with preconditions, before anything in Azure is touched. */
  | { readonly type: 'retire' }
  /** The instance it was meant for is gone: nothing holds it any more. */
  | { readonly type: 'forgetHolder' }
  | { readonly type: 'releaseRecord' };

export type PoolVolumePlan = MemberPlan<PoolVolumeStep, PoolVolumeStatus>;

export const EMPTY_VOLUME_STATUS: PoolVolumeStatus = {
  phase: 'Pending',
  conditions: [],
  attempts: 0,
  history: [],
};

const PHASES_OF_USE: ReadonlySet<string> = new Set(['Attaching', 'Attached', 'Detaching']);

/** True when only a look at Azure can tell the next step: settled disks cost no calls. */
export function volumeNeedsLook(volume: PoolVolume, holder: PoolInstance | undefined): boolean {
  const phase = volume.status?.phase ?? 'Pending';
  if (volume.metadata.deletionTimestamp !== undefined || volume.spec.orphan) return true;
  if (volume.spec.node) return !['Attached', 'Failed', 'Quarantined'].includes(phase);
  if (phase === 'Free' || phase === 'Retained') {
    if (isUnseenReturn(volume)) return true;
    return volume.spec.instanceRef !== undefined && holder !== undefined && isHeld(volume, holder);
  }
  if (phase === 'Attached') {
    return holder === undefined || !isHeld(volume, holder) || !isMirrored(volume);
  }
  // Let go of before it was attached: only Azure can tell whether the attach still comes.
  if (phase === 'Attaching') return holder === undefined || isHeld(volume, holder);
  return !isAside(volume);
}

/** A claim had it and let go before this record was looked at again: it still says that it is free. */
function isUnseenReturn({ spec, status }: PoolVolume): boolean {
  const isLoose = spec.claimRef === undefined && spec.instanceRef === undefined;
  return isLoose && status?.phase === 'Free' && spec.lastClaimRef !== undefined;
}

/** False for a volume that was attached ahead of time and whose tags do not know its claim yet. */
export function isMirrored({ spec, status }: PoolVolume): boolean {
  return spec.claimRef === undefined || status?.claimedAt !== undefined;
}

/** Set aside for good, unless the claim that it was bound to has taken it back. */
function isAside({ spec, status }: PoolVolume): boolean {
  return status?.phase === 'Quarantined' && spec.claimRef === undefined;
}

/** True when the instance reports the disk as attached and proven. */
export function isHeld(volume: PoolVolume, holder: PoolInstance): boolean {
  return (holder.status?.volumes ?? []).some(({ uid }) => uid === volume.metadata.uid);
}

export function planPoolVolume(snapshot: PoolVolumeSnapshot, now: number): PoolVolumePlan {
  const { volume, holder } = snapshot;
  const status = volume.status ?? EMPTY_VOLUME_STATUS;
  if (snapshot.disk === 'unread' && snapshot.operation?.state === 'InProgress')
    return polled(snapshot, status, now);
  if (isOrphaned(snapshot)) return planOrphan(snapshot, status, now);
  // A claim is served to its end, whoever deleted the record meanwhile.
  const isServing =
    volume.spec.claimRef !== undefined && (holder !== undefined || volume.spec.node !== undefined);
  if (volume.metadata.deletionTimestamp !== undefined && !isServing)
    return planDeletion(snapshot, status, now);
  if (status.phase === 'Pending' || status.phase === 'Creating')
    return planCreation(snapshot, status, now);
  if (status.phase === 'Failed' || status.phase === 'Deleting' || isAside(volume)) {
    return rest(status, 'waits for its pool to retire it');
  }
  if (volume.spec.node !== undefined) return planLeased(snapshot, volume.spec.node, status, now);
  if (volume.spec.instanceRef !== undefined) {
    if (holder === undefined)
      return { step: { type: 'forgetHolder' }, because: 'its instance is gone', status };
    return planAttachment(snapshot, holder, status, now);
  }
  if (volume.spec.claimRef !== undefined)
    return rest(status, 'is claimed and waits for its instance');
  if (PHASES_OF_USE.has(status.phase) || isUnseenReturn(volume))
    return planReturn(snapshot, status, now);
  return planRest(snapshot, status, now);
}

export function diskName(volume: PoolVolume): string {
  return volume.spec.adopt?.name ?? cloudName('volume', volume.metadata.uid);
}
