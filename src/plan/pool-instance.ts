// The next step of one pooled VM: Pending → Creating → Free → Claimed → Releasing → Free | Deleting → gone.
// The VM's one write at a time carries its disks and its tags; what a claim owns is settled elsewhere.
import { timestamp } from '../api/conditions.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import { resourceFinalizer } from '../api/names.ts';
import type { PoolInstance, PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { nextPollDelay, POLL_ATTACH, POLL_INSTANCE, type PollSchedule } from './backoff.ts';
import { planDataDisks } from './data-disks.ts';
import {
  carriesTags,
  inPhase,
  memberTags,
  type TagStatus,
  taggedUid,
  withoutOperation,
} from './member.ts';
import { memberCondition } from './member-conditions.ts';
import { cloudName } from './names.ts';
import type { MemberPlan, OperationSeen } from './pool-volume.ts';

/** What the planner needs to know of the live VM. */
export interface MachineSeen {
  readonly id: string;
  readonly name: string;
  readonly provisioningState: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly zone?: string;
  readonly vmId: string;
  readonly etag: string;
  readonly vmSize: string;
  readonly powerState?: string;
  readonly dataDisks: readonly {
    readonly lun: number;
    readonly diskId: string;
    readonly toBeDetached: boolean;
  }[];
  readonly networkInterfaceIds: readonly string[];
  readonly osDiskId?: string;
  readonly privateAddress?: string;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** `over`: deleted, expired or gone, so that the instance must be released. */
export type ClaimSeen = 'none' | 'active' | 'over';

export interface Leftover {
  readonly kind: 'networkInterface' | 'volume';
  readonly id: string;
}

export interface PoolInstanceSnapshot {
  readonly instance: PoolInstance;
  readonly pool: InstancePool | undefined;
  readonly machine: MachineSeen | 'absent' | 'unread';
  readonly operation: OperationSeen | undefined;
  readonly claim: ClaimSeen;
  /** Volumes whose spec.instanceRef is this instance. */
  readonly volumes: readonly PoolVolume[];
  /** NICs and OS disks of this record that outlived its VM. */
  readonly leftovers: readonly Leftover[];
  readonly installation: string;
  readonly pollPace: number;
}

export type PoolInstanceStep =
  | {
      readonly type: 'createInstance';
      readonly name: string;
      readonly tags: Record<string, string>;
    }
  | { readonly type: 'tagInstance'; readonly id: string; readonly tags: Record<string, string> }
  | {
      readonly type: 'changeDataDisks';
      readonly operation: 'Attach' | 'Detach';
      readonly attach: readonly { readonly diskId: string; readonly lun: number }[];
      readonly detach: readonly string[];
      readonly tags: Record<string, string>;
    }
  | { readonly type: 'deleteInstance'; readonly id: string }
  | { readonly type: 'deleteLeftover'; readonly leftover: Leftover }
  /** Clears instanceRef and claimRef of these volumes, remembering the claim: they are detached. */
  | { readonly type: 'releaseVolumes'; readonly volumes: readonly PoolVolume[] }
  | { readonly type: 'retire' }
  | { readonly type: 'clearClaim' }
  | { readonly type: 'releaseRecord' };

export type PoolInstancePlan = MemberPlan<PoolInstanceStep, PoolInstanceStatus>;

/** An accepted creation whose VM does not show after this long is asked for again. */
const CREATION_VISIBLE_MILLISECONDS = 300_000;

export const EMPTY_INSTANCE_STATUS: PoolInstanceStatus = {
  phase: 'Pending',
  conditions: [],
  attempts: 0,
  history: [],
  volumes: [],
  commands: [],
};

/** True when only a look at Azure can tell the next step: settled VMs cost no calls. */
export function instanceNeedsLook(
  instance: PoolInstance,
  volumes: readonly PoolVolume[],
  claim: ClaimSeen,
): boolean {
  const status = instance.status ?? EMPTY_INSTANCE_STATUS;
  if (instance.metadata.deletionTimestamp !== undefined) return claim !== 'active';
  if (status.phase === 'Free' || status.phase === 'Claimed') {
    if (claim === 'over' || status.operation !== undefined) return true;
    if (claim === 'active' && status.phase === 'Free') return true;
    const held = new Set(status.volumes.map(({ uid }) => uid));
    return volumes.length !== held.size || volumes.some(({ metadata }) => !held.has(metadata.uid));
  }
  return status.phase !== 'Failed' && status.phase !== 'Quarantined';
}

export function planPoolInstance(snapshot: PoolInstanceSnapshot, now: number): PoolInstancePlan {
  const plan = decide(snapshot, snapshot.instance.status ?? EMPTY_INSTANCE_STATUS, now);
  const { generation } = snapshot.instance.metadata;
  return { ...plan, status: memberCondition(plan.status, generation, now) };
}

function decide(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, claim } = snapshot;
  if (claim === 'over') return planRelease(snapshot, status, now);
  if (instance.metadata.deletionTimestamp !== undefined) return planDeletion(snapshot, status, now);
  switch (status.phase) {
    case 'Pending':
    case 'Creating':
      return planCreation(snapshot, status, now);
    case 'Free':
    case 'Claimed':
      return planUse(snapshot, status, now);
    case 'Releasing':
      return planRelease(snapshot, status, now);
    case 'Deleting':
    case 'Failed':
    case 'Quarantined':
      return rest(status, 'waits for its pool to retire it');
  }
}

function planCreation(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation, pool } = snapshot;
  if (operation?.state === 'Failed') return failed(status, operation, now);
  if (machine === 'unread') return rest(status, 'waits for a look at Azure');
  if (machine === 'absent') {
    const startedAt = status.operation && Date.parse(status.operation.startedAt);
    const accepted = startedAt !== undefined && operation?.state !== 'Unknown';
    if (accepted && now - startedAt < CREATION_VISIBLE_MILLISECONDS) {
      return polled(snapshot, status, POLL_INSTANCE, now);
    }
    if (!pool) return rest(status, 'its pool is gone');
    const because = 'the record exists, the VM does not';
    const tags = tagsFor(snapshot, 'creating');
    const step = { type: 'createInstance', name: machineName(instance), tags } as const;
    return { step, because, status: inPhase(status, 'Creating', because, now) };
  }
  if (taggedUid(machine.tags) !== instance.metadata.uid) {
    const message = `VM ${machine.name} is not tagged as ours`;
    return failed(status, { code: 'ForeignChange', message }, now);
  }
  const seen = withMachine(status, machine);
  if (machine.provisioningState === 'Failed') {
    const message = `Azure failed to create VM ${machine.name}`;
    return failed(seen, machine.failure ?? { code: 'CreateFailed', message }, now);
  }
  if (machine.provisioningState !== 'Succeeded' || machine.powerState !== 'running') {
    const creating = inPhase(seen, 'Creating', 'Azure is making it', now);
    return polled(snapshot, creating, POLL_INSTANCE, now);
  }
  const tags = tagsFor(snapshot, 'free');
  const because = 'it runs';
  const done = inPhase(withoutOperation(seen), 'Free', because, now);
  const time = timestamp(now);
  return {
    step: carriesTags(machine.tags, tags)
      ? undefined
      : { type: 'tagInstance', id: machine.id, tags },
    because,
    status: { ...done, createdAt: done.createdAt ?? time, freeSince: time },
  };
}

