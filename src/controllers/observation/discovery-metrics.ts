// How current our picture of Azure is: when each subscription was last read completely, and how long
// Resource Graph takes to show what we made.
import type { Runtime } from '../../runtime/index.ts';

export interface DiscoveryPass {
  readonly subscriptionId: string;
  readonly durationSeconds: number;
  /** Present when the pass failed: its code. */
  readonly error?: string | undefined;
  /** The record uids in the rows' tags; not looked at when the pass failed. */
  readonly uids: readonly string[];
}

export interface DiscoveryMetrics {
  /** Call once at the end of each pass over a subscription. */
  passEnded(pass: DiscoveryPass): void;
}

const DURATION_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const LAG_BUCKETS = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** `createdAt`: when Azure finished making what the record of that uid describes (RFC 3339). */
export function createDiscoveryMetrics(
  { clock, metrics }: Runtime,
  createdAt: (uid: string) => string | undefined,
): DiscoveryMetrics {
  const label = ['subscription'];
  const passes = metrics.counter(
    'poolkeeper_discovery_passes_total',
    'Looks at everything of the installation in a subscription, by result.',
    [...label, 'result'],
  );
  const duration = metrics.histogram(
    'poolkeeper_discovery_duration_seconds',
    'How long a look at a subscription took.',
    DURATION_BUCKETS,
    label,
  );
  const lag = metrics.histogram(
    'poolkeeper_resource_graph_lag_seconds',
    'From the end of a creation to its first sight in Resource Graph; at most one interval too long.',
    LAG_BUCKETS,
    label,
  );
  const age = metrics.gauge(
    'poolkeeper_discovery_age_seconds',
    'Time since the last complete look at a subscription.',
    label,
  );
  const completedAt = new Map<string, number>();
  const known = new Map<string, ReadonlySet<string>>();
  metrics.beforeScrape(() => {
    const now = clock.monotonic();
    for (const [subscription, at] of completedAt) age.set((now - at) / 1000, { subscription });
  });
  return {
    passEnded: ({ subscriptionId: subscription, durationSeconds, error, uids }) => {
      passes.increment({ subscription, result: error === undefined ? 'complete' : 'failed' });
      duration.observe(durationSeconds, { subscription });
      if (error !== undefined) return;
      completedAt.set(subscription, clock.monotonic());
      const before = known.get(subscription);
      known.set(subscription, new Set(uids));
      // What the first pass shows may have been there for days.
      if (!before) return;
      for (const uid of uids) {
        const created = before.has(uid) ? undefined : createdAt(uid);
        if (created === undefined) continue;
        lag.observe(Math.max(0, (clock.now() - Date.parse(created)) / 1000), { subscription });
      }
    },
  };
}
