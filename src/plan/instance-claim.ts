// What a claim's status says, and when its finalizer may go. The claim never decides its binding:
// the instance's spec.claimRef does, and this only tells the user about it.
import { findCondition, removeCondition, setCondition, timestamp } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import type { InstanceClaim, InstanceClaimStatus } from '../api/instance-claim.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import { releaseFinalizer } from '../api/names.ts';
import type { Condition } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { type ConditionType, type Reason, reasonOf } from '../api/reasons.ts';
import { hookState } from './hooks.ts';
import type { MemberPlan } from './pool-volume.ts';

export interface InstanceClaimSnapshot {
  readonly claim: InstanceClaim;
  readonly pool: InstancePool | undefined;
  /** The instance whose spec.claimRef names this claim's uid. */
  readonly instance: PoolInstance | undefined;
  /** The volume whose spec.claimRef names this claim's uid. */
  readonly volume: PoolVolume | undefined;
  /** Whether the port of spec.ready answers; `unread` where that is not asked. */
  readonly port: 'open' | 'closed' | 'unread';
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

function boundConditions(
  { claim, volume, pool, port }: InstanceClaimSnapshot,
  status: InstanceClaimStatus,
  instance: PoolInstance,
  now: number,
): Condition[] {
  const set = setter(claim, now);
  let conditions = set(
    status.conditions,
    'Bound',
    'True',
    'Bound',
    `bound to instance ${instance.metadata.name}`,
  );
  const attachment = judgeAttachment(claim, instance, volume);
  conditions = set(
    conditions,
    'VolumeAttached',
    attachment.status,
    attachment.reason,
    attachment.message,
  );
  const hooks = judgeHooks(pool, instance);
  conditions = set(conditions, 'HooksSucceeded', hooks.status, hooks.reason, hooks.message);
  const lost = judgeLoss(instance) ?? (hooks.reason === 'HookFailed' ? hooks : undefined);
  const steps = [
    judgePower(instance),
    attachment,
    hooks,
    judgeReadyCheck(claim, status, port, now),
  ];
  const ready = lost ?? steps.find(({ status }) => status !== 'True');
  if (ready) {
    conditions = set(conditions, 'Ready', 'False', ready.reason, ready.message);
    if (lost)
      return set(
        removeCondition(conditions, 'Reconciling'),
        'Stalled',
        'True',
        lost.reason,
        lost.message,
      );
    conditions = removeCondition(conditions, 'Stalled');
    return set(conditions, 'Reconciling', 'True', 'Progressing', ready.message);
  }
  const address = instance.status?.azure?.privateAddress;
  const message = `${instance.metadata.name} is yours${address ? ` at ${address}` : ''}`;
  conditions = removeCondition(removeCondition(conditions, 'Reconciling'), 'Stalled');
  return set(conditions, 'Ready', 'True', 'AsExpected', message);
}

interface Judgement {
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

function judgeAttachment(
  claim: InstanceClaim,
  instance: PoolInstance,
  volume: PoolVolume | undefined,
): Judgement {
  const others = (instance.status?.volumes ?? []).filter(({ uid }) => uid !== volume?.metadata.uid);
  if (others.length > 0) {
    const message = `Azure is detaching ${others.map(({ name }) => name).join(', ')}`;
    return { status: 'False', reason: 'AttachingVolume', message };
  }
  if (!claim.spec.volume)
    return { status: 'True', reason: 'NoVolumeRequested', message: 'no volume was asked for' };
  if (!volume && claim.status?.volume) {
    const message = `the record of volume ${claim.status.volume.name} is gone; delete the claim and claim again`;
    return { status: 'False', reason: 'VolumeNotFound', message };
  }
  if (!volume) {
    const message = 'the instance is bound; its volume is not yet';
    return { status: 'False', reason: 'VolumePoolExhausted', message };
  }
  const held = instance.status?.volumes.find(({ uid }) => uid === volume.metadata.uid);
  if (held) {
    return {
      status: 'True',
      reason: 'VolumeAttached',
      message: `${volume.metadata.name} is attached at LUN ${held.lun}`,
    };
  }
  const { lastError, attempts } = instance.status ?? {};
  if (lastError && attempts) {
    const message = `attempt ${attempts} to attach ${volume.metadata.name} failed: ${lastError.code}: ${lastError.message}`;
    return { status: 'False', reason: 'AttachFailed', message };
  }
  return {
    status: 'False',
    reason: 'AttachingVolume',
    message: `Azure is attaching ${volume.metadata.name}`,
  };
}

/** A machine that waited switched off is no use before it runs. */
function judgePower({ metadata, status }: PoolInstance): Judgement {
  const power = status?.azure?.powerState;
  if (power === 'running') return { status: 'True', reason: 'AsExpected', message: '' };
  return { status: 'False', reason: 'Progressing', message: `${metadata.name} is being started` };
}

/** Asked only until it first succeeds: from then on the machine is the user's to run. */
function judgeReadyCheck(
  { spec: { ready } }: InstanceClaim,
  { readyAt, boundAt }: InstanceClaimStatus,
  port: InstanceClaimSnapshot['port'],
  now: number,
): Judgement {
  if (!ready || readyAt !== undefined || port === 'open') {
    return { status: 'True', reason: 'AsExpected', message: '' };
  }
  const where = `port ${ready.tcp.port} of the instance does not answer`;
  const waited = now - Date.parse(boundAt ?? timestamp(now));
  if (waited > parseDuration(ready.timeout)) {
    const message = `${where} after ${ready.timeout}; it is asked on`;
    return { status: 'False', reason: 'ReadyCheckTimedOut', message };
  }
  return { status: 'False', reason: 'WaitingForReadyCheck', message: `${where} yet` };
}

function judgeHooks(pool: InstancePool | undefined, instance: PoolInstance): Judgement {
  if (!pool?.spec.hooks.onClaim) {
    return { status: 'True', reason: 'NoHooks', message: 'the pool has no onClaim hook' };
  }
  const state = hookState(instance, 'onClaim');
  if (state === 'Succeeded') {
    return {
      status: 'True',
      reason: 'HooksSucceeded',
      message: 'the onClaim hook ended with exit code 0',
    };
  }
  const record = instance.status?.commands.findLast(({ command }) => command === 'onClaim');
  if (state === 'Failed') {
    const code =
      record?.exitCode === undefined ? 'without an exit code' : `with exit code ${record.exitCode}`;
    const message = `the onClaim hook ended ${code}: ${(record?.output ?? '').slice(-1024)}`;
    return { status: 'False', reason: 'HookFailed', message };
  }
  return {
    status: 'Unknown',
    reason: 'HookRunning',
    message: 'the onClaim hook runs in the instance',
  };
}

function judgeLoss(instance: PoolInstance): Judgement | undefined {
  const { lastError, attempts } = instance.status ?? {};
  // The error stays on record after the VM was seen again; only a present one counts.
  if (lastError?.code !== 'ResourceDisappeared' || !attempts) return undefined;
  const message = `${instance.metadata.name}: ${lastError.message}; delete the claim and claim again`;
  return { status: 'False', reason: 'InstanceLost', message };
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
    owns.length > 0 ? `${why}; releasing ${owns.join(' and ')}` : `${why}; it was released`;
  let conditions = set(before.conditions, 'Ready', 'False', reason, message);
  conditions = removeCondition(conditions, owns.length > 0 ? 'Stalled' : 'Reconciling');
  if (owns.length > 0) conditions = set(conditions, 'Reconciling', 'True', 'Progressing', message);
  else
    conditions = set(
      set(conditions, 'Bound', 'False', reason, message),
      'Stalled',
      'True',
      reason,
      message,
    );
  return {
    step: owns.length === 0 && held ? { type: 'letClaimGo' } : undefined,
    because: message,
    status: {
      ...before,
      phase: owns.length > 0 ? 'Releasing' : 'Failed',
      conditions,
      observedGeneration: claim.metadata.generation,
    },
  };
}

function setter(claim: InstanceClaim, now: number) {
  const observedGeneration = claim.metadata.generation;
  return (
    conditions: Condition[],
    type: ConditionType,
    status: Condition['status'],
    reason: Reason,
    message: string,
  ): Condition[] =>
    setCondition(
      conditions,
      { type, status, reason: reasonOf(reason), message, observedGeneration },
      now,
    );
}

function expiry(status: InstanceClaimStatus, { spec }: InstanceClaim): number | undefined {
  if (spec.ttl === undefined || status.boundAt === undefined) return undefined;
  return Date.parse(status.boundAt) + parseDuration(spec.ttl);
}

function elapsed({ firstSeenAt }: InstanceClaimSnapshot, now: number): number {
  return Math.max(0, Math.round(now - firstSeenAt));
}

/** What ran in the instance for this claim, and not for one before it. */
function commandsOf(
  claim: InstanceClaim,
  { status }: PoolInstance,
): InstanceClaimStatus['commands'] {
  return status?.hooks?.claimUid === claim.metadata.uid ? status.commands : [];
}

function describeInstance(instance: PoolInstance): NonNullable<InstanceClaimStatus['instance']> {
  const azure = instance.status?.azure;
  return {
    name: instance.metadata.name,
    uid: instance.metadata.uid,
    resourceId: azure?.resourceId,
    address: azure?.privateAddress,
    zone: azure?.zone,
  };
}

function describeVolume(
  volume: PoolVolume,
  instance: PoolInstance,
): NonNullable<InstanceClaimStatus['volume']> {
  const held = instance.status?.volumes.find(({ uid }) => uid === volume.metadata.uid);
  return {
    name: volume.metadata.name,
    uid: volume.metadata.uid,
    resourceId: volume.status?.azure?.resourceId,
    // Azure's own udev rules make this link for every data disk.
    ...(held ? { lun: held.lun, devicePath: `/dev/disk/azure/scsi1/lun${held.lun}` } : {}),
  };
}
