// When this process first saw each claim: creation times have whole seconds only, latencies need more.
import type { InstanceClaim } from '../../api/instance-claim.ts';
import type { Store } from '../../kube/index.ts';
import type { Clock } from '../../runtime/clock.ts';

export interface FirstSights {
  /** Milliseconds since the epoch. */
  of(claim: InstanceClaim): number;
}

export function rememberFirstSights(claims: Store<InstanceClaim>, clock: Clock): FirstSights {
  const seen = new Map<string, number>();
  claims.subscribe((type, { metadata, status }) => {
    if (type === 'delete' || status?.phase === 'Ready') seen.delete(metadata.uid);
    else if (!seen.has(metadata.uid)) seen.set(metadata.uid, clock.now());
  });
  return { of: ({ metadata }) => seen.get(metadata.uid) ?? clock.now() };
}
