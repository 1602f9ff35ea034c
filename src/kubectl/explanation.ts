// Why an object is in the state it is in, in sentences: from its conditions, progress, commands,
// recent actions and events, and from the objects it depends on. Pure.
import type { CommandRecord } from '../api/command-record.ts';
import type { Condition, DeepReadonly } from '../api/object.ts';
import { isReason, reasons } from '../api/reasons.ts';
import type { HistoryEntry, LastError, Progress, RecentAction } from '../api/status.ts';
import type { ShownObject } from './kinds.ts';
import { formatAge } from './table.ts';

/** As much of a status as an explanation is made of; each kind has some of it. */
interface ExplainedStatus {
  readonly observedGeneration?: number;
  readonly phase?: string;
  readonly conditions?: readonly Condition[];
  readonly progress?: Progress;
  readonly lastError?: LastError;
  readonly commands?: readonly CommandRecord[];
  readonly recentActions?: readonly RecentAction[];
  readonly history?: readonly HistoryEntry[];
  readonly leftBehind?: readonly string[];
  readonly nodes?: { readonly failed?: readonly { name: string; message: string }[] };
}

export interface ShownEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  /** RFC 3339. */
  readonly time: string;
  readonly count: number;
}

export interface Related {
  /** How it is related, such as `Its pool`. */
  readonly as: string;
  readonly object: DeepReadonly<ShownObject>;
}

export interface Situation {
  readonly object: DeepReadonly<ShownObject>;
  readonly events: readonly ShownEvent[];
  readonly related: readonly Related[];
  readonly nowMilliseconds: number;
}

const SHOWN_ACTIONS = 3;
const SHOWN_EVENTS = 4;
const SHOWN_LINES = 6;
/** Conditions for which True is the unusual state. */
const ABNORMAL = new Set(['Reconciling', 'Stalled', 'ScalingUp', 'ScalingDown', 'RollingOut']);
/** Told apart from the list of conditions. */
const TOLD = new Set(['Ready', 'Reconciling', 'Stalled', 'Deleting', 'Paused']);

