// The first passes over a disk that was found without its record, and over one at rest that differs
// from its record: where it stands is read from the live look, never asked of Azure anew.
import { timestamp } from '../api/conditions.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import { carriesTags, inPhase, memberTags, ownsTags, type TagStatus } from './member.ts';
import type { DiskSeen, MemberPlan, PoolVolumeSnapshot, PoolVolumeStep } from './pool-volume.ts';

type Plan = MemberPlan<PoolVolumeStep, PoolVolumeStatus>;

/**
 * Undefined where an adopted disk goes on as one that was made for its record: on its way to Free, or
 * to the refusal of a disk that isn't ours. `seen` is the status with what the look showed.
 */
export function planAdoptedVolume(
  snapshot: PoolVolumeSnapshot,
  seen: (disk: DiskSeen) => PoolVolumeStatus,
  now: number,
): Plan | undefined {
  const { volume, disk } = snapshot;
  const { adopt, instanceRef, lastClaimRef } = volume.spec;
  if (!adopt || disk === 'unread' || disk === 'absent') return undefined;
  if (!ownsTags(volume, disk.tags)) return undefined;
  const status = { ...seen(disk), createdAt: timestamp(now) };
  if (adopt.quarantine !== undefined && volume.spec.claimRef === undefined) {
    const because = adopt.quarantine;
    const lastError = { code: 'StateUnproven', message: because, time: timestamp(now) };
    const aside = { ...inPhase(status, 'Quarantined', because, now), lastError };
    return tagged(snapshot, disk, aside, 'quarantined');
  }
  // Its instance proves the attachment; the tags follow then.
  if (instanceRef) {
    const because = `found again, held by ${instanceRef.name}`;
    return { step: undefined, because, status: inPhase(status, 'Attaching', because, now) };
  }
  if (lastClaimRef) {
    const because = `found again, released by claim ${lastClaimRef.name}`;
    const kept = { ...inPhase(status, 'Retained', because, now), releasedAt: timestamp(now) };
    return tagged(snapshot, disk, kept, 'retained');
  }
  return undefined;
}

function tagged(
  { volume, installation }: PoolVolumeSnapshot,
  disk: DiskSeen,
  status: PoolVolumeStatus,
  word: TagStatus,
): Plan {
  const tags = memberTags(volume, installation, word, volume.spec.lastClaimRef);
  const step = { type: 'tagDisk', id: disk.id, tags } as const;
  const because = status.history[0]?.because ?? '';
  return { step: carriesTags(disk.tags, tags) ? undefined : step, because, status };
}

/** A disk at rest that was looked at because something spoke against its record. */
export function planDrifted(
  snapshot: PoolVolumeSnapshot,
  status: PoolVolumeStatus,
  now: number,
): Plan | undefined {
  const { volume, disk } = snapshot;
  if (disk === 'unread') return undefined;
  if (disk === 'absent') {
    const message = 'the disk was deleted outside Poolkeeper';
    return ended(status, 'Failed', { code: 'ResourceDisappeared', message }, now);
  }
  if (disk.managedBy !== undefined) {
    const machine = disk.managedBy.split('/').at(-1);
    const message = `the disk was attached to ${machine} outside Poolkeeper`;
    return ended(status, 'Quarantined', { code: 'AttachedElsewhere', message }, now);
  }
  if (disk.provisioningState === 'Failed' && volume.spec.lastClaimRef === undefined) {
    const message = `disk ${disk.name} is in the provisioning state Failed`;
    return ended(status, 'Failed', { code: 'ForeignChange', message }, now);
  }
  const isUsed = volume.spec.lastClaimRef !== undefined;
  const plan = tagged(snapshot, disk, status, isUsed ? 'retained' : 'free');
  return plan.step ? { ...plan, because: 'tags follow' } : undefined;
}

function ended(
  status: PoolVolumeStatus,
  phase: 'Failed' | 'Quarantined',
  error: { readonly code: string; readonly message: string },
  now: number,
): Plan {
  const because = `${error.code}: ${error.message}`.slice(0, 512);
  const lastError = { ...error, time: timestamp(now) };
  return {
    step: undefined,
    because,
    status: { ...inPhase(status, phase, because, now), lastError },
  };
}
