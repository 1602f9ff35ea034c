// The next step of one pooled disk: Pending → Creating → Free → Attaching → Attached → Detaching →
// Free | Retained | Deleting → gone. Attaching and detaching are done by the instance that holds it.
import { timestamp } from '../api/conditions.ts';
import { resourceFinalizer } from '../api/names.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume, PoolVolumeStatus } from '../api/pool-volume.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { planAdoptedVolume, planDrifted } from './adoption-volume.ts';
import { nextPollDelay, POLL_DISK } from './backoff.ts';
import {
  carriesTags,
  inPhase,
  memberTags,
  ownsTags,
  type TagStatus,
  withoutOperation,
} from './member.ts';
import { cloudName } from './names.ts';

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
  /** The instance that spec.instanceRef names, if it exists with that uid. */
  readonly holder: PoolInstance | undefined;
  readonly installation: string;
  readonly pollPace: number;
}

export type OperationSeen =
  | { readonly state: 'InProgress' | 'Unknown' }
  | { readonly state: 'Succeeded'; readonly output?: unknown }
  | { readonly state: 'Failed'; readonly code: string; readonly message: string };

export type PoolVolumeStep =
  | { readonly type: 'createDisk'; readonly name: string; readonly tags: Record<string, string> }
  | { readonly type: 'tagDisk'; readonly id: string; readonly tags: Record<string, string> }
  | { readonly type: 'deleteDisk'; readonly id: string }
  /** DELETE the record with preconditions, before anything in Azure is touched. */
  | { readonly type: 'retire' }
  /** The instance it was meant for is gone: nothing holds it any more. */
  | { readonly type: 'forgetHolder' }
  | { readonly type: 'releaseRecord' };

export interface MemberPlan<Step, Status> {
  /** At most one effect; its outcome is looked at in the next pass. */
  readonly step: Step | undefined;
  readonly because: string;
  readonly status: Status;
  /** Look again after this long even if nothing is heard. */
  readonly waitMilliseconds?: number;
}

type Plan = MemberPlan<PoolVolumeStep, PoolVolumeStatus>;

const DISAPPEARED = {
  code: 'ResourceDisappeared',
  message: 'the disk was deleted outside Poolkeeper',
} as const;

/** An accepted creation whose disk does not show after this long is asked for again. */
const CREATION_VISIBLE_MILLISECONDS = 120_000;

export const EMPTY_VOLUME_STATUS: PoolVolumeStatus = {
  phase: 'Pending',
  conditions: [],
  attempts: 0,
  history: [],
};

/** True when only a look at Azure can tell the next step: settled disks cost no calls. */
export function volumeNeedsLook(volume: PoolVolume, holder: PoolInstance | undefined): boolean {
  const phase = volume.status?.phase ?? 'Pending';
  if (volume.metadata.deletionTimestamp !== undefined) return true;
  if (phase === 'Free' || phase === 'Retained')
    return volume.spec.instanceRef !== undefined && holder !== undefined && isHeld(volume, holder);
  if (phase === 'Attached') {
    return holder === undefined || !isHeld(volume, holder) || !isMirrored(volume);
  }
  // Let go of before it was attached: only Azure can tell whether the attach still comes.
  if (phase === 'Attaching') return holder === undefined || isHeld(volume, holder);
  return !isAside(volume);
}

