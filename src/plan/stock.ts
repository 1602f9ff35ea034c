// What is left to hand out while claims are served one after another. Members lie on shelves, sorted once
// and kept sorted by whoever owns them, so that serving a claim costs the same in a pool of ten thousand.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { isBindable, isClaimable, isFreshVolume, isPrewarmedFor } from './allocation.ts';

/** Bindable instances: `laden` ones hold a disk already. */
export type InstanceShelf = `${'bare' | 'laden'} ${string}`;
/** Fresh volumes by zone; zone-redundant ones are at home in `any`. */
export type VolumeShelf = string;

export interface Supply {
  /** Those that are free now, longest first. */
  readonly freeInstances: (shelf: InstanceShelf) => readonly PoolInstance[];
  /** Those of a volume pool that nobody has used, longest free first. */
  readonly freshVolumes: (volumePool: string, shelf: VolumeShelf) => readonly PoolVolume[];
  readonly volumeNamed: (name: string) => PoolVolume | undefined;
  /** Volumes whose spec.instanceRef is this instance. */
  readonly heldBy: (instance: PoolInstance) => readonly PoolVolume[];
}

export interface Pair {
  readonly instance: PoolInstance;
  readonly volume: PoolVolume | undefined;
  readonly unwanted: readonly PoolVolume[];
}

/** Of regional members, and all that Azure has. */
const ZONES = ['', '1', '2', '3'];
const ANY_ZONE = 'any';

/** Every shelf on which instances, or volumes, can lie. */
export const INSTANCE_SHELVES: readonly InstanceShelf[] = ZONES.flatMap((zone) => [
  `bare ${zone}` as const,
  `laden ${zone}` as const,
]);
export const VOLUME_SHELVES: readonly VolumeShelf[] = [...ZONES, ANY_ZONE];

/** Where an instance lies; nowhere unless it may be bound. */
export function shelfOfInstance(instance: PoolInstance): InstanceShelf | undefined {
  if (!isBindable(instance)) return undefined;
  const sort = (instance.status?.volumes ?? []).length === 0 ? 'bare' : 'laden';
  return `${sort} ${instance.spec.azure.zone ?? ''}`;
}

/** Where a volume lies; nowhere unless it is fresh. */
export function shelfOfVolume(volume: PoolVolume): VolumeShelf | undefined {
  return isFreshVolume(volume) ? homeOf(volume) : undefined;
}

/** Zone-redundant disks attach in any zone; all others only in their own. */
export function homeOf({ spec: { sku, azure } }: PoolVolume): VolumeShelf {
  return sku.endsWith('_ZRS') ? ANY_ZONE : (azure.zone ?? '');
}

export function canPair(instance: PoolInstance, volume: PoolVolume): boolean {
  const home = homeOf(volume);
  return home === ANY_ZONE || home === (instance.spec.azure.zone ?? '');
}

export function longestFreeFirst(
  a: PoolInstance | PoolVolume,
  b: PoolInstance | PoolVolume,
): number {
  const since = a.status?.freeSince ?? '';
  const other = b.status?.freeSince ?? '';
  return since < other ? -1 : since > other ? 1 : a.spec.ordinal - b.spec.ordinal;
}

export class Stock {
  readonly #supply: Supply;
  readonly #taken = new Set<string>();
  readonly #lines = new Map<string, Line<PoolInstance | PoolVolume>>();

  constructor(supply: Supply) {
    this.#supply = supply;
  }

  /** For a claim whose instance is bound already: the volume it holds ahead of time, or another. */
  takeVolumeFor(claim: InstanceClaim, instance: PoolInstance): PoolVolume | undefined {
    const held = this.#supply.heldBy(instance).find((volume) => isPrewarmedFor(claim, volume));
    return held ?? this.#take(this.#volumeFor(claim, instance.spec.azure.zone ?? ''));
  }

  /** The best instance with its volume; undefined when the claim has to wait. */
  takePair(claim: InstanceClaim): Pair | undefined {
    const pair = this.#prewarmed(claim) ?? this.#loosePair(claim);
    if (!pair) return undefined;
    this.#take(pair.instance);
    this.#take(pair.volume);
    return pair;
  }

  /** First come, first served: an instance is kept for a claim that waits for its volume. */
  setAside(): void {
    this.#take(longestFree(ZONES.map((zone) => this.#free(zone))));
  }

