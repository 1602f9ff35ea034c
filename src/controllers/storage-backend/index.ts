// StorageBackend: probes endpoints regularly and says whether they answer, how fast, and why not.

import { parseDuration } from '../../api/duration.ts';
import { storageBackends } from '../../api/resources.ts';
import type { StorageBackend, StorageBackendStatus } from '../../api/storage-backend.ts';
import { isNotFound, type Key, type Reconcile } from '../../kube/index.ts';
import {
  afterProbe,
  firstMemory,
  type ProbeMemory,
  planProbe,
  planStorageBackend,
} from '../../plan/storage-backend.ts';
import {
  type HttpSpec,
  judgeProbe,
  type Observation,
  type ProbeVerdict,
} from '../../plan/storage-backend-probe.ts';
import { assert } from '../../runtime/assert.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import { reportTransition } from '../report-transition.ts';
import { writeStatus } from '../write-status.ts';
import type { HttpProbe } from './http-probe.ts';
import { readInputs } from './inputs.ts';

export {
  createHttpProbe,
  type HttpProbe,
  type HttpProbeOptions,
  type HttpProbeRequest,
} from './http-probe.ts';

/** Probes at the same time: enough that a few that stall don't hold up the rest. */
export const PROBE_WORKERS = 16;

const PROBE_SECONDS_BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

export function reconcileStorageBackend(context: ControllerContext, probe: HttpProbe): Reconcile {
  const { runtime, stores } = context;
  const memories = new Map<Key, ProbeMemory>();
  const durations = runtime.metrics.histogram(
    'poolkeeper_backend_probe_duration_seconds',
    'How long probes of storage backends took, by the phase they led to.',
    PROBE_SECONDS_BUCKETS,
    ['type', 'phase'],
  );
  return async (key, signal, log) => {
    const backend = stores.storageBackends.byKey(key);
    if (!backend) {
      memories.delete(key);
      return { type: 'done' };
    }
    const { clock, random } = runtime;
    const known = memories.get(key);
    const memory =
      known?.uid === backend.metadata.uid
        ? known
        : firstMemory(backend, clock.monotonic(), random.next());
    memories.set(key, memory);
    const decision = planProbe(backend, memory, clock.monotonic());
    if (decision.type !== 'probe') {
      await publish(context, log, backend, undefined);
      if (decision.type === 'idle') return { type: 'done' };
      return { type: 'wait', afterMilliseconds: decision.milliseconds, why: 'the next probe' };
    }
    if (!backend.status) await publish(context, log, backend, undefined);
    const startedAt = clock.monotonic();
    const observation = await observe(context, probe, backend, signal);
    const verdict = judgeProbe(httpOf(backend), observation, clock.now());
    const now = clock.monotonic();
    durations.observe((now - startedAt) / 1000, { type: backend.spec.type, phase: verdict.phase });
    const { because } = decision;
    log.debug('probed', { because, phase: verdict.phase, reason: verdict.reason });
    await publish(context, log, backend, verdict);
    // Remembered once it is told: a write that failed is made up for by another probe.
    const next = afterProbe(memory, backend, verdict, { now, chance: random.next() });
    memories.set(key, next);
    return { type: 'wait', afterMilliseconds: next.nextAt - now, why: 'the next probe' };
  };
}

async function observe(
  { client }: ControllerContext,
  probe: HttpProbe,
  backend: StorageBackend,
  signal: AbortSignal,
): Promise<Observation> {
  const { spec } = backend;
  const { baseURL, method, expectedStatusCodes } = httpOf(backend);
  const inputs = await readInputs(client, backend);
  if (inputs.type === 'unprepared') return inputs;
  const { authorization, caCertificates } = inputs;
  return probe.probe(
    {
      baseURL,
      method,
      expectedStatusCodes,
      timeoutMilliseconds: parseDuration(spec.probeTimeout),
      authorization,
      caCertificates,
    },
    signal,
  );
}

function httpOf({ spec }: StorageBackend): HttpSpec {
  assert(spec.type === 'http', `a backend of type ${spec.type} was to be probed`);
  return spec.http;
}

/** `probed` is the object as it was when the probe began: the verdict is about that spec. */
async function publish(
  context: ControllerContext,
  log: Log,
  probed: StorageBackend,
  verdict: ProbeVerdict | undefined,
): Promise<void> {
  const { client, stores, runtime } = context;
  const latest = stores.storageBackends.byUid(probed.metadata.uid);
  if (!latest) return;
  const { status: _, ...object } = probed;
  const backend = { ...object, ...(latest.status ? { status: latest.status } : {}) };
  const status = planStorageBackend(backend, verdict, runtime.clock.now());
  try {
    const isWritten = await writeStatus(client, storageBackends, backend, status);
    if (isWritten) reportPhase(context, log, backend, status);
  } catch (error) {
    // Deleted while it was probed.
    if (!isNotFound(error)) throw error;
  }
}

const BAD_PHASES: ReadonlySet<string> = new Set(['Offline', 'Error']);

function reportPhase(
  context: ControllerContext,
  log: Log,
  backend: StorageBackend,
  { phase, message = '' }: StorageBackendStatus,
): void {
  const from = backend.status?.phase ?? 'Unknown';
  if (phase === from) return;
  reportTransition(context, log, {
    object: backend,
    from,
    to: phase,
    because: message,
    since: undefined,
    isBad: BAD_PHASES.has(phase),
    action: 'Probe',
  });
}
