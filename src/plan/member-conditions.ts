// The one condition of a pool member: Ready, saying in words where it stands.
import { setCondition } from '../api/conditions.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import type { Reason } from '../api/reasons.ts';
import { reasonOfError } from './azure-reasons.ts';

type Status = PoolInstanceStatus | PoolVolumeStatus;

const READY_PHASES: ReadonlySet<string> = new Set(['Free', 'Claimed', 'Attached', 'Retained']);

/** The status with `Ready` and `observedGeneration` set to what its phase and last error say. */
export function memberCondition<S extends Status>(
  status: S,
  generation: number | undefined,
  now: number,
): S {
  const [reason, message] = describe(status);
  const conditions = setCondition(
    status.conditions,
    {
      type: 'Ready',
      status: READY_PHASES.has(status.phase) && !isFailing(status) ? 'True' : 'False',
      reason,
      message,
      observedGeneration: generation,
    },
    now,
  );
  return { ...status, conditions, observedGeneration: generation };
}

function describe(status: Status): [Reason, string] {
  const { lastError } = status;
  if (status.phase === 'Failed' || status.phase === 'Quarantined') {
    const words = lastError ? `${lastError.code}: ${lastError.message}` : status.phase;
    return [lastError ? reasonOfError(lastError) : 'InternalError', words];
  }
  // A step that keeps failing says so while it is tried again.
  if (lastError && isFailing(status)) {
    return [
      reasonOfError(lastError),
      `attempt ${status.attempts} failed, trying again: ${lastError.code}: ${lastError.message}`,
    ];
  }
  if (READY_PHASES.has(status.phase)) return ['AsExpected', status.phase];
  const because = status.history[0]?.because ?? 'recorded, Azure not asked yet';
  return ['Progressing', isHeldUp(status) ? `${because}; ${HELD_UP}` : because];
}

function isFailing({ lastError, attempts }: Status): boolean {
  return lastError !== undefined && attempts > 0;
}

const HELD_UP = 'Azure is still busy with it (Updating): nothing can be done before that ends';

/** Busy with something that this record did not ask for, or gave up: a script that hangs, say. */
export function isHeldUp({ azure, operation }: Status): boolean {
  return azure?.provisioningState === 'Updating' && operation === undefined;
}
