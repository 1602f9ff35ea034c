// Which waiting claim gets which instance and volume: oldest claim first, longest free member first,
// pairs in one zone. The decision is only a proposal: a compare-and-swap on each member makes it true.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { type Aged, isOlder } from './age.ts';
import { isKnownAs } from './member.ts';
import { Stock, type Supply } from './stock.ts';

export interface AllocationInput extends Supply {
  /** Claims of one instance pool that lack something, or whose instance holds more than they asked for. */
  readonly claims: readonly WaitingClaim[];
  /** Fresh volumes that others wait for: kept from the claims that are younger. */
  readonly kept?: readonly KeptVolumes[];
}

/** What a StoragePool lacks. */
export interface KeptVolumes extends Aged {
  readonly volumePool: string;
  readonly count: number;
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
    spec.exposedTo === undefined &&
    metadata.deletionTimestamp === undefined
  );
}

export function allocate(input: AllocationInput): Binding[] {
  const stock = new Stock(input);
  const bindings: Binding[] = [];
  const kept = [...(input.kept ?? [])];
  for (const waiting of [...input.claims].sort(oldestClaimFirst)) {
    const { claim, instance } = waiting;
    for (const older of kept.filter((one) => isOlder(one, claim))) {
      stock.keepVolumes(older.volumePool, older.count);
      kept.splice(kept.indexOf(older), 1);
    }
    if (instance) {
      const completion = complete(input, stock, { ...waiting, instance });
      if (completion) bindings.push(completion);
      continue;
    }
    const pair = stock.takePair(claim);
    if (pair) bindings.push({ claim, alreadyBound: false, ...pair });
    else if (mayBeServed(claim, input.volumeNamed)) stock.setAside();
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

/** A fresh volume that an instance got ahead of time, from the pool that the claim draws from. */
export function isPrewarmedFor(
  { spec: { volume: asked } }: InstanceClaim,
  volume: PoolVolume,
): boolean {
  const { metadata, spec } = volume;
  return (
    asked?.type === 'New' &&
    spec.poolRef.name === asked.new.poolRef.name &&
    spec.claimRef === undefined &&
    spec.lastClaimRef === undefined &&
    spec.exposedTo === undefined &&
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

export function oldestClaimFirst(a: WaitingClaim, b: WaitingClaim): number {
  return compareTexts(sortKey(a.claim), sortKey(b.claim));
}

function sortKey({ metadata }: InstanceClaim): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
