// How long claims take, as histograms: to the binding, and until the claim may be used.
import type { InstanceClaim, InstanceClaimStatus } from '../../api/instance-claim.ts';
import type { Metrics } from '../../runtime/metrics.ts';

const BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export function recordLatencies(metrics: Metrics) {
  const labels = ['namespace', 'pool'];
  const bind = metrics.histogram(
    'poolkeeper_claim_bind_duration_seconds',
    'Time from the first sight of a claim to its binding.',
    BUCKETS_SECONDS,
    labels,
  );
  const ready = metrics.histogram(
    'poolkeeper_claim_ready_duration_seconds',
    'Time from the first sight of a claim until it is Ready.',
    BUCKETS_SECONDS,
    labels,
  );
  return (before: InstanceClaim, after: InstanceClaimStatus): void => {
    const series = { namespace: before.metadata.namespace, pool: before.spec.instancePoolRef.name };
    if (before.status?.boundAt === undefined && after.bindLatencyMilliseconds !== undefined) {
      bind.observe(after.bindLatencyMilliseconds / 1000, series);
    }
    if (before.status?.readyAt === undefined && after.readyLatencyMilliseconds !== undefined) {
      ready.observe(after.readyLatencyMilliseconds / 1000, series);
    }
  };
}
