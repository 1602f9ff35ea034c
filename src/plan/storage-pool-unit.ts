// Which pool may have a logical unit: a unit that two nodes mount is destroyed within minutes, so of all
// pools of the cluster that name it one has it, and it moves only when it is let go of for certain.
import type { StoragePool } from '../api/storage-pool.ts';
import type { IscsiEndpoint } from './storage-pool-endpoint.ts';

export interface UnitClaimant {
  readonly pool: StoragePool;
  readonly endpoint: IscsiEndpoint;
  /** Nodes that have, or may still have, the unit for this pool. */
  readonly nodes: readonly string[];
}

/**
 * The other pool that has the unit, or comes before this one. Whoever has it on a node keeps it; of
 * those that don't, the oldest is first.
 */
export function unitHolder(
  pool: StoragePool,
  own: { readonly endpoint: IscsiEndpoint; readonly nodes: readonly string[] },
  others: readonly UnitClaimant[],
): UnitClaimant | undefined {
  const rivals = others.filter(
    (one) => one.pool.metadata.uid !== pool.metadata.uid && isSameUnit(one.endpoint, own.endpoint),
  );
  const holder = rivals.find(({ nodes }) => nodes.length > 0);
  if (own.nodes.length > 0) return undefined;
  if (holder) return holder;
  return rivals.filter((one) => comesBefore(one.pool, pool)).sort(byAge)[0];
}

/** A target has one name wherever it is reached from. */
function isSameUnit(one: IscsiEndpoint, other: IscsiEndpoint): boolean {
  return one.target === other.target && one.lun === other.lun;
}

function comesBefore(one: StoragePool, other: StoragePool): boolean {
  if (one.metadata.deletionTimestamp !== undefined) return false;
  return ageOf(one) < ageOf(other);
}

function byAge(one: UnitClaimant, other: UnitClaimant): number {
  return ageOf(one.pool) < ageOf(other.pool) ? -1 : 1;
}

function ageOf({ metadata }: StoragePool): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}

export function describeHolder({ pool, endpoint, nodes }: UnitClaimant): string {
  const where = nodes.length > 0 ? ` on ${nodes.join(', ')}` : '';
  const { namespace, name } = pool.metadata;
  return (
    `logical unit ${endpoint.lun} of ${endpoint.target} belongs to StoragePool ` +
    `${namespace}/${name}${where}; mounted twice it would be destroyed`
  );
}
