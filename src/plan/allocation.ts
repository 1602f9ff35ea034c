// Which waiting claim gets which instance and volume: oldest claim first, longest free member first,
// pairs in one zone. The decision is only a proposal: a compare-and-swap on each member makes it true.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { isKnownAs } from './member.ts';

export interface AllocationInput {
  /** Claims of one instance pool that lack something, or whose instance holds more than they asked for. */
  readonly claims: readonly WaitingClaim[];
  /** All instances of the pool. */
  readonly instances: readonly PoolInstance[];
  /** All volumes of a volume pool of the namespace. */
  readonly volumesOf: (volumePool: string) => readonly PoolVolume[];
  readonly volumeNamed: (name: string) => PoolVolume | undefined;
  /** Volumes whose spec.instanceRef is this instance. */
  readonly heldBy: (instance: PoolInstance) => readonly PoolVolume[];
}

export interface WaitingClaim {
  readonly claim: InstanceClaim;
  /** The instance it owns already, when only the volume is missing. */
  readonly instance: PoolInstance | undefined;
  /** The volume it owns already. */
  readonly volume?: PoolVolume | undefined;
  /** Volumes on its instance that it owns beside that one. */
  readonly surplus?: readonly PoolVolume[];
}

export interface Binding {
  readonly claim: InstanceClaim;
  /** Bound to the claim first, unless the claim owns it already. */
  readonly instance: PoolInstance;
  readonly alreadyBound: boolean;
  readonly volume: PoolVolume | undefined;
  /** Prewarmed volumes of the instance that the claim has no use for: they are let go of. */
  readonly unwanted: readonly PoolVolume[];
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
  const stock = new Stock(input);
  const bindings: Binding[] = [];
  for (const waiting of [...input.claims].sort(oldestClaimFirst)) {
    const { claim, instance } = waiting;
    if (instance) {
      const completion = complete(input, stock, { ...waiting, instance });
      if (completion) bindings.push(completion);
      continue;
    }
    const pair = stock.takePair(claim);
    if (pair) bindings.push({ claim, alreadyBound: false, ...pair });
  }
  return bindings;
}

/** What a crash left undone for a claim that has its instance: its volume, or letting go of others. */
function complete(
  { heldBy }: AllocationInput,
  stock: Stock,
  { claim, instance, volume: owned, surplus = [] }: WaitingClaim & { instance: PoolInstance },
): Binding | undefined {
  const volume = claim.spec.volume && !owned ? stock.takeVolumeFor(claim, instance) : undefined;
  const wanted = owned ?? volume;
  // While its volume is still to come, one that it holds ahead of time may yet be the one.
  const settled = wanted !== undefined || claim.spec.volume === undefined;
  const spare = settled ? heldBy(instance).filter((held) => isSpare(held, wanted)) : [];
  const unwanted = [...spare, ...surplus];
  if (!volume && unwanted.length === 0) return undefined;
  return { claim, instance, alreadyBound: true, volume, unwanted };
}

function isSpare({ metadata, spec }: PoolVolume, wanted: PoolVolume | undefined): boolean {
  return spec.claimRef === undefined && metadata.uid !== wanted?.metadata.uid;
}

type Pair = Pick<Binding, 'instance' | 'volume' | 'unwanted'>;

/** What is left to hand out while claims are served one after another. */
class Stock {
  readonly #input: AllocationInput;
  readonly #free: PoolInstance[];
  readonly #fresh = new Map<string, PoolVolume[]>();
  readonly #handedOut = new Set<string>();

  constructor(input: AllocationInput) {
    this.#input = input;
    this.#free = input.instances.filter(isBindable).sort(longestFreeFirst);
  }

  /** For a claim whose instance is bound already: the volume it holds ahead of time, or another. */
  takeVolumeFor(claim: InstanceClaim, instance: PoolInstance): PoolVolume | undefined {
    const held = this.#input.heldBy(instance).find((volume) => isPrewarmedFor(claim, volume));
    if (held) return held;
    const volumes = this.#candidates(claim);
    const volume = volumes?.find((candidate) => canPair(instance, candidate));
    if (volume) this.#handOut(volumes!, volume);
    return volume;
  }

