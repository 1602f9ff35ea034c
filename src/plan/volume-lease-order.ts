// Which of its leased volumes a storage pool keeps, which it is to do without, and how many it lacks. The
// order is that of its status, so that the disks of an array never change places among themselves.
import type { LeasedVolume } from '../api/leased-volume.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import { isFreshVolume } from './allocation.ts';
import { isKnownAs } from './member.ts';

/** One disk of the pool. A record that is lost for a while leaves the entry of the status. */
export interface Lease {
  readonly entry: LeasedVolume | undefined;
  readonly volume: PoolVolume | undefined;
}

/** One whose record is there. */
export interface HeldLease extends Lease {
  readonly volume: PoolVolume;
}

export interface LeaseOrder {
  readonly kept: readonly Lease[];
  /** More than asked for, lost, or retired by somebody who deleted the record. */
  readonly leaving: readonly HeldLease[];
  readonly lacking: number;
}

/** How many disks the pool asks for; 0 where it doesn't take them from a VolumePool. */
export function volumesWanted({ spec }: StoragePool): number {
  if (spec.type !== 'mdadm' || spec.mdadm.source.type !== 'Volumes') return 0;
  return spec.mdadm.source.volumes.count;
}

/** The name of the VolumePool that it takes disks from. */
export function volumePoolNameOf({ spec }: Pick<StoragePool, 'spec'>): string | undefined {
  if (spec.type !== 'mdadm' || spec.mdadm.source.type !== 'Volumes') return undefined;
  return spec.mdadm.source.volumes.poolRef.name;
}

export function orderLeases(pool: StoragePool, leased: readonly PoolVolume[]): LeaseOrder {
  const entries = pool.status?.volumes ?? [];
  const entryOf = (volume: PoolVolume): LeasedVolume | undefined =>
    entries.find(({ uid }) => isKnownAs(volume, uid));
  const known = entries.map(
    (entry): Lease => ({ entry, volume: leased.find((one) => isKnownAs(one, entry.uid)) }),
  );
  const unknown = leased
    .filter((volume) => !entryOf(volume))
    .toSorted((one, other) => one.spec.ordinal - other.spec.ordinal)
    .map((volume): Lease => ({ entry: undefined, volume }));
  const all = [...known, ...unknown];
  const wanted = volumesWanted(pool);
  const kept = all.filter((lease) => isFit(pool, lease)).slice(0, wanted);
  return {
    kept,
    leaving: all.filter((lease): lease is HeldLease => {
      return lease.volume !== undefined && !kept.includes(lease);
    }),
    lacking: wanted - kept.length,
  };
}

function isFit({ status }: StoragePool, { entry, volume }: Lease): boolean {
  if (volume) return volume.metadata.deletionTimestamp === undefined && !isVolumeLost(volume);
  // Its record is being rebuilt, as long as the array still has the disk.
  const drive = status?.drives.find((one) => entry !== undefined && isSameDisk(one, entry));
  return drive !== undefined && drive.state !== 'Missing' && drive.state !== 'Faulty';
}

interface Named {
  readonly wwn?: string | undefined;
  readonly serial?: string | undefined;
}

export function isSameDisk(one: Named, other: Named): boolean {
  if (one.wwn !== undefined && other.wwn !== undefined) return one.wwn === other.wwn;
  return one.serial !== undefined && one.serial === other.serial;
}

/** Azure has it no more, or it can't be proven to be ours. */
export function isVolumeLost({ status }: PoolVolume): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Quarantined';
}

/** Free, never used, and without content from the day it was made. */
export function isEmptyVolume(volume: PoolVolume): boolean {
  return isFreshVolume(volume) && volume.spec.source.snapshotId === undefined;
}

/** Disks that a pool has waited for since it found too few. */
export function awaitedVolumes(pool: StoragePool, leased: readonly PoolVolume[]): number {
  if (pool.metadata.deletionTimestamp !== undefined) return 0;
  const waits = pool.status?.conditions.some(({ reason }) => reason === 'VolumePoolExhausted');
  return waits ? orderLeases(pool, leased).lacking : 0;
}