export function explain(situation: Situation): string {
  const status = statusOf(situation.object);
  const parts = [
    ...opening(situation, status),
    ...obstacles(situation, status),
    ...evidence(status),
    ...surroundings(situation),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function statusOf(object: DeepReadonly<ShownObject>): ExplainedStatus {
  return (object.status ?? {}) as ExplainedStatus;
}

function opening({ object, nowMilliseconds }: Situation, status: ExplainedStatus): string[] {
  const { metadata, kind } = object;
  const name = `${kind} ${metadata.name}`;
  if (!status.conditions?.length && status.observedGeneration === undefined) {
    const age = formatAge(nowMilliseconds - Date.parse(metadata.creationTimestamp));
    return [
      `${name} was made ${age} ago and nothing has looked at it yet. Is the operator running, and ` +
        'does it watch this namespace?',
    ];
  }
  const ready = find(status, 'Ready');
  const since = ready && formatAge(nowMilliseconds - Date.parse(ready.lastTransitionTime));
  const phase = status.phase ? `${status.phase}` : '';
  const verdict =
    ready?.status === 'True'
      ? 'Ready'
      : ready?.status === 'False'
        ? 'not Ready'
        : 'of unknown state';
  const state = phase && phase !== verdict ? `${phase} and ${verdict}` : verdict;
  const lines = [`${name} is ${state}${since ? `, for ${since}` : ''}. ${ready?.message ?? ''}`];
  if (status.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    lines.push(
      'Its latest change has not been looked at yet; what follows is about the one before.',
    );
  return lines;
}

function obstacles({ object, nowMilliseconds }: Situation, status: ExplainedStatus): string[] {
  const lines: string[] = [];
  const { deletionTimestamp, finalizers } = object.metadata;
  const ready = find(status, 'Ready');
  const stalled = find(status, 'Stalled');
  const reconciling = find(status, 'Reconciling');
  if (deletionTimestamp) {
    const age = formatAge(nowMilliseconds - Date.parse(deletionTimestamp));
    const held = finalizers?.length ? ` and held by ${finalizers.join(', ')}` : '';
    lines.push(
      `It is being deleted, since ${age}${held}. ${find(status, 'Deleting')?.message ?? ''}`,
    );
  }
  if (find(status, 'Paused')?.status === 'True') lines.push(meaning('Paused'));
  if (stalled?.status === 'True')
    lines.push(
      `Nothing moves until somebody changes something (${stalled.reason}). ` +
        (stalled.message === ready?.message ? '' : stalled.message),
    );
  else if (reconciling?.status === 'True' && reconciling.message !== ready?.message)
    lines.push(`Work is under way: ${reconciling.message}`);
  if (status.progress && !ready?.message.includes(status.progress.message)) {
    const { step, percent, message } = status.progress;
    lines.push(`At present: ${step}${percent === undefined ? '' : ` (${percent} %)`}: ${message}`);
  }
  const cause = stalled?.status === 'True' ? stalled : ready;
  if (cause && (cause.status !== 'True' || cause === stalled) && isReason(cause.reason))
    lines.push(`${cause.reason} means: ${meaning(cause.reason)}`);
  return [...lines, ...otherConditions(status, ready, nowMilliseconds)];
}

function meaning(reason: keyof typeof reasons): string {
  return reasons[reason];
}

function otherConditions(
  { conditions = [] }: ExplainedStatus,
  ready: Condition | undefined,
  nowMilliseconds: number,
): string[] {
  return conditions
    .filter(({ type, status }) => !TOLD.has(type) && (status === 'True') === ABNORMAL.has(type))
    .filter(({ message }) => message !== ready?.message)
    .map(({ type, status, reason, message, lastTransitionTime }) => {
      const age = formatAge(nowMilliseconds - Date.parse(lastTransitionTime));
      return `${type} is ${status}, for ${age} (${reason}): ${message}`;
    });
}

function evidence(status: ExplainedStatus): string[] {
  const lines: string[] = [];
  for (const { name, message } of status.nodes?.failed ?? []) lines.push(`On ${name}: ${message}`);
  const failed = status.commands?.findLast(({ state }) => state === 'Failed');
  const running = status.commands?.findLast(({ state }) => state === 'Running');
  if (running) lines.push(`Running since ${running.startedAt}: ${running.command}`);
  if (failed && status.phase !== 'Active' && status.phase !== 'Mounted')
    lines.push(`The last command that failed (exit ${failed.exitCode}):`, ...quote(failed));
  if (status.lastError)
    lines.push(`The last error was ${status.lastError.code}: ${status.lastError.message}`);
  for (const item of status.leftBehind ?? []) lines.push(`Left behind: ${item}`);
  const actions = (status.recentActions ?? []).slice(0, SHOWN_ACTIONS);
  if (actions.length > 0) lines.push('What was done last:');
  for (const { time, action, because, object } of actions)
    lines.push(`  ${time}  ${action}${object ? ` ${object}` : ''}: ${because}`);
  return lines;
}

function quote({ command, output = '', node }: CommandRecord): string[] {
  const tail = output.trimEnd().split('\n').slice(-SHOWN_LINES);
  return [`  [${node ?? '-'}] $ ${command}`, ...tail.map((line) => `  ${line}`)];
}

function surroundings({ related, events }: Situation): string[] {
  const lines = related.map(({ as, object }) => {
    const { conditions, phase } = statusOf(object);
    const ready = conditions?.find(({ type }) => type === 'Ready');
    const state = phase ?? (ready?.status === 'True' ? 'Ready' : (ready?.reason ?? 'unknown'));
    const words = ready && ready.message !== state ? ` ${ready.message}` : '';
    return `${as} ${object.kind} ${object.metadata.name} is ${state}.${words}`;
  });
  const warnings = events.filter(({ type }) => type === 'Warning');
  const shown = (warnings.length > 0 ? warnings : events).slice(-SHOWN_EVENTS);
  if (shown.length > 0) lines.push(warnings.length > 0 ? 'Warnings:' : 'Events:');
  for (const { time, reason, note, count } of shown)
    lines.push(`  ${time}  ${reason}${count > 1 ? ` (${count} times)` : ''}: ${note}`);
  return lines;
}

function find({ conditions }: ExplainedStatus, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
