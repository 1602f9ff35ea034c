// How long claims take, as histograms: to the binding, and until the claim may be used.
import type { InstanceClaimStatus } from '../../api/instance-claim.ts';
import type { InstanceClaimSnapshot } from '../../plan/instance-claim.ts';
import type { Metrics } from '../../runtime/metrics.ts';

const BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/**
 * `warm`: what the claim got was free before the claim was seen. `cold`: it had to wait until
 * something was made or released. Averages over both would hide what a pool is for.
 */
export type Start = 'warm' | 'cold';

export const CLAIM_STARTS: readonly Start[] = ['warm', 'cold'];

export function claimLatencies(metrics: Metrics) {
  const labels = ['namespace', 'pool', 'start'];
  return {
    bind: metrics.histogram(
      'poolkeeper_claim_bind_duration_seconds',
      'Time from the first sight of a claim to its binding.',
      BUCKETS_SECONDS,
      labels,
    ),
    ready: metrics.histogram(
      'poolkeeper_claim_ready_duration_seconds',
      'Time from the first sight of a claim until it is Ready.',
      BUCKETS_SECONDS,
      labels,
    ),
  };
}

export function recordLatencies(metrics: Metrics) {
  const { bind, ready } = claimLatencies(metrics);
  return (snapshot: InstanceClaimSnapshot, after: InstanceClaimStatus): void => {
    const { metadata, spec, status: before } = snapshot.claim;
    const series = {
      namespace: metadata.namespace,
      pool: spec.instancePoolRef.name,
      start: startOf(snapshot),
    };
    if (before?.boundAt === undefined && after.bindLatencyMilliseconds !== undefined) {
      bind.observe(after.bindLatencyMilliseconds / 1000, series);
    }
    if (before?.readyAt === undefined && after.readyLatencyMilliseconds !== undefined) {
      ready.observe(after.readyLatencyMilliseconds / 1000, series);
    }
  };
}

export function startOf({ claim, instance, volume, firstSeenAt }: InstanceClaimSnapshot): Start {
  // An existing volume was there before; only a fresh one may have had to be made.
  const given = claim.spec.volume?.type === 'New' ? [instance, volume] : [instance];
  const wasFree = given
    .filter((member) => member !== undefined)
    .every(({ status }) => Date.parse(status?.freeSince ?? '') <= firstSeenAt);
  return wasFree ? 'warm' : 'cold';
}
