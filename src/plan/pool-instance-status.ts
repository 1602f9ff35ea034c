// How a pooled VM's status changes with what is seen and with what went wrong.
import { timestamp } from '../api/conditions.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { nextPollDelay, type PollSchedule } from './backoff.ts';
import { inPhase, memberTags, type TagStatus } from './member.ts';
import type { MachineSeen, PoolInstancePlan, PoolInstanceSnapshot } from './pool-instance.ts';

export function withMachine(status: PoolInstanceStatus, machine: MachineSeen): PoolInstanceStatus {
  const azure = {
    name: machine.name,
    resourceId: machine.id,
    uniqueId: machine.vmId,
    provisioningState: machine.provisioningState,
    vmSize: machine.vmSize,
    networkInterfaceIds: [...machine.networkInterfaceIds],
    zone: machine.zone,
    powerState: machine.powerState,
    privateAddress: machine.privateAddress ?? status.azure?.privateAddress,
    osDiskId: machine.osDiskId,
  };
  return { ...status, azure };
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export function withError(
  status: PoolInstanceStatus,
  error: Failure,
  now: number,
): PoolInstanceStatus {
  const same = status.lastError?.code === error.code && status.lastError.message === error.message;
  if (same && status.attempts > 0) return status;
  const lastError = { code: error.code, message: error.message, time: timestamp(now) };
  return { ...status, lastError, attempts: Math.max(1, status.attempts) };
}

/** Nothing is wrong with it any more. */
export function withoutError(status: PoolInstanceStatus): PoolInstanceStatus {
  const { lastError: _, ...rested } = status;
  return { ...rested, attempts: 0 };
}

export function failed(status: PoolInstanceStatus, error: Failure, now: number): PoolInstancePlan {
  const because = `${error.code}: ${error.message}`.slice(0, 512);
  const { operation: _, ...rested } = inPhase(status, 'Failed', because, now);
  const lastError = { code: error.code, message: error.message, time: timestamp(now) };
  return { step: undefined, because, status: { ...rested, lastError } };
}

/** The step failed but the VM stands: say so and try again a little later each time. */
export function retried(status: PoolInstanceStatus, error: Failure, now: number): PoolInstancePlan {
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

export function rest(status: PoolInstanceStatus, because: string): PoolInstancePlan {
  return { step: undefined, because, status };
}

export function polled(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  schedule: PollSchedule,
  now: number,
): PoolInstancePlan {
  const startedAt = status.operation ? Date.parse(status.operation.startedAt) : now;
  const waitMilliseconds = nextPollDelay(schedule, now - startedAt, snapshot.pollPace);
  return { step: undefined, because: 'waits for Azure', status, waitMilliseconds };
}

export function tagsFor(snapshot: PoolInstanceSnapshot, status: TagStatus): Record<string, string> {
  const { instance, installation } = snapshot;
  // What was set aside keeps its last claim's name: by it the claim gets it back.
  const { claimRef, lastClaimRef } = instance.spec;
  const claims = { connected: claimRef, quarantined: lastClaimRef } as const;
  const claim = claims[status as keyof typeof claims];
  return memberTags(instance, installation, status, claim);
}

export function referencesOf(volumes: readonly PoolVolume[]): PoolInstanceStatus['volumes'] {
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
