// Storage backends in numbers, computed from the caches at each scrape: what a rule would wake somebody
// for, whichever process or node does the probing.
import type { StorageBackend } from '../../api/storage-backend.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { ControllerContext } from '../context.ts';

export interface BackendMetricsOptions {
  readonly context: Pick<ControllerContext, 'runtime' | 'stores'>;
  /** A standby tells nothing, or sums over replicas would count every backend twice. */
  readonly isWorking: () => boolean;
}

const BACKEND = ['namespace', 'backend', 'type'];
const PHASES = ['Online', 'Offline', 'Error', 'Unknown'] as const;

/** Returns what ends it. */
export function exposeBackendMetrics({ context, isWorking }: BackendMetricsOptions): () => void {
  const { runtime, stores } = context;
  const gauges = backendGauges(runtime.metrics);
  return runtime.metrics.beforeScrape(() => {
    for (const gauge of Object.values(gauges)) gauge.clear();
    if (!isWorking()) return;
    for (const backend of stores.storageBackends.list()) tell(gauges, backend);
  });
}

type Gauges = ReturnType<typeof backendGauges>;

function tell(gauges: Gauges, { metadata, spec, status }: StorageBackend): void {
  const labels = { namespace: metadata.namespace, backend: metadata.name, type: spec.type };
  const phase = status?.phase ?? 'Unknown';
  for (const one of PHASES) gauges.phase.set(one === phase ? 1 : 0, { ...labels, phase: one });
  const { usedBytes, totalBytes, latencyMilliseconds, certificateExpiresAt } = status ?? {};
  if (usedBytes !== undefined) gauges.used.set(usedBytes, labels);
  if (totalBytes !== undefined) gauges.total.set(totalBytes, labels);
  if (latencyMilliseconds !== undefined) gauges.latency.set(latencyMilliseconds / 1000, labels);
  if (certificateExpiresAt !== undefined)
    gauges.certificate.set(Date.parse(certificateExpiresAt) / 1000, labels);
  if (status?.lastProbeTime !== undefined)
    gauges.probed.set(Date.parse(status.lastProbeTime) / 1000, labels);
}

function backendGauges(metrics: Metrics) {
  return {
    phase: metrics.gauge(
      'poolkeeper_backend_phase',
      '1 for the phase that a storage backend is in, 0 for the others.',
      [...BACKEND, 'phase'],
    ),
    used: metrics.gauge('poolkeeper_backend_used_bytes', 'Bytes in use.', BACKEND),
    total: metrics.gauge('poolkeeper_backend_capacity_bytes', 'Bytes in all.', BACKEND),
    latency: metrics.gauge(
      'poolkeeper_backend_latency_seconds',
      'How long the last published probe took.',
      BACKEND,
    ),
    certificate: metrics.gauge(
      'poolkeeper_backend_certificate_expiry_timestamp_seconds',
      "When the server's certificate ends.",
      BACKEND,
    ),
    probed: metrics.gauge(
      'poolkeeper_backend_last_probe_timestamp_seconds',
      'When the last published probe was; results are published at least every 10 minutes.',
      BACKEND,
    ),
  };
}
