// The record of a disk is deleted: the disk goes once a live look shows it unused and ours, unless it holds
// bytes that nobody has asked to destroy.
import { resourceFinalizer } from '../api/names.ts';
import type { PoolVolume, PoolVolumeStatus } from '../api/pool-volume.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { carriesTags, inPhase, ownsTags, withoutOperation } from './member.ts';
import type { DiskSeen, PoolVolumePlan as Plan, PoolVolumeSnapshot } from './pool-volume.ts';
import { polled, rest, tagsFor, withDisk } from './pool-volume-status.ts';

/** The record is retired: delete the disk once the live look shows it unused and ours. */
export function planDeletion(
  snapshot: PoolVolumeSnapshot,
  status: PoolVolumeStatus,
  now: number,
): Plan {
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
  if (ownsTags(volume, disk.tags) && isToStay(snapshot, status)) {
    return planKeeping(snapshot, withDisk(status, disk), disk, now);
  }
  const deleting = withDisk(inPhase(status, 'Deleting', 'the record was deleted', now), disk);
  if (!ownsTags(volume, disk.tags)) {
    return {
      step: { type: 'releaseRecord' },
      because: `disk ${disk.name} is not tagged as ours and is left alone`,
      status: deleting,
    };
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

/**
 * Deleting a kept disk's own record is how its bytes are destroyed. Deleting one that a claim still had was
 * never meant for them, nor was deleting the pool or the namespace: then the disk stays, tagged as kept, and
 * while its pool is there a record is made for it again.
 */
function isToStay({ volume, pool, swept }: PoolVolumeSnapshot, status: PoolVolumeStatus): boolean {
  return keepsBytes(volume, pool) && (swept || IN_USE.has(status.phase));
}

/** Phases of a disk that has not come to rest since its claim. */
const IN_USE: ReadonlySet<string> = new Set(['Free', 'Attaching', 'Attached', 'Detaching']);

/** Never by way of `Deleting`: the phase is what tells the next pass that it is to stay. */
function planKeeping(
  snapshot: PoolVolumeSnapshot,
  status: PoolVolumeStatus,
  disk: DiskSeen,
  now: number,
): Plan {
  const because = `reclaimPolicy is Retain: disk ${disk.name} stays in Azure`;
  const kept = IN_USE.has(status.phase) ? inPhase(status, 'Detaching', because, now) : status;
  const tags = tagsFor(snapshot, 'retained');
  if (carriesTags(disk.tags, tags)) {
    return { step: { type: 'releaseRecord' }, because, status: kept };
  }
  return { step: { type: 'tagDisk', id: disk.id, tags }, because, status: kept };
}

/** True when the disk may hold a user's bytes that nobody has asked to destroy. */
export function keepsBytes(volume: PoolVolume, pool: VolumePool | undefined): boolean {
  if (volume.spec.lastClaimRef === undefined) return false;
  return reclaimPolicyOf({ volume, pool }) === 'Retain';
}

/** What was decided when its claim let go of it, else what the pool says; in doubt the bytes stay. */
export function reclaimPolicyOf({
  volume,
  pool,
}: Pick<PoolVolumeSnapshot, 'volume' | 'pool'>): VolumePool['spec']['reclaimPolicy'] {
  const { releasedAs } = volume.spec;
  return volume.status?.reclaimPolicy ?? releasedAs ?? pool?.spec.reclaimPolicy ?? 'Retain';
}