/** Free or claimed: make the attached disks those that are meant for it. */
function planUse(
  snapshot: PoolInstanceSnapshot,
  before: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation } = snapshot;
  const { claimRef } = instance.spec;
  let status = before;
  if (claimRef && status.phase === 'Free') {
    status = inPhase(
      status,
      'Claimed',
      `bound to claim ${claimRef.namespace}/${claimRef.name}`,
      now,
    );
    status = { ...status, claimedAt: timestamp(now) };
  }
  if (machine === 'unread') return rest(status, claimRef ? 'is claimed' : 'is free');
  if (machine === 'absent') {
    const message = 'the VM was deleted outside Poolkeeper';
    if (!claimRef) return failed(status, { code: 'ResourceDisappeared', message }, now);
    return rest(withError(status, { code: 'ResourceDisappeared', message }, now), message);
  }
  const seen = withMachine(status, machine);
  if (operation?.state === 'InProgress') return polled(snapshot, seen, POLL_ATTACH, now);
  if (operation?.state === 'Failed') return retried(seen, operation, now);
  if (machine.provisioningState === 'Updating') return polled(snapshot, seen, POLL_ATTACH, now);
  const tags = tagsFor(snapshot, claimRef ? 'connected' : 'free');
  const disks = planDataDisks(machine.dataDisks, snapshot.volumes, status.volumes);
  if (disks.change) {
    const operationType = disks.change.attach.length > 0 ? 'Attach' : 'Detach';
    const step = {
      type: 'changeDataDisks',
      operation: operationType,
      ...disks.change,
      tags,
    } as const;
    return { step, because: disks.because, status: seen };
  }
  const settled = { ...withoutOperation(seen), volumes: [...disks.attached] };
  if (!carriesTags(machine.tags, tags)) {
    return {
      step: { type: 'tagInstance', id: machine.id, tags },
      because: 'tags follow',
      status: settled,
    };
  }
  return disks.waiting
    ? rest(settled, disks.because)
    : rest(settled, claimRef ? 'is claimed' : 'is free');
}

