// When a storage backend is probed, and which of the results are worth publishing: a change of state,
// of what is wrong, or ten minutes gone by. Everything else stays in memory, so that a fleet of
// healthy backends writes next to nothing.
import { findCondition, removeCondition, setCondition, timestamp } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import { annotations } from '../api/names.ts';
import type { Condition } from '../api/object.ts';
import type { ConditionType, Reason } from '../api/reasons.ts';
import type { StorageBackend, StorageBackendStatus } from '../api/storage-backend.ts';
import { backoffMilliseconds } from './backoff.ts';
import type { Stall } from './pool-conditions.ts';
import { formatMilliseconds, type ProbeVerdict } from './storage-backend-probe.ts';

/** What is known of a backend's probes besides its status. Times are of the monotonic clock. */
export interface ProbeMemory {
  readonly uid: string;
  /** Of the spec that was probed last. */
  readonly generation: number | undefined;
  /** The last answered value of the annotation. */
  readonly request: string | undefined;
  /** Probes that failed one after another. */
  readonly failures: number;
  readonly nextAt: number;
}

export type ProbeDecision =
  | { readonly type: 'idle' }
  | { readonly type: 'wait'; readonly milliseconds: number }
  | { readonly type: 'probe'; readonly because: string };

/** After a start the first probes are spread over at most this long. */
const START_SPREAD_MILLISECONDS = 60_000;
/** The first probe after a failure comes soon, the following ever later, up to the interval. */
const FAILURE_FIRST_MILLISECONDS = 5_000;
/** Intervals are spread by ± 10 %, so that backends made together are not probed together. */
const JITTER = 0.1;
const PUBLISH_MILLISECONDS = 10 * 60_000;
const REQUEST_MAX_LENGTH = 256;
const MESSAGE_MAX_LENGTH = 4096;

export const EMPTY_BACKEND_STATUS: StorageBackendStatus = { phase: 'Unknown', conditions: [] };

/** What this version does not probe, in words; undefined for the rest. */
export function backendRefusal({ spec }: StorageBackend): Stall | undefined {
  if (spec.type !== 'http') {
    const message = `spec.type ${spec.type} is not probed by this version yet`;
    return { reason: 'InvalidSpec', message };
  }
  if (spec.nodeName !== undefined) {
    const message = 'spec.nodeName is not supported by this version: the operator itself probes';
    return { reason: 'InvalidSpec', message };
  }
  return undefined;
}

export function requestOf({ metadata }: StorageBackend): string | undefined {
  return metadata.annotations?.[annotations.probeRequestedAt]?.slice(0, REQUEST_MAX_LENGTH);
}

/** The first sight of a backend by this process. `chance` lies in [0, 1). */
export function firstMemory(backend: StorageBackend, now: number, chance: number): ProbeMemory {
  const { status, metadata, spec } = backend;
  const spread = Math.min(parseDuration(spec.probeInterval), START_SPREAD_MILLISECONDS);
  const wasProbed = status?.lastProbeTime !== undefined;
  return {
    uid: metadata.uid,
    generation: wasProbed ? status.observedGeneration : undefined,
    request: status?.lastProbeRequest,
    failures: 0,
    nextAt: wasProbed ? now + chance * spread : now,
  };
}

export function planProbe(
  backend: StorageBackend,
  memory: ProbeMemory,
  now: number,
): ProbeDecision {
  const { metadata, spec } = backend;
  const isIdle = spec.suspend || metadata.deletionTimestamp !== undefined;
  if (isIdle || backendRefusal(backend)) return { type: 'idle' };
  if (memory.generation !== metadata.generation)
    return { type: 'probe', because: 'its spec has not been probed yet' };
  const request = requestOf(backend);
  if (request !== undefined && request !== memory.request)
    return { type: 'probe', because: 'somebody asked for it' };
  if (now >= memory.nextAt) return { type: 'probe', because: 'its time has come' };
  return { type: 'wait', milliseconds: memory.nextAt - now };
}

/** The memory after a probe of `backend` as it was then. `chance` lies in [0, 1). */
export function afterProbe(
  memory: ProbeMemory,
  backend: StorageBackend,
  verdict: ProbeVerdict,
  { now, chance }: { readonly now: number; readonly chance: number },
): ProbeMemory {
  const interval = parseDuration(backend.spec.probeInterval);
  const failures = verdict.phase === 'Online' ? 0 : memory.failures + 1;
  const options = { firstMilliseconds: FAILURE_FIRST_MILLISECONDS, maxMilliseconds: interval };
  const usual = failures === 0 ? interval : backoffMilliseconds(failures, options);
  return {
    uid: memory.uid,
    generation: backend.metadata.generation,
    request: requestOf(backend) ?? memory.request,
    failures,
    nextAt: now + usual * (1 + JITTER * (chance * 2 - 1)),
  };
}