  /** So many fresh volumes of the pool are not for the claims that come now. */
  keepVolumes(pool: string, count: number): void {
    for (let taken = 0; taken < count; taken++) {
      const shelves = [...ZONES, ANY_ZONE].map((shelf) => this.#fresh(pool, shelf));
      if (!this.#take(longestFree(shelves))) return;
    }
  }

  /** An instance that holds just what the claim asks for: no call to Azure is needed. */
  #prewarmed(claim: InstanceClaim): Pair | undefined {
    if (claim.spec.volume?.type !== 'New') return undefined;
    const matching = (instance: PoolInstance): PoolVolume | undefined => {
      const held = this.#supply.heldBy(instance);
      const volume = held.find((candidate) => isPrewarmedFor(claim, candidate));
      const attached = instance.status?.volumes.some(({ uid }) => uid === volume?.metadata.uid);
      return attached && held.length === 1 ? volume : undefined;
    };
    const instance = longestFree(
      ZONES.map((zone) =>
        this.#instances(`laden ${zone}`).first((one) => matching(one) !== undefined),
      ),
    );
    return instance && { instance, volume: matching(instance), unwanted: [] };
  }

  /** Bare ones first: a prewarmed volume that nobody asked for has to be taken off again. */
  #loosePair(claim: InstanceClaim): Pair | undefined {
    const { heldBy } = this.#supply;
    const zones = claim.spec.volume
      ? ZONES.filter((zone) => this.#volumeFor(claim, zone) !== undefined)
      : ZONES;
    const bare = zones.map((zone) =>
      this.#instances(`bare ${zone}`).first((instance) => heldBy(instance).length === 0),
    );
    const instance = longestFree(bare) ?? longestFree(zones.map((zone) => this.#free(zone)));
    if (!instance) return undefined;
    const volume = this.#volumeFor(claim, instance.spec.azure.zone ?? '');
    return { instance, volume, unwanted: heldBy(instance) };
  }

  /** The volume that would be attached for the claim to an instance of this zone. */
  #volumeFor(claim: InstanceClaim, zone: string): PoolVolume | undefined {
    const asked = claim.spec.volume;
    if (!asked) return undefined;
    if (asked.type === 'New') {
      const { name } = asked.new.poolRef;
      return longestFree([this.#fresh(name, zone), this.#fresh(name, ANY_ZONE)]);
    }
    const volume = this.#supply.volumeNamed(asked.existing.name);
    if (!volume || this.#taken.has(volume.metadata.uid)) return undefined;
    if (!isClaimable(volume, asked.existing.uid)) return undefined;
    return [zone, ANY_ZONE].includes(homeOf(volume)) ? volume : undefined;
  }

  #free(zone: string): PoolInstance | undefined {
    const shelves = [`bare ${zone}`, `laden ${zone}`] as const;
    return longestFree(shelves.map((shelf) => this.#instances(shelf).first()));
  }

  #fresh(pool: string, shelf: VolumeShelf): PoolVolume | undefined {
    const line = this.#line(`${pool} ${shelf}`, () => this.#supply.freshVolumes(pool, shelf));
    return line.first() as PoolVolume | undefined;
  }

  #instances(shelf: InstanceShelf): Line<PoolInstance> {
    return this.#line(` ${shelf}`, () => this.#supply.freeInstances(shelf)) as Line<PoolInstance>;
  }

  #line<M extends PoolInstance | PoolVolume>(
    name: string,
    members: () => readonly M[],
  ): Line<PoolInstance | PoolVolume> {
    const known = this.#lines.get(name);
    if (known) return known;
    const line = new Line<PoolInstance | PoolVolume>(members(), this.#taken);
    this.#lines.set(name, line);
    return line;
  }

  #take<M extends PoolInstance | PoolVolume>(member: M | undefined): M | undefined {
    if (member) this.#taken.add(member.metadata.uid);
    return member;
  }
}

/** A sorted shelf of which some are taken, usually those in front. */
class Line<M extends PoolInstance | PoolVolume> {
  readonly #members: readonly M[];
  readonly #taken: ReadonlySet<string>;
  #front = 0;

  constructor(members: readonly M[], taken: ReadonlySet<string>) {
    this.#members = members;
    this.#taken = taken;
  }

  first(fits: (member: M) => boolean = () => true): M | undefined {
    const members = this.#members;
    while (this.#front < members.length && this.#isTaken(members[this.#front]!)) this.#front++;
    for (let at = this.#front; at < members.length; at++) {
      const member = members[at]!;
      if (!this.#isTaken(member) && fits(member)) return member;
    }
    return undefined;
  }

  #isTaken({ metadata }: M): boolean {
    return this.#taken.has(metadata.uid);
  }
}

function longestFree<M extends PoolInstance | PoolVolume>(
  members: readonly (M | undefined)[],
): M | undefined {
  let first: M | undefined;
  for (const member of members)
    if (member && (!first || longestFreeFirst(member, first) < 0)) first = member;
  return first;
}

interface Lists {
  readonly instances: readonly PoolInstance[];
  readonly volumesOf: (volumePool: string) => readonly PoolVolume[];
}

/** Shelves made from plain lists, in whatever order these come. */
export function shelved({
  instances,
  volumesOf,
}: Lists): Pick<Supply, 'freeInstances' | 'freshVolumes'> {
  const sorted = instances.toSorted(longestFreeFirst);
  return {
    freeInstances: (shelf) => sorted.filter((instance) => shelfOfInstance(instance) === shelf),
    freshVolumes: (pool, shelf) =>
      volumesOf(pool)
        .filter((volume) => shelfOfVolume(volume) === shelf)
        .sort(longestFreeFirst),
  };
}
