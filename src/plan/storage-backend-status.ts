// What is published of a storage backend: a change of state, of what is wrong, of one percent of what
// it holds, or ten minutes gone by. Everything else stays in memory, so that a fleet of healthy
// backends writes next to nothing.
import { findCondition, removeCondition, setCondition, timestamp } from '../api/conditions.ts';
import type { Condition } from '../api/object.ts';
import type { StorageBackendPhase } from '../api/probe-result.ts';
import type { ConditionType, Reason } from '../api/reasons.ts';
import { formatBytes } from '../api/size.ts';
import type { StorageBackendStatus } from '../api/storage-backend.ts';
import type { Measured } from './probe-observation.ts';
import { formatMilliseconds, type ProbeVerdict } from './storage-backend-verdict.ts';

const PUBLISH_MILLISECONDS = 10 * 60_000;
const MESSAGE_MAX_LENGTH = 4096;
/** Of the capacity, or of the number itself where there is none. */
const NEWS_SHARE = 0.01;

/** The part of a status that comes from probes: of StorageBackends and of the agents' records. */
export interface ProbeStatus extends Measured {
  readonly phase: StorageBackendPhase;
  readonly observedGeneration?: number | undefined;
  readonly conditions: Condition[];
  readonly certificateExpiresAt?: string;
  readonly latencyMilliseconds?: number;
  readonly lastProbeTime?: string;
  readonly lastProbeRequest?: string;
  readonly checks: ProbeVerdict['checks'][number][];
}

export interface Judged {
  readonly generation: number | undefined;
  readonly request: string | undefined;
  /** When it was probed, since the epoch. */
  readonly probedAt: number;
  readonly now: number;
}

const MEASUREMENTS = [
  'usedBytes',
  'totalBytes',
  'availableBytes',
  'fileCount',
  'fileCountTruncated',
] as const;

/** The status after a probe; the very same one where there is no news. */
export function afterVerdict<Status extends ProbeStatus>(
  before: Status,
  verdict: ProbeVerdict,
  judged: Judged,
): Status {
  const after = judgedStatus(before, verdict, judged);
  return isNews(before, after, judged.now) ? after : before;
}

function judgedStatus<Status extends ProbeStatus>(
  before: Status,
  verdict: ProbeVerdict,
  { generation, request, probedAt, now }: Judged,
): Status {
  const { phase, reason, statement, reachable, authenticated, needsChange } = verdict;
  const isOnline = phase === 'Online';
  const latency = verdict.latencyMilliseconds;
  // What was measured of another spec, or before the storage went away, is worth nothing now.
  const isKept = isOnline && before.observedGeneration === generation;
  const measured = verdict.measured ?? (isKept ? pick(before) : {});
  const said = { reason, message: statement };
  const status = {
    ...without(before, [...MEASUREMENTS, 'latencyMilliseconds', 'certificateExpiresAt']),
    ...measured,
    phase,
    checks: mergeChecks(before, verdict),
    lastProbeTime: timestamp(probedAt),
    ...(request === undefined ? {} : { lastProbeRequest: request }),
    ...(latency === undefined ? {} : { latencyMilliseconds: Math.round(latency * 10) / 10 }),
    ...(verdict.certificateEndsAt === undefined
      ? {}
      : { certificateExpiresAt: timestamp(verdict.certificateEndsAt) }),
  } as unknown as Status;
  return withJudgements(status, generation, now, {
    Ready: { ...said, status: isOnline ? 'True' : phase === 'Unknown' ? 'Unknown' : 'False' },
    Reachable: { ...said, status: reachable },
    Authenticated: authenticated && { ...said, status: authenticated },
    Stalled: !isOnline && needsChange ? { ...said, status: 'True' } : undefined,
    Reconciling:
      isOnline || needsChange
        ? undefined
        : { status: 'True', reason: 'Progressing', message: `${statement}; it is probed again` },
  });
}

/** What takes long is not checked every time: its last result stands as long as the rest is well. */
function mergeChecks({ checks }: ProbeStatus, verdict: ProbeVerdict): ProbeStatus['checks'] {
  return verdict.checks.map((check) => {
    if (verdict.phase !== 'Online' || check.result !== 'Unknown') return check;
    return checks.find(({ name, result }) => name === check.name && result === 'Passed') ?? check;
  });
}

/** The sentence with its timing, for the status's message. */
export function messageOf({ statement, timing }: ProbeVerdict): string {
  return (timing === '' ? statement : `${statement} ${timing}`).slice(0, MESSAGE_MAX_LENGTH);
}

