// What a storage pool says of itself. Ready means: it can be used where it should be. A first sync or
// a missing member doesn't take that away: the data can be read and written, kstatus would otherwise
// hold up a roll-out for ever, and ArrayHealthy and the phase tell about the redundancy.
import { findCondition, removeCondition, setCondition } from '../api/conditions.ts';
import type { Condition } from '../api/object.ts';
import type { ConditionType, Reason } from '../api/reasons.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import { branchOf } from './storage-pool-branch.ts';
import type { MountVerdict } from './storage-pool-verdict.ts';

export interface PoolDeletion {
  readonly reason: Reason;
  readonly message: string;
}

export interface StoragePoolConditionsInput {
  readonly pool: StoragePool;
  readonly verdicts: readonly MountVerdict[];
  /** Why nothing can be made at all, or not all that the spec asks for. */
  readonly stall: Stall | undefined;
  /** Set while the pool is being deleted. */
  readonly deletion: PoolDeletion | undefined;
  /** What nodes that are not asked for it any more have yet to do. */
  readonly leaving?: PoolDeletion | undefined;
  /** What pods can have of it; absent where it is not offered to any. */
  readonly exposed?: Judgement | undefined;
  /** What is in the way of the disks that it takes from a VolumePool. */
  readonly disksClaimed?: Judgement | undefined;
}

