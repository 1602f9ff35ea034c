// What a claim's status says, and when its finalizer may go. The claim never decides its binding:
// the instance's spec.claimRef does, and this only tells the user about it.
import { findCondition, removeCondition, timestamp } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import type { InstanceClaim, InstanceClaimStatus } from '../api/instance-claim.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import { releaseFinalizer } from '../api/names.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { Reason } from '../api/reasons.ts';
import type { PortSeen } from './instance-claim-judgements.ts';
import { planOrphaned } from './instance-claim-orphan.ts';
import {
  boundConditions,
  commandsOf,
  describeInstance,
  describeVolume,
  setter,
} from './instance-claim-status.ts';
import { isHeldUp } from './member-conditions.ts';
import type { MemberPlan } from './pool-volume.ts';

export interface InstanceClaimSnapshot {
  readonly claim: InstanceClaim;
  readonly pool: InstancePool | undefined;
  /** The instance whose spec.claimRef names this claim's uid. */
  readonly instance: PoolInstance | undefined;
  /** The volume whose spec.claimRef names this claim's uid. */
  readonly volume: PoolVolume | undefined;
  readonly port: PortSeen;
  /** Why nothing is bound yet; only looked at while that is so. */
  readonly waitsFor: { readonly reason: Reason; readonly message: string };
  /** When this process first saw the claim, in milliseconds; for the latencies. */
  readonly firstSeenAt: number;
}

export type InstanceClaimStep = { readonly type: 'holdClaim' } | { readonly type: 'letClaimGo' };

type Plan = MemberPlan<InstanceClaimStep, InstanceClaimStatus>;

const EMPTY_STATUS: InstanceClaimStatus = { conditions: [], commands: [] };

/** True when the claim's time is over and everything it owns must be released. */
export function isOver({ metadata, status }: InstanceClaim): boolean {
  return (
    metadata.deletionTimestamp !== undefined || status?.phase === 'Releasing' || isSpent(status)
  );
}

/** True for a claim that was served and released: it is never served again. */
function isSpent(status: InstanceClaimStatus | undefined): boolean {
  return (
    status?.phase === 'Failed' && findCondition(status.conditions, 'Ready')?.reason === 'Expired'
  );
}

/** True while its status tells of less than it asks for: only such a claim can be waiting. */
export function isLacking(claim: InstanceClaim): boolean {
  const { spec, status } = claim;
  const hasAll =
    status?.instance !== undefined && (spec.volume === undefined || status.volume !== undefined);
  return !hasAll && !isOver(claim);
}

/** True when the claim lacks something that an allocation could give it. */
export function isWaiting(
  claim: InstanceClaim,
  instance: PoolInstance | undefined,
  volume: PoolVolume | undefined,
): boolean {
  if (isOver(claim)) return false;
  // A claim that was told of its instance never gets another one: a binding is never moved.
  if (instance === undefined) return claim.status?.instance === undefined;
  return claim.spec.volume !== undefined && !volume && claim.status?.volume === undefined;
}

export function planInstanceClaim(snapshot: InstanceClaimSnapshot, now: number): Plan {
  const { claim, instance, volume } = snapshot;
  const before = claim.status ?? EMPTY_STATUS;
  const expiresAt = expiry(before, claim);
  const expired = expiresAt !== undefined && expiresAt <= now;
  if (isOver(claim) || expired) return planRelease(snapshot, before, now);
  const orphaned = planOrphaned(claim, instance, now);
  if (orphaned) return orphaned;
  if (!instance && before.instance) return planLost(claim, before, now);
  if (!instance) return planWaiting(snapshot, before, now);

  const boundAt = before.boundAt ?? timestamp(now);
  const bound: InstanceClaimStatus = {
    ...before,
    boundAt,
    bindLatencyMilliseconds: before.bindLatencyMilliseconds ?? elapsed(snapshot, now),
    instance: describeInstance(instance),
    commands: commandsOf(claim, instance),
    ...(volume ? { volume: describeVolume(volume, instance) } : {}),
  };
  const expires = expiry(bound, claim);
  const status: InstanceClaimStatus = {
    ...bound,
    ...(expires === undefined ? {} : { expiresAt: timestamp(expires) }),
  };
  const conditions = boundConditions(snapshot, status, instance, now);
  const ready = findCondition(conditions, 'Ready')?.status === 'True';
  const held = claim.metadata.finalizers?.includes(releaseFinalizer);
  return {
    step: held ? undefined : { type: 'holdClaim' },
    because: 'what it owns must be released before it goes',
    status: {
      ...status,
      phase: ready ? 'Ready' : 'Bound',
      conditions,
      observedGeneration: claim.metadata.generation,
      ...(ready && !status.readyAt
        ? { readyAt: timestamp(now), readyLatencyMilliseconds: elapsed(snapshot, now) }
        : {}),
    },
    ...nextLook(snapshot, ready ? undefined : status, expires, now),
  };
}

/** How often the port of spec.ready is asked while it does not answer. */
const READY_CHECK_MILLISECONDS = 1_000;