/** False for a volume that was attached ahead of time and whose tags do not know its claim yet. */
function isMirrored({ spec, status }: PoolVolume): boolean {
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

export function planPoolVolume(snapshot: PoolVolumeSnapshot, now: number): Plan {
  const { volume, holder } = snapshot;
  const status = volume.status ?? EMPTY_VOLUME_STATUS;
  // A claim is served to its end, whoever deleted the record meanwhile.
  const isServing = volume.spec.claimRef !== undefined && holder !== undefined;
  if (volume.metadata.deletionTimestamp !== undefined && !isServing)
    return planDeletion(snapshot, status, now);
  if (status.phase === 'Pending' || status.phase === 'Creating')
    return planCreation(snapshot, status, now);
  if (status.phase === 'Failed' || status.phase === 'Deleting' || isAside(volume)) {
    return rest(status, 'waits for its pool to retire it');
  }
  if (volume.spec.instanceRef !== undefined) {
    if (holder === undefined)
      return { step: { type: 'forgetHolder' }, because: 'its instance is gone', status };
    return planAttachment(snapshot, holder, status, now);
  }
  if (volume.spec.claimRef !== undefined)
    return rest(status, 'is claimed and waits for its instance');
  if (status.phase === 'Attaching' || status.phase === 'Attached' || status.phase === 'Detaching') {
    return planReturn(snapshot, status, now);
  }
  return planRest(snapshot, status, now);
}

function planCreation(snapshot: PoolVolumeSnapshot, status: PoolVolumeStatus, now: number): Plan {
  const { volume, disk, operation } = snapshot;
  const adopted = planAdoptedVolume(snapshot, (live) => withDisk(status, live), now);
  if (adopted) return adopted;
  const tags = tagsFor(snapshot, 'creating');
  const startedAt = status.operation && Date.parse(status.operation.startedAt);
  if (operation?.state === 'Failed') return failed(status, operation, now);
  if (disk === 'unread') return rest(status, 'waits for a look at Azure');
  if (disk === 'absent') {
    const accepted = startedAt !== undefined && operation?.state !== 'Unknown';
    if (accepted && now - startedAt < CREATION_VISIBLE_MILLISECONDS)
      return polled(snapshot, status, now);
    // What was found and is gone again is not made anew: its bytes are lost all the same.
    if (volume.spec.adopt) return failed(status, DISAPPEARED, now);
    const because = 'the record exists, the disk does not';
    return {
      step: { type: 'createDisk', name: diskName(volume), tags },
      because,
      status: inPhase(status, 'Creating', because, now),
    };
  }
  const foreign = !ownsTags(volume, disk.tags);
  if (foreign) {
    return failed(
      status,
      { code: 'ForeignChange', message: `disk ${disk.name} is not tagged as ours` },
      now,
    );
  }
  const seen = withDisk(status, disk);
  if (disk.provisioningState === 'Failed') {
    return failed(
      seen,
      { code: 'CreateFailed', message: `Azure failed to create disk ${disk.name}` },
      now,
    );
  }
  if (disk.provisioningState !== 'Succeeded' || disk.diskState !== 'Unattached') {
    return polled(snapshot, inPhase(seen, 'Creating', 'Azure is making it', now), now);
  }
  const free = tagsFor(snapshot, 'free');
  const because = 'Azure has made it';
  const done = inPhase(withoutOperation(seen), 'Free', because, now);
  const time = timestamp(now);
  return {
    step: carriesTags(disk.tags, free) ? undefined : { type: 'tagDisk', id: disk.id, tags: free },
    because,
    status: { ...done, createdAt: done.createdAt ?? time, freeSince: time },
  };
}

/** The holder's own status is the proof of attachment: this only mirrors it. */
function planAttachment(
  snapshot: PoolVolumeSnapshot,
  holder: PoolInstance,
  status: PoolVolumeStatus,
  now: number,
): Plan {
  const held = (holder.status?.volumes ?? []).find(
    ({ uid }) => uid === snapshot.volume.metadata.uid,
  );
  if (!held) {
    if (status.phase === 'Attached') {
      return rest(inPhase(status, 'Detaching', `${holder.metadata.name} let go of it`, now), '');
    }
    return rest(inPhase(status, 'Attaching', `${holder.metadata.name} is to hold it`, now), '');
  }
  const { claimRef } = snapshot.volume.spec;
  const isRead = snapshot.disk !== 'unread' && snapshot.disk !== 'absent';
  if (status.phase === 'Attached' && isMirrored(snapshot.volume) && !isRead)
    return rest(status, 'is attached');
  if (snapshot.disk === 'unread') return rest(status, 'waits for a look at Azure');
  const because = `attached to ${holder.metadata.name} at LUN ${held.lun}`;
  const attached: PoolVolumeStatus = {
    ...inPhase(status, 'Attached', because, now),
    lun: held.lun,
    attachedAt: status.attachedAt ?? timestamp(now),
    ...(claimRef ? { claimedAt: status.claimedAt ?? timestamp(now) } : {}),
  };
  if (snapshot.disk === 'absent') return rest(attached, because);
  const { volume } = snapshot;
  const tags = tagsFor({ ...snapshot, volume: { ...volume, status: attached } }, 'attached');
  return {
    step: carriesTags(snapshot.disk.tags, tags)
      ? undefined
      : { type: 'tagDisk', id: snapshot.disk.id, tags },
    because,
    status: withDisk(attached, snapshot.disk),
  };
}

/** Released by its instance: used disks are kept or retired, never handed out again as fresh ones. */
function planReturn(snapshot: PoolVolumeSnapshot, status: PoolVolumeStatus, now: number): Plan {
  const { volume, disk } = snapshot;
  if (disk === 'unread') return rest(status, 'waits for a look at Azure');
  if (disk === 'absent') {
    return failed(status, DISAPPEARED, now);
  }
  if (disk.managedBy !== undefined || disk.diskState !== 'Unattached') {
    const waiting = withDisk(inPhase(status, 'Detaching', 'Azure is detaching it', now), disk);
    return {
      step: undefined,
      because: 'Azure is detaching it',
      status: waiting,
      waitMilliseconds: poll(snapshot, 0),
    };
  }
  const { lun: _, attachedAt: __, claimedAt: ___, ...loose } = withDisk(status, disk);
  if (volume.spec.lastClaimRef === undefined) {
    const because = 'detached unused';
    const tags = tagsFor(snapshot, 'free');
    return {
      step: { type: 'tagDisk', id: disk.id, tags },
      because,
      status: { ...inPhase(loose, 'Free', because, now), freeSince: timestamp(now) },
    };
  }
  const because = `released by claim ${volume.spec.lastClaimRef.name}`;
  const retained = { ...inPhase(loose, 'Retained', because, now), releasedAt: timestamp(now) };
  const tags = tagsFor({ ...snapshot, volume: { ...volume, status: retained } }, 'retained');
  return { step: { type: 'tagDisk', id: disk.id, tags }, because, status: retained };
}

function planRest(snapshot: PoolVolumeSnapshot, status: PoolVolumeStatus, now: number): Plan {
  const drifted = planDrifted(snapshot, status, now);
  if (drifted) return drifted;
  const policy = snapshot.pool?.spec.reclaimPolicy ?? 'Retain';
  const used = snapshot.volume.spec.lastClaimRef !== undefined;
  if (used && policy !== 'Retain') {
    return { step: { type: 'retire' }, because: `reclaimPolicy is ${policy}`, status };
  }
  if (used) return rest(inPhase(status, 'Retained', 'released, kept with its bytes', now), '');
  return rest(status, 'is free');
}

/** The record is retired: delete the disk once the live look shows it unused and ours. */
function planDeletion(snapshot: PoolVolumeSnapshot, status: PoolVolumeStatus, now: number): Plan {
  const { volume, disk, holder, operation } = snapshot;
  if (!volume.metadata.finalizers?.includes(resourceFinalizer)) return rest(status, 'is gone');
  if (volume.spec.instanceRef !== undefined) {
    if (holder === undefined)
      return { step: { type: 'forgetHolder' }, because: 'its instance is gone', status };
    return rest(status, `waits for ${holder.metadata.name} to detach it`);
  }
  if (volume.spec.claimRef !== undefined) {
    return rest(status, `waits for the release of claim ${volume.spec.claimRef.name}`);
  }
  if (disk === 'unread') return rest(status, 'waits for a look at Azure');
  if (disk === 'absent') {
    // An accepted creation may still bring the disk into being: leave only when that is settled.
    if (status.operation?.type === 'Create' && operation?.state === 'InProgress')
      return polled(snapshot, status, now);
    return { step: { type: 'releaseRecord' }, because: 'the disk is gone', status };
  }
  const deleting = withDisk(inPhase(status, 'Deleting', 'the record was deleted', now), disk);
  if (!ownsTags(volume, disk.tags)) {
    return {
      step: { type: 'releaseRecord' },
      because: `disk ${disk.name} is not tagged as ours and is left alone`,
      status: deleting,
    };
  }
  if (keepsBytes(volume, snapshot.pool) && snapshot.swept) {
    const because = `reclaimPolicy is Retain: disk ${disk.name} stays in Azure`;
    const tags = tagsFor(snapshot, 'retained');
    if (carriesTags(disk.tags, tags))
      return { step: { type: 'releaseRecord' }, because, status: deleting };
    return { step: { type: 'tagDisk', id: disk.id, tags }, because, status: deleting };
  }
  if (disk.managedBy !== undefined) {
    return {
      ...polled(snapshot, deleting, now),
      because: `waits for ${disk.managedBy} to detach it`,
    };
  }
  if (status.operation?.type === 'Delete' && operation?.state === 'InProgress')
    return polled(snapshot, deleting, now);
  return {
    step: { type: 'deleteDisk', id: disk.id },
    because: 'unused and ours',
    status: withoutOperation(deleting),
  };
}

/** True when the disk may hold a user's bytes that nobody has asked to destroy. */
export function keepsBytes(volume: PoolVolume, pool: VolumePool | undefined): boolean {
  return (
    volume.spec.lastClaimRef !== undefined && (pool?.spec.reclaimPolicy ?? 'Retain') === 'Retain'
  );
}

export function diskName(volume: PoolVolume): string {
  return volume.spec.adopt?.name ?? cloudName('volume', volume.metadata.uid);
}

function tagsFor(snapshot: PoolVolumeSnapshot, status: TagStatus): Record<string, string> {
  const { volume, installation } = snapshot;
  // A retained disk keeps its last claim's name: it is how the record of its owner is rebuilt.
  const claim =
    volume.spec.claimRef ?? (status === 'retained' ? volume.spec.lastClaimRef : undefined);
  return memberTags(volume, installation, status, claim);
}

function withDisk(status: PoolVolumeStatus, disk: DiskSeen): PoolVolumeStatus {
  return {
    ...status,
    azure: {
      name: disk.name,
      resourceId: disk.id,
      uniqueId: disk.uniqueId,
      provisioningState: disk.provisioningState,
      diskState: disk.diskState,
      ...(disk.zone === undefined ? {} : { zone: disk.zone }),
      ...(disk.managedBy === undefined ? {} : { managedBy: disk.managedBy }),
      ...(disk.completionPercent === undefined
        ? {}
        : { completionPercent: Math.floor(disk.completionPercent) }),
    },
  };
}

function failed(
  status: PoolVolumeStatus,
  error: { readonly code: string; readonly message: string },
  now: number,
): Plan {
  const because = `${error.code}: ${error.message}`.slice(0, 512);
  const { operation: _, ...rested } = inPhase(status, 'Failed', because, now);
  const lastError = { code: error.code, message: error.message, time: timestamp(now) };
  return { step: undefined, because, status: { ...rested, lastError } };
}

function rest(status: PoolVolumeStatus, because: string): Plan {
  return { step: undefined, because, status };
}

function polled(snapshot: PoolVolumeSnapshot, status: PoolVolumeStatus, now: number): Plan {
  const startedAt = status.operation ? Date.parse(status.operation.startedAt) : now;
  return {
    step: undefined,
    because: 'waits for Azure',
    status,
    waitMilliseconds: poll(snapshot, now - startedAt),
  };
}

function poll(snapshot: PoolVolumeSnapshot, elapsed: number): number {
  return nextPollDelay(POLL_DISK, elapsed, snapshot.pollPace);
}
