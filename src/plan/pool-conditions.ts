// What a warm pool says of itself, in Cluster API's words: Available, ScalingUp, ScalingDown, …
import { findCondition, removeCondition, setCondition } from '../api/conditions.ts';
import type { Condition, ObjectMeta } from '../api/object.ts';
import type { ConditionType, Reason } from '../api/reasons.ts';
import type { Scaling } from '../api/scaling.ts';
import { reasonOfError } from './azure-reasons.ts';
import type { PoolDiscovery } from './discovery.ts';
import type { PoolDecision } from './pool.ts';

/** Why nothing moves until somebody changes something. */
export interface Stall {
  readonly reason: Reason;
  readonly message: string;
}

export interface PoolConditionsInput {
  readonly metadata: ObjectMeta;
  readonly before: Condition[];
  readonly scaling: Scaling;
  readonly decision: PoolDecision;
  readonly waitingClaims: number;
  readonly paused: boolean;
  readonly stall: Stall | undefined;
  readonly discovery?: PoolDiscovery | undefined;
  /** What Azure refused for want of capacity or quota, and still refuses. */
  readonly refusal?: { readonly code: string; readonly message: string } | undefined;
  /** What must be there before anything can be made; for volume pools the golden snapshot. */
  readonly waitsFor?: Stall | undefined;
}

export function poolConditions(input: PoolConditionsInput, now: number): Condition[] {
  const { metadata, decision } = input;
  const observedGeneration = metadata.generation;
  let conditions = input.before;
  const set = (type: ConditionType, is: boolean, reason: Reason, message: string): void => {
    const status = is ? 'True' : 'False';
    conditions = setCondition(
      conditions,
      { type, status, reason, message, observedGeneration },
      now,
    );
  };
  const free = decision.roles.get('free') ?? 0;
  const ready = judgeReadiness(input, free);

  set('Ready', ready.is, ready.reason, ready.message);
  if (free > 0) set('Available', true, 'MembersAvailable', `${free} free`);
  else set('Available', false, 'NoFreeMembers', 'no member is free');
  describeScaling(input, set);
  if (decision.outdated > 0) {
    const what = `${decision.outdated} of ${free} free members are of an older version`;
    set('RollingOut', true, 'RollingOut', `${what} and are replaced gradually`);
  } else set('RollingOut', false, 'AsExpected', 'no free member is of an older version');
  set(
    'Paused',
    input.paused,
    input.paused ? 'Paused' : 'NotPaused',
    input.paused ? 'spec.paused is true' : 'spec.paused is false',
  );
  const failures = decision.memory.creationFailures;
  const refusal = input.refusal ?? failures?.lastError;
  const reason = refusal && reasonOfError(refusal);
  if (refusal && reason && CAPACITY_REASONS.has(reason)) {
    set('QuotaAvailable', false, reason, refusal.message);
  } else
    set(
      'QuotaAvailable',
      true,
      'QuotaAvailable',
      'Azure refused no creation for quota or capacity',
    );

  const deleting = decision.deletion;
  if (deleting) set('Deleting', true, 'DeletionRequested', deleting.message);
  if (input.stall && !deleting) {
    conditions = removeCondition(conditions, 'Reconciling');
    set('Stalled', true, input.stall.reason, input.stall.message);
    return conditions;
  }
  conditions = removeCondition(conditions, 'Stalled');
  if (ready.is) return removeCondition(conditions, 'Reconciling');
  set('Reconciling', true, 'Progressing', ready.message);
  return conditions;
}

const CAPACITY_REASONS: ReadonlySet<Reason> = new Set([
  'QuotaExceeded',
  'CapacityUnavailable',
  'SizeNotAvailable',
]);

interface Judgement {
  readonly is: boolean;
  readonly reason: Reason;
  readonly message: string;
}

/**
 * Ready once minFree is reached, and still while an ordinary refill is under way: a pool that serves
 * claims must not look broken after each of them.
 */
function judgeReadiness(input: PoolConditionsInput, free: number): Judgement {
  const { decision, stall, waitsFor, scaling } = input;
  if (decision.deletion)
    return { is: false, reason: 'DeletionRequested', message: decision.deletion.message };
  if (stall) return { is: false, ...stall };
  if (waitsFor) return { is: false, ...waitsFor };
  const failures = decision.memory.creationFailures;
  const target = `${free} free of ${scaling.minFree} wanted at least`;
  if (free >= scaling.minFree && (free > 0 || input.waitingClaims === 0)) {
    return {
      is: true,
      reason: 'ScaledToTarget',
      message: `${free} free, ${scaling.minFree} to ${scaling.maxFree} wanted`,
    };
  }
  if (input.discovery?.state === 'incomplete' && !input.discovery.wasComplete) {
    const because = `Azure could not be looked at (${input.discovery.error})`;
    const message = `${target}; ${because}: nothing is made before what exists is known`;
    return { is: false, reason: 'DiscoveryIncomplete', message };
  }
  if (failures) {
    const { code, message } = failures.lastError;
    const again = `tried again at ${failures.nextAttemptTime}`;
    return {
      is: false,
      reason: reasonOfError(failures.lastError),
      message: `${target}; ${code}: ${message}; ${again}`,
    };
  }
  if (decision.scaling.limitedByMaxTotal) {
    const kept = decision.roles.get('retained') ?? 0;
    const retained = kept > 0 ? `, ${kept} of them retained` : '';
    const message = `${target}; maxTotal of ${scaling.maxTotal} is reached${retained}, ${input.waitingClaims} claims wait`;
    return { is: free > 0 || input.waitingClaims === 0, reason: 'LimitedByMaxTotal', message };
  }
  const before = findCondition(input.before, 'Ready');
  const refilling =
    free > 0 &&
    before?.status === 'True' &&
    before.observedGeneration === input.metadata.generation;
  return { is: refilling, reason: 'BelowMinFree', message: `${target}; more are being made` };
}

function describeScaling(
  { decision, paused, discovery }: PoolConditionsInput,
  set: (type: ConditionType, is: boolean, reason: Reason, message: string) => void,
): void {
  const creating = (decision.roles.get('creating') ?? 0) + decision.scaling.create.length;
  const deleting = (decision.roles.get('deleting') ?? 0) + decision.scaling.retire.length;
  if (creating > 0) set('ScalingUp', true, 'BelowMinFree', `${creating} are being made`);
  else if (decision.scaling.limitedByMaxTotal) {
    set('ScalingUp', false, 'LimitedByMaxTotal', 'more are wanted, but maxTotal is reached');
  } else set('ScalingUp', false, paused ? 'Paused' : 'AsExpected', 'none is being made');
  if (deleting > 0) set('ScalingDown', true, 'AboveMaxFree', `${deleting} are being removed`);
  else if (discovery?.state === 'incomplete') {
    const message = `the last look at Azure failed (${discovery.error}); nothing is removed on its word`;
    set('ScalingDown', false, 'DiscoveryIncomplete', message);
  } else if (decision.memory.nextScaleDownTime) {
    const at = decision.memory.nextScaleDownTime;
    set(
      'ScalingDown',
      true,
      'CooldownActive',
      `more are free than maxFree; the next goes at ${at}`,
    );
  } else set('ScalingDown', false, paused ? 'Paused' : 'AsExpected', 'none is being removed');
}
