// What is known of the disks that a storage pool has, or is to have, from a VolumePool; and what must be
// looked at in Azure before anything can be decided. Settled disks cost no calls.
import type { NodeMount } from '../api/node-mount.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { StorageDevice } from '../api/storage-node.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import type { DataDiskSeen } from './data-disks.ts';
import type { OperationSeen } from './member-plan.ts';
import { isSameResource, machineOfNode } from './node-machine.ts';
import type { DiskSeen } from './pool-volume.ts';
import { type Lease, type LeaseOrder, orderLeases } from './volume-lease-order.ts';

/** The VM of the node as Azure shows it. */
export interface NodeMachineSeen {
  readonly id: string;
  readonly name: string;
  readonly provisioningState: string;
  readonly location: string;
  readonly zone?: string;
  readonly powerState?: string;
  readonly dataDisks: readonly DataDiskSeen[];
}

export interface LeaseSnapshot {
  readonly pool: StoragePool;
  /** The VolumePool that the spec names, if there is one. */
  readonly volumePool: VolumePool | undefined;
  /** Volumes whose claimRef names this pool. */
  readonly leased: readonly PoolVolume[];
  /** Empty disks that it may take, longest free first; those kept for older claims are not among them. */
  readonly stock: readonly PoolVolume[];
  /** The node of the spec; undefined when the cluster has none of that name. */
  readonly node: { readonly name: string; readonly providerId: string | undefined } | undefined;
  /** An agent is there to use the disks. */
  readonly hasAgent: boolean;
  /** A mount of the pool is there: nothing may be taken off the machine under it. */
  readonly hasMount: boolean;
  /** The one on the pool's node. */
  readonly mount: NodeMount | undefined;
  /** Disks that the node's agent has reserved, for whichever pool. */
  readonly reserved: readonly ReservedDisk[];
  readonly machine: NodeMachineSeen | 'absent' | 'unread';
  /** Live looks, by the uid of the volume. */
  readonly disks: ReadonlyMap<string, DiskSeen | 'absent'>;
  readonly operation: OperationSeen | undefined;
  /** Why Azure could not be asked. */
  readonly trouble?: { readonly code: string; readonly message: string } | undefined;
  readonly pollPace: number;
}

export type ReservedDisk = Pick<StorageDevice, 'serial' | 'wwn' | 'azureLun'>;

export interface LeaseLook {
  readonly machineId: string;
  readonly disks: readonly PoolVolume[];
}

/** What has to be read live for the next step; undefined where nothing has. */
export function lookForLease(
  snapshot: Omit<LeaseSnapshot, 'machine' | 'disks' | 'operation'>,
): LeaseLook | undefined {
  const { pool, leased, stock } = snapshot;
  if (pool.metadata.deletionTimestamp !== undefined) return lookForRelease(snapshot);
  const ownId = machineIdOf(snapshot);
  if (ownId === undefined) return undefined;
  const order = orderLeases(pool, leased);
  const unsettled = unsettledVolumes(order, ownId);
  const mayLease = order.lacking > 0 && stock.length >= order.lacking && snapshot.hasAgent;
  return unsettled.length > 0 || mayLease ? { machineId: ownId, disks: unsettled } : undefined;
}

/** One machine at a time: as a rule there is one only. */
function lookForRelease({
  leased,
  hasMount,
}: Pick<LeaseSnapshot, 'leased' | 'hasMount'>): LeaseLook | undefined {
  const machineId = leased[0]?.spec.node?.machineId;
  if (hasMount || machineId === undefined) return undefined;
  return { machineId, disks: leased.filter((volume) => isOn(volume, machineId)) };
}

function unsettledVolumes({ kept, leaving }: LeaseOrder, ownId: string): PoolVolume[] {
  const unsettled = kept.filter((lease) => !isSettled(lease, ownId));
  return [...unsettled, ...leaving].flatMap(({ volume }) => volume ?? []);
}

function isSettled({ entry, volume }: Lease, ownId: string): boolean {
  if (!volume) return true;
  const isAttached = entry?.state === 'Attached' && volume.status?.phase === 'Attached';
  return isAttached && isOn(volume, ownId);
}

/** The VM of the pool's node; undefined where there is none that disks could be attached to. */
export function machineIdOf({ node }: Pick<LeaseSnapshot, 'node'>): string | undefined {
  const machine = node && machineOfNode(node.name, node.providerId);
  return machine?.type === 'machine' ? machine.id : undefined;
}

export function isOn({ spec }: PoolVolume, machineId: string): boolean {
  return isSameResource(spec.node?.machineId, machineId);
}
