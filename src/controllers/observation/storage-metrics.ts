// Storage on nodes in numbers, computed from the caches at each scrape: what a rule would wake
// somebody for, and what a graph of a rebuild needs.
import type { StoragePool } from '../../api/storage-pool.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { ControllerContext } from '../context.ts';

export interface StorageMetricsOptions {
  readonly context: Pick<ControllerContext, 'runtime' | 'stores'>;
  /** A standby tells nothing, or sums over replicas would count every pool twice. */
  readonly isWorking: () => boolean;
}

const POOL = ['namespace', 'pool'];
const PHASES = [
  'Pending',
  'Creating',
  'Active',
  'Degraded',
  'Rebuilding',
  'Failed',
  'Unknown',
  'Deleting',
] as const;

/** Returns what ends it. */
export function exposeStorageMetrics({ context, isWorking }: StorageMetricsOptions): () => void {
  const { runtime, stores } = context;
  const gauges = storageGauges(runtime.metrics);
  return runtime.metrics.beforeScrape(() => {
    for (const gauge of Object.values(gauges)) gauge.clear();
    if (!isWorking()) return;
    for (const pool of stores.storagePools.list()) tell(gauges, pool as StoragePool);
  });
}

type Gauges = ReturnType<typeof storageGauges>;

function tell(gauges: Gauges, { metadata, spec, status }: StoragePool): void {
  const labels = { namespace: metadata.namespace, pool: metadata.name };
  const phase = status?.phase ?? 'Pending';
  for (const one of PHASES)
    gauges.phase.set(one === phase ? 1 : 0, { ...labels, type: spec.type, phase: one });
  if (status?.sizeBytes !== undefined) gauges.size.set(status.sizeBytes, labels);
  if (status?.availableBytes !== undefined) gauges.available.set(status.availableBytes, labels);
  const states = (status?.volumes ?? []).map(({ state }) => state);
  for (const state of new Set(states))
    gauges.volumes.set(states.filter((one) => one === state).length, { ...labels, state });
  const { array } = status ?? {};
  if (!array) return;
  gauges.missing.set(array.degradedCount, labels);
  if (array.syncPercent !== undefined)
    gauges.sync.set(array.syncPercent / 100, { ...labels, action: array.syncAction ?? 'resync' });
  const { scrub } = array;
  if (scrub?.mismatchCount !== undefined) gauges.mismatches.set(scrub.mismatchCount, labels);
  if (scrub?.completedAt !== undefined)
    gauges.scrubbed.set(Date.parse(scrub.completedAt) / 1000, labels);
}

function storageGauges(metrics: Metrics) {
  return {
    phase: metrics.gauge(
      'poolkeeper_storage_pool_phase',
      '1 for the phase that a storage pool is in, 0 for the others.',
      [...POOL, 'type', 'phase'],
    ),
    size: metrics.gauge('poolkeeper_storage_pool_size_bytes', 'Size of the filesystem.', POOL),
    available: metrics.gauge(
      'poolkeeper_storage_pool_available_bytes',
      'Bytes that can still be written.',
      POOL,
    ),
    volumes: metrics.gauge(
      'poolkeeper_storage_pool_volumes',
      'Disks that a storage pool has from a volume pool, by their state.',
      [...POOL, 'state'],
    ),
    missing: metrics.gauge(
      'poolkeeper_array_missing_members',
      'Members that an array lacks; also 1 while levels 4 and 5 are first built.',
      POOL,
    ),
    sync: metrics.gauge(
      'poolkeeper_array_sync_ratio',
      'How far a resync, rebuild, reshape or scrub is, from 0 to 1; absent while none runs.',
      [...POOL, 'action'],
    ),
    mismatches: metrics.gauge(
      'poolkeeper_array_mismatch_sectors',
      'Sectors in which copies or parities differed in the last scrub.',
      POOL,
    ),
    scrubbed: metrics.gauge(
      'poolkeeper_array_scrub_timestamp_seconds',
      'When the last scrub was completed, as a Unix time.',
      POOL,
    ),
  };
}
