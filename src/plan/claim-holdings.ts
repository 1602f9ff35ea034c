// What belongs to a claim. One instance and at most one volume, as a rule; two operators that work at
// the same moment may each bind another one. What the claim was told of then stays, because its user
// may be at work on it; the rest is surplus and goes back.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { isKnownAs } from './member.ts';

export interface ClaimHoldings {
  readonly instance: PoolInstance | undefined;
  /** Meant for that instance, or for none. */
  readonly volume: PoolVolume | undefined;
  /** Volumes of the claim on its instance that it was not told of, though it was told of another. */
  readonly surplus: readonly PoolVolume[];
}

/** `instances` and `volumes` are those whose spec.claimRef names the claim's uid. */
export function holdingsOf(
  claim: InstanceClaim,
  instances: readonly PoolInstance[],
  volumes: readonly PoolVolume[],
): ClaimHoldings {
  const { status } = claim;
  const instance = choose(instances, status?.instance?.uid);
  const here = volumes.filter(({ spec }) => {
    const holder = spec.instanceRef?.uid;
    return instance === undefined || holder === undefined || holder === instance.metadata.uid;
  });
  const volume = choose(here, status?.volume?.uid);
  const told = status?.volume?.uid;
  const isTold = volume !== undefined && told !== undefined && isKnownAs(volume, told);
  return { instance, volume, surplus: isTold ? here.filter((one) => one !== volume) : [] };
}

/** True for an instance of a claim that was told of another one, which it still owns. */
export function isSurplusInstance(
  instance: PoolInstance,
  claim: InstanceClaim,
  instances: readonly PoolInstance[],
): boolean {
  const told = claim.status?.instance?.uid;
  if (told === undefined || isKnownAs(instance, told)) return false;
  return instances.some((one) => isKnownAs(one, told));
}

/**
 * The one that the claim was told of; before that the same one for everybody who looks. What it was told
 * of is never replaced by another: a cache may be behind, and a binding is never moved.
 */
function choose<M extends PoolInstance | PoolVolume>(
  members: readonly M[],
  told: string | undefined,
): M | undefined {
  if (told !== undefined) return members.find((one) => isKnownAs(one, told));
  return [...members].sort((a, b) => a.spec.ordinal - b.spec.ordinal)[0];
}
