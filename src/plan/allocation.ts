// Which waiting claim gets which instance and volume: oldest claim first, longest free member first,
// pairs in one zone. The decision is only a proposal: a compare-and-swap on each member makes it true.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';

export interface AllocationInput {
  /** Claims of one instance pool that lack an instance, or have one and lack their volume. */
  readonly claims: readonly WaitingClaim[];
  /** All instances of the pool. */
  readonly instances: readonly PoolInstance[];
  /** All volumes of a volume pool of the namespace. */
  readonly volumesOf: (volumePool: string) => readonly PoolVolume[];
  readonly volumeNamed: (name: string) => PoolVolume | undefined;
}

export interface WaitingClaim {
  readonly claim: InstanceClaim;
  /** The instance it owns already, when only the volume is missing. */
  readonly instance: PoolInstance | undefined;
}

export interface Binding {
  readonly claim: InstanceClaim;
  /** Bound to the claim first, unless the claim owns it already. */
  readonly instance: PoolInstance;
  readonly alreadyBound: boolean;
  readonly volume: PoolVolume | undefined;
}

export function isBindable({ metadata, spec, status }: PoolInstance): boolean {
  return (
    status?.phase === 'Free' &&
    spec.claimRef === undefined &&
    metadata.deletionTimestamp === undefined
  );
}

/** Free, never used, and on its way nowhere. */
export function isFreshVolume({ metadata, spec, status }: PoolVolume): boolean {
  return (
    status?.phase === 'Free' &&
    spec.claimRef === undefined &&
    spec.instanceRef === undefined &&
    spec.lastClaimRef === undefined &&
    metadata.deletionTimestamp === undefined
  );
}

export function allocate(input: AllocationInput): Binding[] {
  const free = input.instances.filter(isBindable).sort(longestFreeFirst);
  const fresh = new Map<string, PoolVolume[]>();
  const freshOf = (pool: string): PoolVolume[] => {
    const known =
      fresh.get(pool) ?? input.volumesOf(pool).filter(isFreshVolume).sort(longestFreeFirst);
    fresh.set(pool, known);
    return known;
  };
  const bindings: Binding[] = [];
  for (const { claim, instance: bound } of [...input.claims].sort(oldestClaimFirst)) {
    const volumes = volumeCandidates(claim, freshOf, input.volumeNamed);
    if (bound) {
      const volume = volumes?.find((candidate) => sameZone(bound, candidate));
      if (!volume) continue;
      take(volumes, volume);
      bindings.push({ claim, instance: bound, alreadyBound: true, volume });
      continue;
    }
    const pair = choosePair(free, volumes);
    if (!pair) {
      // First come, first served: an instance is kept aside for a claim that waits for its volume.
      free.shift();
      continue;
    }
    take(free, pair.instance);
    if (volumes && pair.volume) take(volumes, pair.volume);
    bindings.push({ claim, ...pair, alreadyBound: false });
  }
  return bindings;
}

/** Undefined when the claim asks for no volume. */
function volumeCandidates(
  claim: InstanceClaim,
  freshOf: (pool: string) => PoolVolume[],
  volumeNamed: AllocationInput['volumeNamed'],
): PoolVolume[] | undefined {
  const asked = claim.spec.volume;
  if (!asked) return undefined;
  if (asked.type === 'New') return freshOf(asked.new.poolRef.name);
  const volume = volumeNamed(asked.existing.name);
  return volume && isClaimable(volume, asked.existing.uid) ? [volume] : [];
}

/** A volume that somebody names may be used or fresh, but must be at rest and nobody's. */
export function isClaimable({ metadata, spec, status }: PoolVolume, uid: string): boolean {
  const atRest = status?.phase === 'Retained' || status?.phase === 'Free';
  return (
    metadata.uid === uid &&
    atRest &&
    spec.claimRef === undefined &&
    spec.instanceRef === undefined &&
    metadata.deletionTimestamp === undefined
  );
}

function choosePair(
  free: readonly PoolInstance[],
  volumes: readonly PoolVolume[] | undefined,
): { instance: PoolInstance; volume: PoolVolume | undefined } | undefined {
  for (const instance of free) {
    if (!volumes) return { instance, volume: undefined };
    const volume = volumes.find((candidate) => sameZone(instance, candidate));
    if (volume) return { instance, volume };
  }
  return undefined;
}

/** Zone-redundant disks attach in any zone; all others only in their own. */
function sameZone(instance: PoolInstance, volume: PoolVolume): boolean {
  return volume.spec.sku.endsWith('_ZRS') || instance.spec.azure.zone === volume.spec.azure.zone;
}

function take<T>(items: T[] | undefined, item: T): void {
  items?.splice(items.indexOf(item), 1);
}

export function oldestClaimFirst(a: WaitingClaim, b: WaitingClaim): number {
  return compareTexts(sortKey(a.claim), sortKey(b.claim));
}

function longestFreeFirst(a: PoolInstance | PoolVolume, b: PoolInstance | PoolVolume): number {
  const times = compareTexts(a.status?.freeSince ?? '', b.status?.freeSince ?? '');
  return times || a.spec.ordinal - b.spec.ordinal;
}

function sortKey({ metadata }: InstanceClaim): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
