// A claim whose object was lost and applied again gets back what it had, and only by naming the uid that
// it had. Names alone prove nothing, and a uid alone could be anybody's: both must fit.
import type { InstanceClaim } from '../api/instance-claim.ts';
import { annotations } from '../api/names.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { Binding, WaitingClaim } from './allocation.ts';

/** The uid that the claim says it had; such a claim is served with what it had, or not at all. */
export function formerUid({ metadata }: InstanceClaim): string | undefined {
  return metadata.annotations?.[annotations.recoverUid] || undefined;
}

/** What a claim that names its former uid gets back; undefined while nothing remembers it. */
export function planRecovery(
  { claim, instance: bound, volume: owned }: WaitingClaim,
  instances: readonly PoolInstance[],
  volumes: readonly PoolVolume[],
): Binding | undefined {
  const instance = bound ?? instances.find((candidate) => remembers(candidate, claim));
  if (!instance) return undefined;
  const volume =
    claim.spec.volume && !owned
      ? volumes.find(
          (candidate) =>
            candidate.spec.instanceRef?.uid === instance.metadata.uid &&
            remembers(candidate, claim),
        )
      : undefined;
  if (bound && !volume) return undefined;
  return { claim, instance, alreadyBound: bound !== undefined, volume, unwanted: [] };
}

/** Set aside since its records were lost, when it was this very claim's. */
function remembers(
  { metadata, spec, status }: PoolInstance | PoolVolume,
  claim: InstanceClaim,
): boolean {
  const { lastClaimRef } = spec;
  return (
    status?.phase === 'Quarantined' &&
    spec.adopt?.quarantine !== undefined &&
    spec.claimRef === undefined &&
    metadata.deletionTimestamp === undefined &&
    lastClaimRef?.uid === formerUid(claim) &&
    lastClaimRef?.name === claim.metadata.name &&
    lastClaimRef?.namespace === claim.metadata.namespace
  );
}