/** Without a result that can be believed. `said` tells why. */
export function unprobed<Status extends ProbeStatus>(
  before: Status,
  generation: number | undefined,
  said: { reason: Reason; message: string; stalls?: boolean; continues?: boolean },
  now: number,
): Status {
  const { reason, message, stalls = false, continues = false } = said;
  const unknown = { status: 'Unknown', reason, message } as const;
  const status = {
    ...without(before, ['latencyMilliseconds', ...MEASUREMENTS]),
    phase: 'Unknown',
    checks: [],
  } as unknown as Status;
  return withJudgements(status, generation, now, {
    Ready: stalls ? { ...unknown, status: 'False' } : unknown,
    Reachable: unknown,
    Authenticated: undefined,
    Stalled: stalls ? { ...unknown, status: 'True' } : undefined,
    Reconciling: continues ? { status: 'True', reason: 'Progressing', message } : undefined,
  });
}

/** Times and latencies alone are no news until they are ten minutes old. */
function isNews(before: ProbeStatus, after: ProbeStatus, now: number): boolean {
  const was = findCondition(before.conditions, 'Ready');
  const is = findCondition(after.conditions, 'Ready');
  return (
    before.phase !== after.phase ||
    was?.reason !== is?.reason ||
    was?.message !== is?.message ||
    before.observedGeneration !== after.observedGeneration ||
    before.lastProbeRequest !== after.lastProbeRequest ||
    before.certificateExpiresAt !== after.certificateExpiresAt ||
    before.fileCountTruncated !== after.fileCountTruncated ||
    before.lastProbeTime === undefined ||
    now - Date.parse(before.lastProbeTime) >= PUBLISH_MILLISECONDS ||
    hasMoved(before.totalBytes, after.totalBytes, after.totalBytes) ||
    hasMoved(before.usedBytes, after.usedBytes, after.totalBytes) ||
    hasMoved(before.availableBytes, after.availableBytes, after.totalBytes) ||
    hasMoved(before.fileCount, after.fileCount, undefined)
  );
}

function hasMoved(
  before: number | undefined,
  after: number | undefined,
  whole: number | undefined,
): boolean {
  if (before === undefined || after === undefined) return before !== after;
  return Math.abs(after - before) >= NEWS_SHARE * Math.max(1, whole ?? before) && after !== before;
}

/** The numbers for people. */
export function summaryOf(status: ProbeStatus): NonNullable<StorageBackendStatus['summary']> {
  const { usedBytes, totalBytes, fileCount, fileCountTruncated, latencyMilliseconds } = status;
  const atLeast = fileCountTruncated ? '≥ ' : '';
  const percent =
    usedBytes !== undefined && totalBytes ? ` (${Math.ceil((100 * usedBytes) / totalBytes)}%)` : '';
  return {
    ...(usedBytes === undefined
      ? {}
      : { used: `${totalBytes === undefined ? atLeast : ''}${formatBytes(usedBytes)}${percent}` }),
    ...(totalBytes === undefined ? {} : { capacity: formatBytes(totalBytes) }),
    ...(fileCount === undefined ? {} : { files: `${atLeast}${fileCount}` }),
    ...(latencyMilliseconds === undefined
      ? {}
      : { latency: formatMilliseconds(latencyMilliseconds) }),
  };
}

function pick(status: Measured): Measured {
  const entries = MEASUREMENTS.flatMap((name) =>
    status[name] === undefined ? [] : [[name, status[name]]],
  );
  return Object.fromEntries(entries) as Measured;
}

function without<T extends object>(object: T, names: readonly string[]): T {
  const entries = Object.entries(object).filter(([name]) => !names.includes(name));
  return Object.fromEntries(entries) as T;
}

type Judgement = Pick<Condition, 'status' | 'message'> & { reason: Reason };

/** An entry that is undefined takes the condition away. */
export function withJudgements<Status extends ProbeStatus>(
  status: Status,
  generation: number | undefined,
  now: number,
  judgements: { readonly [Type in ConditionType]?: Judgement | undefined },
): Status {
  let conditions: Condition[] = status.conditions;
  for (const [name, judgement] of Object.entries(judgements)) {
    const type = name as ConditionType;
    conditions = judgement
      ? setCondition(conditions, { type, observedGeneration: generation, ...judgement }, now)
      : removeCondition(conditions, type);
  }
  return {
    ...status,
    conditions,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}
