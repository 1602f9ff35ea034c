// Which free instances get a fresh volume ahead of time, so that a claim needs no call to Azure.
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { isBindable, isFreshVolume } from './allocation.ts';
import { canPair, longestFreeFirst } from './stock.ts';

export interface PrewarmInput {
  /** How many free instances shall hold a volume. */
  readonly count: number;
  readonly instances: readonly PoolInstance[];
  /** All volumes of the pool that fresh ones come from. */
  readonly volumes: readonly PoolVolume[];
}

export interface PrewarmPair {
  readonly instance: PoolInstance;
  readonly volume: PoolVolume;
}

/** Attachments started in one pass: each is a write to a VM, and claims come first. */
const MAX_STARTED = 10;

export function choosePrewarms({ count, instances, volumes }: PrewarmInput): PrewarmPair[] {
  const held = new Set(
    volumes.flatMap(({ spec }) => (spec.instanceRef ? [spec.instanceRef.uid] : [])),
  );
  const free = instances.filter(isBindable);
  const missing = count - free.filter(({ metadata }) => held.has(metadata.uid)).length;
  // Those that will be handed out last: the longest free may be claimed any moment.
  const bare = free
    .filter(({ metadata }) => !held.has(metadata.uid))
    .sort(longestFreeFirst)
    .reverse();
  const fresh = volumes.filter(isFreshVolume).sort(longestFreeFirst);
  const pairs: PrewarmPair[] = [];
  for (const instance of bare) {
    if (pairs.length >= Math.min(missing, MAX_STARTED)) break;
    const at = fresh.findIndex((volume) => canPair(instance, volume));
    if (at >= 0) pairs.push({ instance, volume: fresh.splice(at, 1)[0]! });
  }
  return pairs;
}
