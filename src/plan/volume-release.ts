// What a volume's spec says once its instance holds it no more: whose bytes it has, or who could have
// touched it. A disk counts as unused only if no machine in a claim's hands ever ran with it.
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { ClaimReference } from '../api/status.ts';

export interface LooseSpec {
  readonly instanceRef: null;
  readonly claimRef?: null;
  readonly lastClaimRef?: ClaimReference;
  readonly exposedTo?: ClaimReference;
}

/** `claim` is the one that owns, or is about to own, the instance; absent when nobody does. */
export function looseSpec(
  { spec }: PoolVolume,
  instance: PoolInstance | undefined,
  claim: ClaimReference | undefined = instance?.spec.claimRef,
): LooseSpec {
  if (spec.claimRef) {
    return { instanceRef: null, claimRef: null, lastClaimRef: spec.claimRef };
  }
  // Switched off, it was swapped for another before anybody's program could run.
  const isOff = instance?.status?.azure?.powerState === 'deallocated';
  if (!claim || isOff || spec.lastClaimRef) return { instanceRef: null };
  return { instanceRef: null, exposedTo: claim };
}