/** The status to have: the very same one where there is no news. */
export function planStorageBackend(
  backend: StorageBackend,
  verdict: ProbeVerdict | undefined,
  now: number,
): StorageBackendStatus {
  const before = backend.status ?? EMPTY_BACKEND_STATUS;
  const refusal = backendRefusal(backend);
  if (refusal) return unprobed(backend, { ...refusal, isStalled: true }, now);
  if (backend.spec.suspend) {
    const message = 'spec.suspend is true; it is not probed';
    return unprobed(backend, { reason: 'Suspended', message, isStalled: false }, now);
  }
  if (!verdict) {
    if (backend.status) return before;
    const message = 'the first probe is under way';
    const said = { reason: 'NotYetObserved', message, isStalled: false } as const;
    return withConditions(backend, unprobed(backend, said, now), now, {
      Reconciling: { status: 'True', reason: 'Progressing', message },
    });
  }
  const after = probed(backend, verdict, now);
  return isNews(before, after, now) ? after : before;
}

function unprobed(
  backend: StorageBackend,
  said: { reason: Reason; message: string; isStalled: boolean },
  now: number,
): StorageBackendStatus {
  const { reason, message, isStalled } = said;
  const { latencyMilliseconds: _, summary: __, ...before } = backend.status ?? EMPTY_BACKEND_STATUS;
  const unknown = { status: 'Unknown', reason, message } as const;
  return withConditions(backend, { ...before, phase: 'Unknown', message }, now, {
    Ready: isStalled ? { ...unknown, status: 'False' } : unknown,
    Reachable: unknown,
    Stalled: isStalled ? { ...unknown, status: 'True' } : undefined,
    Reconciling: undefined,
  });
}

function probed(backend: StorageBackend, verdict: ProbeVerdict, now: number): StorageBackendStatus {
  const { latencyMilliseconds: _, summary: __, ...before } = backend.status ?? EMPTY_BACKEND_STATUS;
  const { phase, reason, statement, timing, reachable, needsChange } = verdict;
  const latency = verdict.latencyMilliseconds;
  const request = requestOf(backend);
  const message = (timing === '' ? statement : `${statement} ${timing}`).slice(
    0,
    MESSAGE_MAX_LENGTH,
  );
  const status: StorageBackendStatus = {
    ...before,
    phase,
    message,
    lastProbeTime: timestamp(now),
    ...(request === undefined ? {} : { lastProbeRequest: request }),
    ...(latency === undefined
      ? {}
      : {
          latencyMilliseconds: Math.round(latency * 10) / 10,
          summary: { latency: formatMilliseconds(latency) },
        }),
  };
  const isOnline = phase === 'Online';
  const verdictOn = { reason, message: statement };
  return withConditions(backend, status, now, {
    Ready: { ...verdictOn, status: isOnline ? 'True' : 'False' },
    Reachable: { ...verdictOn, status: reachable },
    Stalled: !isOnline && needsChange ? { ...verdictOn, status: 'True' } : undefined,
    Reconciling:
      isOnline || needsChange
        ? undefined
        : { status: 'True', reason: 'Progressing', message: `${statement}; it is probed again` },
  });
}

/** Times and latencies alone are no news until they are ten minutes old. */
function isNews(before: StorageBackendStatus, after: StorageBackendStatus, now: number): boolean {
  const was = findCondition(before.conditions, 'Ready');
  const is = findCondition(after.conditions, 'Ready');
  return (
    before.phase !== after.phase ||
    was?.reason !== is?.reason ||
    was?.message !== is?.message ||
    before.observedGeneration !== after.observedGeneration ||
    before.lastProbeRequest !== after.lastProbeRequest ||
    before.lastProbeTime === undefined ||
    now - Date.parse(before.lastProbeTime) >= PUBLISH_MILLISECONDS
  );
}

type Judgements = {
  readonly [Type in ConditionType]?: Pick<Condition, 'status' | 'message'> & { reason: Reason };
};

/** An entry that is undefined takes the condition away. */
function withConditions(
  { metadata }: StorageBackend,
  status: StorageBackendStatus,
  now: number,
  judgements: { readonly [Type in keyof Judgements]: Judgements[Type] | undefined },
): StorageBackendStatus {
  const observedGeneration = metadata.generation;
  let conditions: Condition[] = status.conditions;
  for (const [name, judgement] of Object.entries(judgements)) {
    const type = name as ConditionType;
    conditions = judgement
      ? setCondition(conditions, { type, observedGeneration, ...judgement }, now)
      : removeCondition(conditions, type);
  }
  return {
    ...status,
    conditions,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
}
