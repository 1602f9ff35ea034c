// When a storage backend is probed. Each has its own moment within the interval, derived from its uid:
// however many there are, and whoever made them when, their probes are spread evenly and stay so over
// restarts. Failures are looked at again soon when they may pass by themselves, and ever less often
// when only somebody can put them right.
import { parseDuration } from '../api/duration.ts';
import { backoffMilliseconds } from './backoff.ts';

/** What is known of the probes of one endpoint besides its status. Times are of the monotonic clock. */
export interface ProbeMemory {
  readonly uid: string;
  /** Of the spec that was probed last. */
  readonly generation: number | undefined;
  /** The last answered value of the annotation. */
  readonly request: string | undefined;
  /** Probes that failed one after another. */
  readonly failures: number;
  readonly nextAt: number;
  /** What the last probe's Secret and ConfigMap were: a change of them is a reason to probe. */
  readonly inputsVersion?: string | undefined;
  /** When they are to be looked at again, where there are any. */
  readonly inspectAt?: number | undefined;
  /** When objects were counted last. */
  readonly countedAt?: number | undefined;
}

/** What the schedule needs to know: of a StorageBackend, or of an agent's record of one. */
export interface Probable {
  readonly uid: string;
  readonly generation: number | undefined;
  readonly request: string | undefined;
  readonly interval: string;
  readonly isIdle: boolean;
}

export type ProbeDecision =
  | { readonly type: 'idle' }
  | { readonly type: 'wait'; readonly milliseconds: number }
  /** Only whether credentials or certificates have changed. */
  | { readonly type: 'inspect' }
  | { readonly type: 'probe'; readonly because: string };

/** The first probe after a failure that may pass comes soon, the following ever later. */
const FAILURE_FIRST_MILLISECONDS = 5_000;
/** A failure that needs somebody is looked at no less often than this, or than the interval. */
const STALLED_MAX_MILLISECONDS = 5 * 60_000;
/** In between, the Secret and the ConfigMap are looked at this often: a change counts at once. */
const INSPECT_MILLISECONDS = 5_000;
/** But no more than so many of them in a second, however many backends there are. */
const INSPECTIONS_PER_SECOND = 20;
/** Moments are spread by ± 5 % of the interval around their places. */
const JITTER = 0.05;
/** After a start, known backends are probed within this long, however long their interval. */
const START_SPREAD_MILLISECONDS = 60_000;

/**
 * The first sight by this process. `isFresh`: there is a result, of the present spec, that can still
 * be believed; `isKnown`: there was one at all.
 */
export function firstMemory(
  probable: Probable,
  seen: { readonly isKnown: boolean; readonly isFresh: boolean; readonly request?: string },
  now: number,
): ProbeMemory {
  const { uid, generation } = probable;
  const interval = parseDuration(probable.interval);
  const spread = Math.min(interval, START_SPREAD_MILLISECONDS);
  return {
    uid,
    generation: seen.isFresh ? generation : undefined,
    request: seen.request,
    failures: 0,
    nextAt: seen.isKnown ? now + share(uid) * spread : now,
  };
}

export function planProbe(probable: Probable, memory: ProbeMemory, now: number): ProbeDecision {
  if (probable.isIdle) return { type: 'idle' };
  const { request, generation } = probable;
  if (request !== undefined && request !== memory.request)
    return { type: 'probe', because: 'somebody asked for it' };
  if (memory.generation !== undefined && memory.generation !== generation)
    return { type: 'probe', because: 'its spec has changed' };
  if (now >= memory.nextAt) return { type: 'probe', because: 'its time has come' };
  if (memory.inspectAt !== undefined && now >= memory.inspectAt) return { type: 'inspect' };
  const until = Math.min(memory.nextAt, memory.inspectAt ?? memory.nextAt);
  return { type: 'wait', milliseconds: until - now };
}

export interface ProbeEnd {
  readonly isOnline: boolean;
  readonly needsChange: boolean;
  readonly inputsVersion?: string | undefined;
  /** After which time they are to be looked at again; undefined: never. */
  readonly inspectMilliseconds?: number | undefined;
  readonly hasCounted?: boolean;
  readonly now: number;
  /** In [0, 1). */
  readonly chance: number;
}

/** The memory after a probe of what was asked for then. */
export function afterProbe(memory: ProbeMemory, probable: Probable, end: ProbeEnd): ProbeMemory {
  const { now, chance, inspectMilliseconds: inspect } = end;
  const interval = parseDuration(probable.interval);
  const failures = end.isOnline ? 0 : memory.failures + 1;
  const countedAt = end.hasCounted ? now : memory.countedAt;
  const next = nextProbe(probable, { ...end, failures, interval });
  return {
    uid: memory.uid,
    generation: probable.generation,
    request: probable.request ?? memory.request,
    failures,
    nextAt: now + next + JITTER * Math.min(next, interval) * (chance * 2 - 1),
    inputsVersion: end.inputsVersion,
    ...(inspect === undefined ? {} : { inspectAt: now + inspect }),
    ...(countedAt === undefined ? {} : { countedAt }),
  };
}

/** How often the inputs of each of so many backends are looked at. */
export function inspectEvery(backends: number): number {
  return Math.max(INSPECT_MILLISECONDS, (backends / INSPECTIONS_PER_SECOND) * 1000);
}

function nextProbe(
  { uid }: Probable,
  end: ProbeEnd & { readonly failures: number; readonly interval: number },
): number {
  const { failures, interval, needsChange, now } = end;
  if (failures > 0 && needsChange) {
    const maxMilliseconds = Math.max(interval, STALLED_MAX_MILLISECONDS);
    return backoffMilliseconds(failures, { firstMilliseconds: interval, maxMilliseconds });
  }
  if (failures > 0) {
    const delay = backoffMilliseconds(failures, {
      firstMilliseconds: FAILURE_FIRST_MILLISECONDS,
      maxMilliseconds: interval,
    });
    if (delay < interval) return delay;
  }
  // Its own moment, and not within half an interval from now.
  const earliest = now + interval / 2;
  const offset = share(uid) * interval;
  return Math.ceil((earliest - offset) / interval) * interval + offset - now;
}

/** The uid's share of the interval, in [0, 1): evenly distributed, always the same (FNV-1a). */
export function share(uid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < uid.length; index++) {
    hash ^= uid.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  // The low bits of the last characters need to reach the high ones.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 2 ** 32;
}