/** Detach, prove it, let the volumes go, and only then let go of the claim. */
function planRelease(
  snapshot: PoolInstanceSnapshot,
  before: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation, volumes } = snapshot;
  const { claimRef } = instance.spec;
  const name = claimRef ? `claim ${claimRef.namespace}/${claimRef.name}` : 'its claim';
  const status = inPhase(before, 'Releasing', `${name} is over`, now);
  if (!claimRef) return planReuse(snapshot, status, now);
  if (machine === 'unread') return rest(status, 'waits for a look at Azure');
  if (machine !== 'absent') {
    const seen = withMachine(status, machine);
    if (operation?.state === 'InProgress') return polled(snapshot, seen, POLL_ATTACH, now);
    if (operation?.state === 'Failed') return retried(seen, operation, now);
    if (machine.provisioningState === 'Updating') return polled(snapshot, seen, POLL_ATTACH, now);
    const disks = planDataDisks(
      machine.dataDisks,
      [],
      [...status.volumes, ...referencesOf(volumes)],
    );
    if (disks.change) {
      const tags = tagsFor(snapshot, 'releasing');
      const step = { type: 'changeDataDisks', operation: 'Detach', ...disks.change, tags } as const;
      return { step, because: 'the claim is over', status: seen };
    }
  }
  const detached: PoolInstanceStatus = { ...withoutOperation(status), volumes: [] };
  if (volumes.length > 0) {
    return {
      step: { type: 'releaseVolumes', volumes },
      because: 'its disks are detached',
      status: detached,
    };
  }
  const replace =
    (snapshot.pool?.spec.recyclePolicy ?? 'Replace') === 'Replace' || machine === 'absent';
  if (replace && instance.metadata.deletionTimestamp === undefined) {
    // Retired while the claim still holds it, so that nobody can bind it in between.
    return { step: { type: 'retire' }, because: 'recyclePolicy is Replace', status: detached };
  }
  return {
    step: { type: 'clearClaim' },
    because: 'nothing of the claim is left on it',
    status: detached,
  };
}

/** The claim has let go of it: it becomes free again, its tags saying so. */
function planReuse(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  if (snapshot.machine === 'unread') return rest(status, 'waits for a look at Azure');
  if (snapshot.machine === 'absent') {
    const message = 'the VM was deleted outside Poolkeeper';
    return failed(status, { code: 'ResourceDisappeared', message }, now);
  }
  const tags = tagsFor(snapshot, 'free');
  const because = 'released';
  const { claimedAt: _, ...free } = inPhase(
    withMachine(status, snapshot.machine),
    'Free',
    because,
    now,
  );
  return {
    step: { type: 'tagInstance', id: snapshot.machine.id, tags },
    because,
    status: { ...free, releasedAt: timestamp(now), freeSince: timestamp(now) },
  };
}

/** The record is retired and nobody's: remove the VM and whatever outlives it, then the record. */
function planDeletion(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation, volumes, leftovers } = snapshot;
  if (!instance.metadata.finalizers?.includes(resourceFinalizer)) return rest(status, 'is gone');
  if (instance.spec.claimRef !== undefined) {
    return rest(status, `waits for the release of claim ${instance.spec.claimRef.name}`);
  }
  if (machine === 'unread') return rest(status, 'waits for a look at Azure');
  const deleting = inPhase(status, 'Deleting', 'the record was deleted', now);
  if (operation?.state === 'InProgress') return polled(snapshot, deleting, POLL_INSTANCE, now);
  if (machine === 'absent') {
    if (volumes.length > 0) {
      return {
        step: { type: 'releaseVolumes', volumes },
        because: 'the VM is gone',
        status: deleting,
      };
    }
    const [leftover] = leftovers;
    if (leftover) {
      const step = { type: 'deleteLeftover', leftover } as const;
      return {
        step,
        because: 'it outlived its VM',
        status: deleting,
        waitMilliseconds: poll(snapshot),
      };
    }
    return {
      step: { type: 'releaseRecord' },
      because: 'nothing is left in Azure',
      status: deleting,
    };
  }
  if (taggedUid(machine.tags) !== instance.metadata.uid) {
    const because = `VM ${machine.name} is not tagged as ours and is left alone`;
    return { step: { type: 'releaseRecord' }, because, status: deleting };
  }
  const seen = withoutOperation(withMachine(deleting, machine));
  if (machine.provisioningState === 'Updating' || machine.provisioningState === 'Deleting') {
    return polled(snapshot, seen, POLL_INSTANCE, now);
  }
  const disks = planDataDisks(machine.dataDisks, [], [...status.volumes, ...referencesOf(volumes)]);
  const tags = tagsFor(snapshot, 'deleting');
  if (disks.change) {
    const step = { type: 'changeDataDisks', operation: 'Detach', ...disks.change, tags } as const;
    return { step, because: 'its disks outlive it', status: seen };
  }
  if (machine.dataDisks.length > 0) {
    const foreign = machine.dataDisks.map(({ diskId }) => diskId.split('/').at(-1)).join(', ');
    const message = `disks that are not ours are attached to the VM: ${foreign}; detach them`;
    return { ...retried(seen, { code: 'ForeignChange', message }, now), because: message };
  }
  if (!carriesTags(machine.tags, tags)) {
    return {
      step: { type: 'tagInstance', id: machine.id, tags },
      because: 'about to be deleted',
      status: seen,
    };
  }
  return {
    step: { type: 'deleteInstance', id: machine.id },
    because: 'unused and ours',
    status: seen,
  };
}

