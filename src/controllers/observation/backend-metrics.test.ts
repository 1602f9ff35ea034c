// What a scrape says of storage backends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StorageBackend } from '../../api/storage-backend.ts';
import { createRuntime } from '../../runtime/index.ts';
import type { ControllerContext } from '../context.ts';
import { exposeBackendMetrics } from './backend-metrics.ts';

const backends = [
  {
    metadata: { namespace: 'storage', name: 'data' },
    spec: { type: 'nfs' },
    status: {
      phase: 'Online',
      usedBytes: 10,
      totalBytes: 100,
      latencyMilliseconds: 12,
      lastProbeTime: '2026-01-01T00:00:00Z',
    },
  },
  {
    metadata: { namespace: 'storage', name: 'files' },
    spec: { type: 'http' },
    status: { phase: 'Error', certificateExpiresAt: '2026-02-01T00:00:00Z' },
  },
] as unknown as StorageBackend[];

function expose(isWorking: boolean) {
  const runtime = createRuntime();
  const stores = { storageBackends: { list: () => backends } };
  const context = { runtime, stores } as unknown as ControllerContext;
  exposeBackendMetrics({ context, isWorking: () => isWorking });
  return runtime.metrics.expose();
}

test('each backend by phase, and its numbers where it has any', async () => {
  const text = await expose(true);
  const data = 'namespace="storage",backend="data",type="nfs"';
  assert.ok(text.includes(`poolkeeper_backend_phase{${data},phase="Online"} 1`));
  assert.ok(text.includes(`poolkeeper_backend_phase{${data},phase="Offline"} 0`));
  assert.ok(text.includes(`poolkeeper_backend_capacity_bytes{${data}} 100`));
  assert.ok(text.includes(`poolkeeper_backend_latency_seconds{${data}} 0.012`));
  const files = 'namespace="storage",backend="files",type="http"';
  assert.ok(
    text.includes(`poolkeeper_backend_certificate_expiry_timestamp_seconds{${files}} 1769904000`),
  );
  assert.ok(!text.includes(`poolkeeper_backend_capacity_bytes{${files}}`));
});

test('a standby says nothing', async () => {
  assert.ok(!(await expose(false)).includes('backend="data"'));
});
