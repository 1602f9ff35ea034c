// What it means for the rest of a pool that it is offered to pods: what stays, what has to wait, and for whom.
import type { NodeMount } from '../api/node-mount.ts';
import type { Reason } from '../api/reasons.ts';
import type { Stall } from './pool-conditions.ts';
import type { PoolDeletion } from './storage-pool-conditions.ts';
import type { ExposurePlan } from './storage-pool-exposure.ts';
import type { Move } from './storage-pool-move.ts';

/** What only one node can have does not move away from under a claim. */
export function heldByClaim(move: Move, exposure: ExposurePlan | undefined): Stall | undefined {
  const [node] = exposure?.keptNodes ?? [];
  if (move.mayCreate || node === undefined || exposure?.inUse === undefined) return undefined;
  return { reason: 'VolumesBound', message: `${node} has it still: ${exposure.inUse}` };
}

export function exposureDeletion(exposure: ExposurePlan | undefined): PoolDeletion | undefined {
  const { inUse, going } = exposure ?? {};
  if (inUse !== undefined) return { reason: 'VolumesBound', message: inUse };
  return going === undefined ? undefined : { reason: 'DeletionRequested', message: going };
}

/** Pods may use it through a PersistentVolume that is still there. */
export function isOffered({ spec }: NodeMount, exposure: ExposurePlan | undefined): boolean {
  return exposure?.keepsAll === true || exposure?.keptNodes.has(spec.nodeName) === true;
}

export function hasVolumes(exposure: ExposurePlan | undefined): boolean {
  return exposure !== undefined && (exposure.keepsAll || exposure.keptNodes.size > 0);
}

const exposureRefusals: ReadonlySet<Reason> = new Set([
  'StorageClassMismatch',
  'CleanupBlocked',
  'MountPathInUse',
]);

/** What can't be offered as the spec asks stalls the pool, although nodes have it mounted. */
export function exposureStall(exposure: ExposurePlan | undefined): Stall | undefined {
  const { reason, message } = exposure?.condition ?? {};
  const isRefused = reason !== undefined && exposureRefusals.has(reason);
  return isRefused && message !== undefined ? { reason, message } : undefined;
}
