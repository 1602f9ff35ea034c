// How a pooled disk's status changes with what is seen and with what went wrong.
import { timestamp } from '../api/conditions.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import { nextPollDelay, POLL_DISK } from './backoff.ts';
import { inPhase, memberTags, type TagStatus } from './member.ts';
import type { DiskSeen, PoolVolumePlan as Plan, PoolVolumeSnapshot } from './pool-volume.ts';

export const DISAPPEARED = {
  code: 'ResourceDisappeared',
  message: 'the disk was deleted outside Poolkeeper',
} as const;

export function tagsFor(snapshot: PoolVolumeSnapshot, status: TagStatus): Record<string, string> {
  const { volume, installation } = snapshot;
  // A retained disk keeps its last claim's name: it is how the record of its owner is rebuilt.
  const claim =
    volume.spec.claimRef ?? (status === 'retained' ? volume.spec.lastClaimRef : undefined);
  return memberTags(volume, installation, status, claim);
}

export function withDisk(status: PoolVolumeStatus, disk: DiskSeen): PoolVolumeStatus {
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

export function failed(
  status: PoolVolumeStatus,
  error: { readonly code: string; readonly message: string },
  now: number,
): Plan {
  const because = `${error.code}: ${error.message}`.slice(0, 512);
  const { operation: _, ...rested } = inPhase(status, 'Failed', because, now);
  const lastError = { code: error.code, message: error.message, time: timestamp(now) };
  return { step: undefined, because, status: { ...rested, lastError } };
}

export function rest(status: PoolVolumeStatus, because: string): Plan {
  return { step: undefined, because, status };
}

export function polled(snapshot: PoolVolumeSnapshot, status: PoolVolumeStatus, now: number): Plan {
  const startedAt = status.operation ? Date.parse(status.operation.startedAt) : now;
  return {
    step: undefined,
    because: 'waits for Azure',
    status,
    waitMilliseconds: poll(snapshot, now - startedAt),
  };
}

export function poll(snapshot: PoolVolumeSnapshot, elapsed: number): number {
  return nextPollDelay(POLL_DISK, elapsed, snapshot.pollPace);
}