function nextLook(
  { claim }: InstanceClaimSnapshot,
  unready: InstanceClaimStatus | undefined,
  expires: number | undefined,
  now: number,
): { waitMilliseconds?: number } {
  const waits = expires === undefined ? [] : [expires - now];
  if (claim.spec.ready && unready) waits.push(READY_CHECK_MILLISECONDS);
  return waits.length > 0 ? { waitMilliseconds: Math.min(...waits) } : {};
}

/** The record of its instance is gone though nobody released it: only its owner can let go. */
function planLost(claim: InstanceClaim, before: InstanceClaimStatus, now: number): Plan {
  const set = setter(claim, now);
  const message = `the record of instance ${before.instance?.name} is gone; it comes back when its machine is found in Azure, else delete the claim and claim again`;
  let conditions = set(before.conditions, 'Ready', 'False', 'InstanceLost', message);
  conditions = set(
    removeCondition(conditions, 'Reconciling'),
    'Stalled',
    'True',
    'InstanceLost',
    message,
  );
  return {
    step: undefined,
    because: message,
    status: {
      ...before,
      phase: 'Failed',
      conditions,
      observedGeneration: claim.metadata.generation,
    },
  };
}

function planWaiting(
  snapshot: InstanceClaimSnapshot,
  before: InstanceClaimStatus,
  now: number,
): Plan {
  const { claim, waitsFor } = snapshot;
  const set = setter(claim, now);
  let conditions = removeCondition(before.conditions, 'Stalled');
  conditions = set(conditions, 'Bound', 'False', waitsFor.reason, waitsFor.message);
  conditions = set(conditions, 'Ready', 'False', waitsFor.reason, waitsFor.message);
  conditions = set(conditions, 'Reconciling', 'True', 'Progressing', waitsFor.message);
  return {
    step: undefined,
    because: waitsFor.message,
    status: {
      ...before,
      phase: 'Pending',
      conditions,
      observedGeneration: claim.metadata.generation,
    },
  };
}

function planRelease(
  snapshot: InstanceClaimSnapshot,
  before: InstanceClaimStatus,
  now: number,
): Plan {
  const { claim, instance, volume } = snapshot;
  const deleted = claim.metadata.deletionTimestamp !== undefined;
  const held = claim.metadata.finalizers?.includes(releaseFinalizer) ?? false;
  const owns = [instance, volume].flatMap((member) => (member ? [member.metadata.name] : []));
  if (owns.length === 0 && deleted) {
    return {
      step: held ? { type: 'letClaimGo' } : undefined,
      because: 'nothing is left of it',
      status: before,
    };
  }
  const set = setter(claim, now);
  const [reason, why]: [Reason, string] = deleted
    ? ['Releasing', 'the claim was deleted']
    : ['Expired', `spec.ttl of ${claim.spec.ttl} is over`];
  const message =
    owns.length > 0
      ? `${why}; releasing ${owns.join(' and ')}${whatHoldsUp(instance)}`
      : `${why}; it was released`;
  let conditions = set(before.conditions, 'Ready', 'False', reason, message);
  conditions = removeCondition(conditions, owns.length > 0 ? 'Stalled' : 'Reconciling');
  if (owns.length > 0) conditions = set(conditions, 'Reconciling', 'True', 'Progressing', message);
  else {
    conditions = set(conditions, 'Bound', 'False', reason, message);
    if (claim.spec.volume) conditions = set(conditions, 'VolumeAttached', 'False', reason, message);
    conditions = set(conditions, 'Stalled', 'True', reason, message);
  }
  return {
    step: owns.length === 0 && held ? { type: 'letClaimGo' } : undefined,
    because: message,
    status: {
      ...(owns.length > 0 ? before : withoutWhereabouts(before)),
      phase: owns.length > 0 ? 'Releasing' : 'Failed',
      conditions,
      observedGeneration: claim.metadata.generation,
    },
  };
}

/** Why a release takes longer than usual. */
function whatHoldsUp(instance: PoolInstance | undefined): string {
  const { status } = instance ?? {};
  if (!status) return '';
  const { lastError, attempts } = status;
  if (lastError && attempts > 0) {
    return `; attempt ${attempts} failed, trying again: ${lastError.code}: ${lastError.message}`;
  }
  return isHeldUp(status) ? '; Azure is still busy with the machine (Updating)' : '';
}

/** What it had is on record; how to get there is not: the address may be another's by now. */
function withoutWhereabouts(status: InstanceClaimStatus): InstanceClaimStatus {
  const { instance, volume } = status;
  const { address: _, ...machine } = instance ?? { name: '', uid: '' };
  const { lun: __, devicePath: ___, ...disk } = volume ?? { name: '', uid: '' };
  return { ...status, ...(instance && { instance: machine }), ...(volume && { volume: disk }) };
}

function expiry(status: InstanceClaimStatus, { spec }: InstanceClaim): number | undefined {
  if (spec.ttl === undefined || status.boundAt === undefined) return undefined;
  return Date.parse(status.boundAt) + parseDuration(spec.ttl);
}

function elapsed({ firstSeenAt }: InstanceClaimSnapshot, now: number): number {
  return Math.max(0, Math.round(now - firstSeenAt));
}
