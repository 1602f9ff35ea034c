// How an array is doing, for people. A first sync is no fault: nobody should be woken for a new
// pool, although levels 4 and 5 are built as degraded arrays.
import type { ArrayStatus, RaidLevel } from '../api/disk.ts';
import type { Reason } from '../api/reasons.ts';
import type { ArrayFacts, ScrubRecord } from '../plan/node-mount-mdadm-facts.ts';
import { isArrayFailed, isSyncing } from '../plan/node-mount-mdadm-health.ts';

export interface ArrayHealth {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: Reason;
  readonly message: string;
  readonly phase: 'Mounted' | 'Degraded' | 'Rebuilding' | 'Failed';
}

export interface HealthContext {
  readonly hasSyncedOnce: boolean;
  /** It was there before the pool: nobody knows whether it ever was whole. */
  readonly isAdopted?: boolean;
  /** Disks that failed or are missing, in a person's words. */
  readonly troubled?: readonly string[];
}

export function judgeArray(array: ArrayFacts, context: HealthContext): ArrayHealth {
  const { raidDisks, degraded, syncAction } = array;
  const { troubled = [] } = context;
  const which = troubled.length > 0 ? ` (${troubled.join('; ')})` : '';
  if (isArrayFailed(array))
    return {
      status: 'False',
      reason: 'ArrayFailed',
      message: describeFailure(array, which),
      phase: 'Failed',
    };
  const how = describeSync(array);
  if (isFirstSync(array, context)) {
    const message = `The first ${syncAction} is under way${how}; the array can be used.`;
    return { status: 'True', reason: 'InitialSync', message, phase: 'Mounted' };
  }
  if (degraded > 0) {
    const lacking = `${degraded} of ${raidDisks} members are missing or failed${which}`;
    if (isSyncing(array) && syncAction !== 'reshape')
      return {
        status: 'False',
        reason: 'ArrayRebuilding',
        message: `${lacking}; the array is being rebuilt${how}.`,
        phase: 'Rebuilding',
      };
    const message = `${lacking}; replace ${degraded === 1 ? 'it' : 'them'} to restore redundancy.`;
    return { status: 'False', reason: 'ArrayDegraded', message, phase: 'Degraded' };
  }
  if (syncAction === 'reshape') {
    const message = `All members are in place; the data is being spread over ${raidDisks}${how}.`;
    return { status: 'True', reason: 'ArrayReshaping', message, phase: 'Mounted' };
  }
  if (isSyncing(array) && array.members.some(({ state }) => state.includes('replacement'))) {
    const message = `All ${raidDisks} members are in place; one is being replaced${how}.`;
    return { status: 'True', reason: 'ArrayRebuilding', message, phase: 'Rebuilding' };
  }
  const replaced = troubled.length > 0 ? `, but not every disk is fit${which}: replace it` : '';
  const message = `All ${raidDisks} members are in place${replaced}.`;
  return { status: 'True', reason: 'ArrayHealthy', message, phase: 'Mounted' };
}

/** A first sync of levels 4 and 5 fills the last member; any other that lacks one has lost it. */
function isFirstSync(array: ArrayFacts, { hasSyncedOnce, isAdopted }: HealthContext): boolean {
  if (!isSyncing(array) || hasSyncedOnce) return false;
  if (array.degraded === 0) return true;
  const isFilling = array.level === 4 || array.level === 5;
  const hasFailed = array.members.some(({ state }) => state.includes('faulty'));
  return isFilling && array.degraded === 1 && !hasFailed && !isAdopted;
}

/** Only what doesn't change every second: the rest is progress. */
function describeSync({ syncPercent }: ArrayFacts): string {
  return syncPercent === undefined ? '' : ` (${syncPercent} %)`;
}

function describeFailure(array: ArrayFacts, which: string): string {
  const { state, level, members, degraded, raidDisks } = array;
  const gone = members.filter(({ isGone }) => isGone).map(({ path }) => path);
  const lost = level === 0 ? gone.join(', ') || 'a member' : `${degraded} of ${raidDisks} members`;
  return (
    `The array is ${describeState(state)}: it lost ${lost}${which}, more than RAID${level} can do without. ` +
    'Bring the disks back, then restart the node: the array is started anew from what they hold.'
  );
}

/** Between running states the kernel changes with every write. */
function describeState(state: string): string {
  return runningStates.has(state) ? 'active' : state;
}

const runningStates = new Set(['clean', 'active', 'active-idle', 'write-pending', 'read-auto']);

/** Whether the array has nothing left to build for the first time. */
export function isSynced(array: ArrayFacts): boolean {
  return array.level === 0 || (!isSyncing(array) && !array.isResyncPending && array.degraded === 0);
}

export function arrayStatusOf(
  array: ArrayFacts,
  facts: {
    readonly name: string;
    readonly initialSyncCompletedAt: string | undefined;
    readonly scrub: ScrubRecord | undefined;
  },
): ArrayStatus {
  return {
    uuid: array.uuid,
    name: facts.name,
    devicePath: array.path,
    level: array.level as RaidLevel,
    state: describeState(array.state),
    memberCount: array.raidDisks,
    degradedCount: array.degraded,
    ...(array.syncAction !== undefined && { syncAction: array.syncAction }),
    ...(array.syncPercent !== undefined && { syncPercent: array.syncPercent }),
    ...(array.syncKiBPerSecond !== undefined && { syncKiBPerSecond: array.syncKiBPerSecond }),
    ...(array.syncSecondsLeft !== undefined && { syncSecondsLeft: array.syncSecondsLeft }),
    ...(facts.initialSyncCompletedAt !== undefined && {
      initialSyncCompletedAt: facts.initialSyncCompletedAt,
    }),
    ...(facts.scrub && { scrub: scrubStatus(facts.scrub) }),
  };
}

function scrubStatus({
  startedAt,
  completedAt,
  mismatchCount,
}: ScrubRecord): NonNullable<ArrayStatus['scrub']> {
  return {
    startedAt,
    ...(completedAt !== undefined && { completedAt }),
    ...(mismatchCount !== undefined && { mismatchCount }),
  };
}

export function isScrubbing(array: ArrayFacts | undefined): boolean {
  return array?.syncAction === 'check';
}
