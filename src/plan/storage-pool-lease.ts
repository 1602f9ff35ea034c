// How the disks that a storage pool has from a VolumePool show in what it says of itself: before its mount
// is there they are all that is to be told, afterwards they are news beside it.
import type { Condition } from '../api/object.ts';
import type { Reason } from '../api/reasons.ts';
import type { StoragePoolStatus } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import type { PoolDeletion } from './storage-pool-conditions.ts';
import type { MountVerdict } from './storage-pool-verdict.ts';
import type { LeasePlan } from './volume-lease-step.ts';

/** What keeps a pool without a mount from getting one. */
export function leaseStall(
  lease: LeasePlan | undefined,
  own: readonly unknown[],
): Stall | undefined {
  return own.length === 0 ? lease?.stall : undefined;
}

export function withLease(verdict: MountVerdict, lease: LeasePlan | undefined): MountVerdict {
  if (!lease || verdict.type === 'unknown') return verdict;
  const { stall, waits } = lease;
  if (!verdict.mount) {
    const message = waits?.message ?? `its disks are on their way to ${verdict.node}`;
    const isWaiting = waits?.reason === 'VolumePoolExhausted';
    const phase = isWaiting ? 'Pending' : verdict.phase;
    return { ...verdict, phase, reason: waits?.reason ?? 'Progressing', message };
  }
  const said = stall ?? waits;
  if (!said) return verdict;
  const message = `${verdict.message}; ${said.message}`.slice(0, 4096);
  if (!stall) return { ...verdict, isWorking: true, message };
  const reason = verdict.type === 'ready' ? verdict.reason : stall.reason;
  return { ...verdict, isStalled: true, complaint: stall, reason, message };
}

/** Whether the pool has the disks it asks for; undefined where its mount says so itself. */
export function disksClaimed(
  lease: LeasePlan | undefined,
): { status: Condition['status']; reason: Reason; message: string } | undefined {
  const said = lease?.stall ?? lease?.waits;
  return said && { status: 'False', reason: said.reason, message: said.message };
}

type LeaseStatus = Pick<StoragePoolStatus, 'volumes' | 'attachment' | 'progress' | 'summary'>;

/** Replaces what the rest of the status says of the same fields. */
export function leaseStatus(
  lease: LeasePlan | undefined,
  { progress, summary }: Pick<StoragePoolStatus, 'progress' | 'summary'>,
): Partial<LeaseStatus> {
  if (!lease) return {};
  const { volumes, attachment } = lease;
  const shown = progress ?? lease.progress;
  const percent = shown?.percent === undefined ? '' : ` ${shown.percent}%`;
  const inBrief = shown && { progress: `${shown.step.slice(0, 58)}${percent}` };
  return {
    volumes: [...volumes],
    ...(attachment ? { attachment } : { attachment: undefined }),
    ...(shown ? { progress: shown } : {}),
    ...(summary ? { summary: { ...summary, ...inBrief } } : {}),
  };
}

/** What a deletion waits for once the mounts are undone. */
export function leaseDeletion(
  lease: LeasePlan | undefined,
  own: readonly unknown[],
): PoolDeletion | undefined {
  if (!lease || own.length > 0 || lease.volumes.length === 0) return undefined;
  const said = lease.stall ?? lease.waits;
  return said && { reason: said.reason, message: said.message };
}
