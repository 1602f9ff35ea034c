// While Azure works on a member, only its operation is asked: reading the resource with every question
// would double the calls. The resource itself is the truth at the end, and whenever something else asks.
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { POLL_ATTACH, POLL_DISK, POLL_INSTANCE, type PollSchedule } from './backoff.ts';
import type { ClaimSeen } from './pool-instance.ts';

type OperationType = NonNullable<NonNullable<PoolInstance['status']>['operation']>['type'];

/** An operation that takes longer than anything Azure does is not believed alone. */
const BELIEVED_MILLISECONDS = 10 * 60_000;

/** Phases in which such an operation is all that is going on. */
const INSTANCE_PHASES: Partial<Record<OperationType, readonly string[]>> = {
  Create: ['Creating'],
  Attach: ['Claimed', 'Free'],
  Detach: ['Claimed', 'Free', 'Releasing', 'Quarantined'],
  Start: ['Claimed', 'Creating'],
  Deallocate: ['Creating', 'Releasing'],
  Hibernate: ['Creating', 'Releasing'],
  Delete: ['Deleting'],
};

/** True when the VM need not be read before its operation has ended. */
export function isInstanceAtWork(
  { metadata, spec, status }: PoolInstance,
  claim: ClaimSeen,
  now: number,
): boolean {
  const { operation, phase } = status ?? {};
  if (!operation?.url || !phase || spec.orphan || !isYoung(operation, now)) return false;
  if (!INSTANCE_PHASES[operation.type]?.includes(phase)) return false;
  const isLeaving = metadata.deletionTimestamp !== undefined;
  switch (phase) {
    case 'Deleting':
      return isLeaving && claim === 'none';
    case 'Claimed':
      return claim === 'active';
    case 'Releasing':
    case 'Quarantined':
      return claim !== 'active' && !isLeaving;
    default:
      return claim === 'none' && !isLeaving;
  }
}

/** Likewise for a disk: its creation and its deletion. */
export function isVolumeAtWork({ metadata, spec, status }: PoolVolume, now: number): boolean {
  const { operation, phase } = status ?? {};
  if (!operation?.url || spec.orphan || !isYoung(operation, now)) return false;
  const isLeaving = metadata.deletionTimestamp !== undefined;
  if (phase === 'Creating') return operation.type === 'Create' && !isLeaving;
  return phase === 'Deleting' && operation.type === 'Delete' && isLeaving;
}

/** How often an operation is asked. */
export function scheduleOf(type: OperationType, kind: 'instance' | 'volume'): PollSchedule {
  if (kind === 'volume') return POLL_DISK;
  return type === 'Attach' || type === 'Detach' ? POLL_ATTACH : POLL_INSTANCE;
}

function isYoung({ startedAt }: { readonly startedAt: string }, now: number): boolean {
  return now - Date.parse(startedAt) < BELIEVED_MILLISECONDS;
}
