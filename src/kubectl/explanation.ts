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
  const said = new Said();
  const parts = [
    ...opening(situation, status),
    ...obstacles(situation, status),
    ...evidence(status),
    ...surroundings(situation),
  ];
  return parts.flatMap((part) => said.once(part)).join('\n');
}

/** A sentence, and the message in it: what another line has told already is not told again. */
interface Line {
  readonly before: string;
  readonly message: string;
  /** What a message that was told already leaves of the line; left out: nothing. */
  readonly otherwise?: string;
}

class Said {
  #text = '';

  once(line: Line | string): readonly string[] {
    const { before, message, otherwise = '' } = typeof line === 'string' ? plain(line) : line;
    const isKnown = message !== '' && this.#text.includes(message);
    const text = isKnown ? otherwise : `${before}${message}`.trimEnd();
    this.#text += `${text}\n`;
    return text === '' ? [] : [text];
  }
}

const plain = (before: string): Line => ({ before, message: '' });

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
  const verdict = { True: 'Ready', False: 'not Ready', Unknown: 'of unknown state' };
  const words = [status.phase, verdict[ready?.status ?? 'Unknown']];
  const state = [...new Set(words.filter(Boolean))].join(' and ');
  const lines = [`${name} is ${state}${since ? `, for ${since}` : ''}. ${ready?.message ?? ''}`];
  if (status.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    lines.push('Its latest change has not been looked at yet; this is about the one before.');
  return lines;
}

function obstacles(
  { object, nowMilliseconds }: Situation,
  status: ExplainedStatus,
): (Line | string)[] {
  const lines: (Line | string)[] = [];
  const { deletionTimestamp, finalizers } = object.metadata;
  const ready = find(status, 'Ready');
  const stalled = find(status, 'Stalled');
  const reconciling = find(status, 'Reconciling');
  if (deletionTimestamp) {
    const age = formatAge(nowMilliseconds - Date.parse(deletionTimestamp));
    const held = finalizers?.length ? ` and held by ${finalizers.join(', ')}` : '';
    lines.push(
      `It is being deleted, for ${age}${held}. ${find(status, 'Deleting')?.message ?? ''}`,
    );
  }
  if (find(status, 'Paused')?.status === 'True') lines.push(reasons.Paused);
  if (stalled?.status === 'True') {
    const otherwise = 'Nothing moves until somebody changes something.';
    lines.push({ before: `${otherwise} `, message: stalled.message, otherwise });
  } else {
    if (reconciling?.status === 'True')
      lines.push({ before: 'Work is under way: ', message: reconciling.message });
    if (status.progress) lines.push(progressLine(status.progress));
  }
  const cause = stalled?.status === 'True' ? stalled : ready;
  if (cause && (cause.status !== 'True' || cause === stalled) && isReason(cause.reason))
    lines.push(`${cause.reason} means: ${reasons[cause.reason]}`);
  return [...lines, ...otherConditions(status, nowMilliseconds)];
}

function progressLine({ step, percent, message }: Progress): Line {
  const share = percent === undefined ? '' : ` (${percent} %)`;
  return { before: `At present: ${message.startsWith(step) ? '' : `${step}${share}: `}`, message };
}

function otherConditions({ conditions = [] }: ExplainedStatus, nowMilliseconds: number): Line[] {
  return conditions
    .filter(({ type, status }) => !TOLD.has(type) && (status === 'True') === ABNORMAL.has(type))
    .map(({ type, status, reason, message, lastTransitionTime }) => {
      const age = formatAge(nowMilliseconds - Date.parse(lastTransitionTime));
      return { before: `${type} is ${status}, for ${age} (${reason}): `, message };
    });
}

function evidence(status: ExplainedStatus): (Line | string)[] {
  const lines: (Line | string)[] = [];
  const byMessage = Map.groupBy(status.nodes?.failed ?? [], ({ message }) => message);
  for (const [message, nodes] of byMessage) {
    const names = nodes.map(({ name }) => name).join(', ');
    lines.push({ before: `On ${names}: `, message, otherwise: `That is so on ${names}.` });
  }
  const failed = status.commands?.findLast(({ state }) => state === 'Failed');
  const running = status.commands?.findLast(({ state }) => state === 'Running');
  if (running) lines.push(`Running since ${running.startedAt}: ${running.command}`);
  if (failed && status.phase !== 'Active' && status.phase !== 'Mounted') {
    const intro = `The last command that failed (exit ${failed.exitCode}):`;
    lines.push({ before: `${intro}\n`, message: quote(failed) });
  }
  if (status.lastError) {
    const { code, message } = status.lastError;
    lines.push({ before: `The last error was ${code}: `, message });
  }
  for (const item of status.leftBehind ?? []) lines.push(`Left behind: ${item}`);
  const actions = (status.recentActions ?? []).slice(0, SHOWN_ACTIONS);
  if (actions.length > 0) lines.push('What was done last:');
  for (const { time, action, because, object } of actions)
    lines.push(`  ${time}  ${action}${object ? ` ${object}` : ''}: ${because}`);
  return lines;
}

function quote({ command, output = '', node }: CommandRecord): string {
  const tail = output.trimEnd().split('\n').slice(-SHOWN_LINES);
  return [`  [${node ?? '-'}] $ ${command}`, ...tail.map((line) => `  ${line}`)].join('\n');
}

function surroundings({ related, events }: Situation): (Line | string)[] {
  const lines: (Line | string)[] = related.map(({ as, object }) => {
    const { conditions, phase } = statusOf(object);
    const ready = conditions?.find(({ type }) => type === 'Ready');
    const state = phase ?? (ready?.status === 'True' ? 'Ready' : (ready?.reason ?? 'unknown'));
    const before = `${as} ${object.kind} ${object.metadata.name} is ${state}.`;
    return ready && ready.message !== state
      ? { before: `${before} `, message: ready.message }
      : before;
  });
  const warnings = events.filter(({ type }) => type === 'Warning');
  const shown = (warnings.length > 0 ? warnings : events).slice(-SHOWN_EVENTS);
  if (shown.length > 0) lines.push(warnings.length > 0 ? 'Warnings:' : 'Events:');
  for (const { time, reason, note, count } of shown) {
    const before = `  ${time}  ${reason}${count > 1 ? ` (${count} times)` : ''}`;
    lines.push({ before: `${before}: `, message: note, otherwise: `${before}, as above` });
  }
  return lines;
}

function find({ conditions }: ExplainedStatus, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