  /** The best instance with its volume; undefined when the claim has to wait. */
  takePair(claim: InstanceClaim): Pair | undefined {
    const pair = this.#choose(claim);
    if (pair) take(this.#free, pair.instance);
    // First come, first served: an instance is kept aside for a claim that waits for its volume.
    else if (mayBeServed(claim, this.#input.volumeNamed)) this.#free.shift();
    return pair;
  }

  #choose(claim: InstanceClaim): Pair | undefined {
    const warm = this.#prewarmed(claim);
    if (warm) return warm;
    const volumes = this.#candidates(claim);
    // Bare ones first: a prewarmed volume that nobody asked for has to be taken off again.
    const bare = this.#free.filter((instance) => this.#input.heldBy(instance).length === 0);
    for (const instance of bare.length > 0 ? [...bare, ...this.#free] : this.#free) {
      const unwanted = this.#input.heldBy(instance);
      if (!volumes) return { instance, volume: undefined, unwanted };
      const volume = volumes.find((candidate) => canPair(instance, candidate));
      if (!volume) continue;
      this.#handOut(volumes, volume);
      return { instance, volume, unwanted };
    }
    return undefined;
  }

  /** An instance that holds just what the claim asks for: no call to Azure is needed. */
  #prewarmed(claim: InstanceClaim): Pair | undefined {
    if (claim.spec.volume?.type !== 'New') return undefined;
    for (const instance of this.#free) {
      const held = this.#input.heldBy(instance);
      const volume = held.find((candidate) => isPrewarmedFor(claim, candidate));
      const attached = instance.status?.volumes.some(({ uid }) => uid === volume?.metadata.uid);
      if (volume && attached && held.length === 1) return { instance, volume, unwanted: [] };
    }
    return undefined;
  }

  #handOut(volumes: PoolVolume[], volume: PoolVolume): void {
    take(volumes, volume);
    this.#handedOut.add(volume.metadata.uid);
  }

  /** Volumes that could be attached for the claim; undefined when it asks for none. */
  #candidates(claim: InstanceClaim): PoolVolume[] | undefined {
    const asked = claim.spec.volume;
    if (!asked) return undefined;
    if (asked.type === 'New') return this.#freshOf(asked.new.poolRef.name);
    const volume = this.#input.volumeNamed(asked.existing.name);
    const isThere = volume && isClaimable(volume, asked.existing.uid);
    return isThere && !this.#handedOut.has(volume.metadata.uid) ? [volume] : [];
  }

  #freshOf(pool: string): PoolVolume[] {
    const known = this.#fresh.get(pool);
    if (known) return known;
    const fresh = this.#input.volumesOf(pool).filter(isFreshVolume).sort(longestFreeFirst);
    this.#fresh.set(pool, fresh);
    return fresh;
  }
}

/** A fresh volume that an instance got ahead of time, from the pool that the claim draws from. */
function isPrewarmedFor({ spec: { volume: asked } }: InstanceClaim, volume: PoolVolume): boolean {
  const { metadata, spec } = volume;
  return (
    asked?.type === 'New' &&
    spec.poolRef.name === asked.new.poolRef.name &&
    spec.claimRef === undefined &&
    spec.lastClaimRef === undefined &&
    metadata.deletionTimestamp === undefined
  );
}

/**
 * False while no instance could help: the volume that the claim names does not exist or is another's.
 * Such a claim keeps nothing from those behind it, and nothing is made for it.
 */
export function mayBeServed(
  { spec: { volume: asked } }: InstanceClaim,
  volumeNamed: AllocationInput['volumeNamed'],
): boolean {
  if (asked?.type !== 'Existing') return true;
  const volume = volumeNamed(asked.existing.name);
  return (
    volume?.metadata.uid === asked.existing.uid &&
    volume.spec.claimRef === undefined &&
    volume.metadata.deletionTimestamp === undefined
  );
}

/** A volume that somebody names may be used or fresh, but must be at rest and nobody's. */
export function isClaimable(volume: PoolVolume, uid: string): boolean {
  const { metadata, spec, status } = volume;
  const atRest = status?.phase === 'Retained' || status?.phase === 'Free';
  return (
    isKnownAs(volume, uid) &&
    atRest &&
    spec.claimRef === undefined &&
    spec.instanceRef === undefined &&
    metadata.deletionTimestamp === undefined
  );
}

/** Zone-redundant disks attach in any zone; all others only in their own. */
export function canPair(instance: PoolInstance, volume: PoolVolume): boolean {
  return volume.spec.sku.endsWith('_ZRS') || instance.spec.azure.zone === volume.spec.azure.zone;
}

function take<T>(items: T[], item: T): void {
  const at = items.indexOf(item);
  if (at >= 0) items.splice(at, 1);
}

export function oldestClaimFirst(a: WaitingClaim, b: WaitingClaim): number {
  return compareTexts(sortKey(a.claim), sortKey(b.claim));
}

export function longestFreeFirst(
  a: PoolInstance | PoolVolume,
  b: PoolInstance | PoolVolume,
): number {
  const times = compareTexts(a.status?.freeSince ?? '', b.status?.freeSince ?? '');
  return times || a.spec.ordinal - b.spec.ordinal;
}

function sortKey({ metadata }: InstanceClaim): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