interface Judgement {
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

/** Deletion waits for somebody to do something. */
const stuckReasons: ReadonlySet<Reason> = new Set([
  'CleanupFailed',
  'CleanupBlocked',
  'VolumesBound',
]);

type Setter = (type: ConditionType, judgement: Judgement | undefined) => void;

export function storagePoolConditions(input: StoragePoolConditionsInput, now: number): Condition[] {
  const { pool, verdicts, stall, deletion } = input;
  let conditions: Condition[] = pool.status?.conditions ?? [];
  const observedGeneration = pool.metadata.generation;
  const set: Setter = (type, judgement) => {
    conditions = judgement
      ? setCondition(conditions, { type, observedGeneration, ...judgement }, now)
      : removeCondition(conditions, type);
  };
  if (deletion) {
    const { reason, message } = deletion;
    const isStuck = stuckReasons.has(reason);
    set('Ready', { status: 'False', reason: 'DeletionRequested', message });
    set('Reconciling', isStuck ? undefined : { status: 'True', reason: 'Progressing', message });
    set('Stalled', isStuck ? { status: 'True', reason, message } : undefined);
    set('Deleting', { status: 'True', reason, message });
  } else {
    const ready = stall ? ({ status: 'False', ...stall } as const) : summarise(verdicts);
    const { leaving } = input;
    const isStuck = leaving !== undefined && stuckReasons.has(leaving.reason);
    const stalled = stall ?? stalledOf(verdicts) ?? (isStuck ? leaving : undefined);
    set('Ready', ready);
    set('Stalled', stalled && { status: 'True', reason: stalled.reason, message: stalled.message });
    const own = ready.status === 'True' ? describe(verdicts.filter(works)) : ready.message;
    const isWorking = !stalled && verdicts.some(works);
    const message = isWorking ? own : stalled ? undefined : leaving?.message;
    const isGoingOn = message !== undefined && message !== '';
    set('Reconciling', isGoingOn ? { status: 'True', reason: 'Progressing', message } : undefined);
  }
  for (const type of branchOf(pool.spec).conditions)
    set(type, isSaid(type, verdicts) ? aggregate(type, verdicts) : undefined);
  if (input.disksClaimed) set('DisksClaimed', input.disksClaimed);
  set('Exposed', input.exposed);
  return conditions;
}

/** What is judged from the first scrub on only is left out until then. */
function isSaid(type: ConditionType, verdicts: readonly MountVerdict[]): boolean {
  if (type !== 'ArrayConsistent') return true;
  return verdicts.some(({ mount }) => findCondition(mount?.status?.conditions, type));
}

function works({ isWorking }: MountVerdict): boolean {
  return isWorking;
}

function summarise(verdicts: readonly MountVerdict[]): Judgement {
  const [first, ...others] = verdicts;
  if (!first) return { status: 'Unknown', reason: 'NotYetObserved', message: 'not looked at yet' };
  const rest = verdicts.filter(({ type }) => type !== 'ready');
  if (rest.length === 0) {
    const message = others.length === 0 ? first.message : `mounted on all ${verdicts.length} nodes`;
    return { status: 'True', reason: first.reason, message };
  }
  const message = describe(rest, verdicts.length);
  const stuck = rest.filter(({ type }) => type === 'stuck');
  if (others.length === 0) {
    // Silence may be the agent's or, of a mount that it can't look into, the server's.
    const status = first.phase === 'Unknown' ? 'Unknown' : 'False';
    return { status, reason: first.reason, message };
  }
  if (verdicts.every(({ phase }) => phase === 'Unknown')) {
    const isOne = others.every(({ reason }) => reason === first.reason);
    return { status: 'Unknown', reason: isOne ? first.reason : 'AgentNotReady', message };
  }
  if (stuck.length > 0) return { status: 'False', reason: 'NodesFailed', message };
  return { status: 'False', reason: 'NodesPending', message };
}

const NAMED_NODES_MAX = 3;

/** One node speaks for itself; of several, those that say the same are named together. */
function describe(verdicts: readonly MountVerdict[], total = verdicts.length): string {
  const [first] = verdicts;
  if (!first) return '';
  if (total === 1) return first.message;
  const stuck = verdicts.filter(({ type }) => type === 'stuck');
  const told = stuck.length > 0 ? stuck : verdicts;
  const what = stuck.length > 0 ? 'failed' : 'not ready';
  const where = told.length === total ? `all ${total} nodes` : `${told.length} of ${total} nodes`;
  const heading = `${what} on ${where}`;
  const plain = ({ node, message }: MountVerdict): string => message.replace(` on ${node}`, '');
  const same = plain(told[0]!);
  if (told.length > 1 && told.every((one) => plain(one) === same)) return `${heading}: ${same}`;
  const named = told.slice(0, NAMED_NODES_MAX).map((one) => `${one.node}: ${plain(one)}`);
  const more = told.length > NAMED_NODES_MAX ? `; and ${told.length - NAMED_NODES_MAX} more` : '';
  return `${heading}: ${named.join('; ')}${more}`;
}

function stalledOf(verdicts: readonly MountVerdict[]): Stall | undefined {
  const stalled = verdicts.filter(({ isStalled }) => isStalled);
  const [first] = stalled;
  if (!first) return undefined;
  if (first.complaint) return first.complaint;
  return { reason: first.reason, message: describe(stalled, verdicts.length) };
}

/** Of one mount its own words; of several False where any is, True only where all are. */
function aggregate(type: ConditionType, verdicts: readonly MountVerdict[]): Judgement | undefined {
  const judged = verdicts.map((one) => ({ node: one.node, ...judgePart(type, one) }));
  const [first] = judged;
  if (!first) return undefined;
  if (judged.length === 1) return withoutNode(first);
  const bad = judged.filter(({ status }) => status === 'False');
  const unknown = judged.filter(({ status }) => status === 'Unknown');
  const shown = bad[0] ?? unknown[0];
  const of = `${judged.length} nodes`;
  if (!shown) return { status: 'True', reason: first.reason, message: `so on all ${of}` };
  const count = bad.length > 0 ? bad.length : unknown.length;
  const message = `${count} of ${of}, such as ${shown.node}: ${shown.message}`;
  return { ...withoutNode(shown), message };
}

function withoutNode({ status, reason, message }: Judgement): Judgement {
  return { status, reason, message };
}

function judgePart(type: ConditionType, { mount, ...one }: MountVerdict): Judgement {
  // A stale "yes" is worse than none.
  if (one.type === 'unknown')
    return { status: 'Unknown', reason: one.reason, message: one.message };
  const own = findCondition(mount?.status?.conditions, type);
  if (!own)
    return { status: 'Unknown', reason: 'NotYetObserved', message: 'the agent has not said yet' };
  return { status: own.status, reason: own.reason as Reason, message: own.message };
}
