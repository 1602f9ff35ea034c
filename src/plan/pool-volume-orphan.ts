// A disk whose pool was deleted with deletionPolicy Orphan while somebody used it: our tags come off, then
// its record goes, and the disk itself is never touched. The record goes last, so that there is no moment
// in which the disk looks like something that was lost.
import { resourceFinalizer } from '../api/names.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import { inPhase, isOrphanTagged, orphanTags } from './member.ts';
import type { PoolVolumePlan, PoolVolumeSnapshot } from './pool-volume.ts';
import { polled, rest, withDisk } from './pool-volume-status.ts';

const BECAUSE = 'its pool is deleted with deletionPolicy Orphan';

/** True once it is to be let go of: marked so, or swept away with such a pool while it was kept. */
export function isOrphaned({ volume, pool }: PoolVolumeSnapshot): boolean {
  const { spec, metadata } = volume;
  if (spec.orphan) return true;
  const isSwept =
    pool?.metadata.deletionTimestamp !== undefined && pool.spec.deletionPolicy === 'Orphan';
  const isKept = spec.lastClaimRef !== undefined && spec.claimRef === undefined;
  return isSwept && isKept && metadata.deletionTimestamp !== undefined && !isGoing(volume.status);
}

function isGoing(status: PoolVolumeStatus | undefined): boolean {
  return status?.phase === 'Deleting' || status?.reclaimPolicy === 'Delete';
}

export function planOrphan(
  snapshot: PoolVolumeSnapshot,
  before: PoolVolumeStatus,
  now: number,
): PoolVolumePlan {
  const { volume, disk, operation } = snapshot;
  const isDeleted = volume.metadata.deletionTimestamp !== undefined;
  if (isDeleted && !volume.metadata.finalizers?.includes(resourceFinalizer)) {
    return rest(before, 'is gone');
  }
  if (disk === 'unread') return rest(before, 'waits for a look at Azure');
  const status = inPhase(before, 'Detaching', BECAUSE, now);
  if (disk === 'absent') {
    if (operation?.state === 'InProgress') return polled(snapshot, status, now);
    return letGo(isDeleted, status);
  }
  const seen = withDisk(status, disk);
  const waitsFor = whatHolds(snapshot);
  if (waitsFor) return { ...polled(snapshot, seen, now), because: waitsFor };
  const { installation } = snapshot;
  if (!isOrphanTagged(disk.tags)) {
    const tags = orphanTags(volume, installation, disk.tags);
    return { step: { type: 'tagDisk', id: disk.id, tags }, because: BECAUSE, status: seen };
  }
  return letGo(isDeleted, seen);
}

/** The machine it is attached to must have noted that the disk is none of ours any more. */
function whatHolds({ volume, holder, disk }: PoolVolumeSnapshot): string | undefined {
  if (!holder || typeof disk === 'string') return undefined;
  const noted = holder.status?.volumes.find(({ uid }) => uid === volume.metadata.uid);
  if (noted?.orphaned) return undefined;
  const isBetween = disk.managedBy !== undefined || noted !== undefined;
  const isMoving = ['Attach', 'Detach'].includes(holder.status?.operation?.type ?? '');
  return isBetween || isMoving ? `waits for ${holder.metadata.name} to take note` : undefined;
}

function letGo(isDeleted: boolean, status: PoolVolumeStatus): PoolVolumePlan {
  const step = { type: isDeleted ? 'releaseRecord' : 'retire' } as const;
  return { step, because: 'the disk is no business of ours any more', status };
}