export function machineName(instance: PoolInstance): string {
  return instance.spec.adopt?.name ?? cloudName('instance', instance.metadata.uid);
}

function referencesOf(volumes: readonly PoolVolume[]): PoolInstanceStatus['volumes'] {
  return volumes.flatMap(({ metadata, status }) =>
    status?.azure
      ? [
          {
            name: metadata.name,
            uid: metadata.uid,
            resourceId: status.azure.resourceId,
            lun: status.lun ?? 0,
          },
        ]
      : [],
  );
}

function tagsFor(snapshot: PoolInstanceSnapshot, status: TagStatus): Record<string, string> {
  const { instance, installation } = snapshot;
  const claim = status === 'connected' ? instance.spec.claimRef : undefined;
  return memberTags(instance, installation, status, claim);
}

function withMachine(status: PoolInstanceStatus, machine: MachineSeen): PoolInstanceStatus {
  const azure = {
    name: machine.name,
    resourceId: machine.id,
    uniqueId: machine.vmId,
    provisioningState: machine.provisioningState,
    etag: machine.etag,
    vmSize: machine.vmSize,
    networkInterfaceIds: [...machine.networkInterfaceIds],
    zone: machine.zone,
    powerState: machine.powerState,
    privateAddress: machine.privateAddress ?? status.azure?.privateAddress,
    osDiskId: machine.osDiskId,
  };
  return { ...status, azure };
}

interface Failure {
  readonly code: string;
  readonly message: string;
}

function withError(status: PoolInstanceStatus, error: Failure, now: number): PoolInstanceStatus {
  const same = status.lastError?.code === error.code && status.lastError.message === error.message;
  if (same && status.attempts > 0) return status;
  const lastError = { code: error.code, message: error.message, time: timestamp(now) };
  return { ...status, lastError, attempts: Math.max(1, status.attempts) };
}

function failed(status: PoolInstanceStatus, error: Failure, now: number): PoolInstancePlan {
  const because = `${error.code}: ${error.message}`.slice(0, 512);
  const { operation: _, ...rested } = inPhase(status, 'Failed', because, now);
  const lastError = { code: error.code, message: error.message, time: timestamp(now) };
  return { step: undefined, because, status: { ...rested, lastError } };
}

/** The step failed but the VM stands: say so and try again a little later each time. */
function retried(status: PoolInstanceStatus, error: Failure, now: number): PoolInstancePlan {
  const attempts = status.attempts + 1;
  const delay = Math.min(60_000, 2_000 * 2 ** Math.min(attempts - 1, 5));
  const { operation: _, ...rested } = status;
  const lastError = { code: error.code, message: error.message, time: timestamp(now) };
  return {
    step: undefined,
    because: `${error.code}: ${error.message}`,
    status: { ...rested, attempts, lastError, nextAttemptTime: timestamp(now + delay) },
    waitMilliseconds: delay,
  };
}

function rest(status: PoolInstanceStatus, because: string): PoolInstancePlan {
  return { step: undefined, because, status };
}

function polled(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  schedule: PollSchedule,
  now: number,
): PoolInstancePlan {
  const startedAt = status.operation ? Date.parse(status.operation.startedAt) : now;
  const waitMilliseconds = nextPollDelay(schedule, now - startedAt, snapshot.pollPace);
  return { step: undefined, because: 'waits for Azure', status, waitMilliseconds };
}

function poll(snapshot: PoolInstanceSnapshot): number {
  return nextPollDelay(POLL_INSTANCE, 0, snapshot.pollPace);
}
