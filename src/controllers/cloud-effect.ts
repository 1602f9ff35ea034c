// Runs one effect on Azure for a pool member and folds its outcome into the member's status: the
// operation that was accepted, or the error and when it is tried again.
import { timestamp } from '../api/conditions.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import type { LastError, OperationRecord } from '../api/status.ts';
import { CloudError } from '../azure/errors.ts';
import type { Operation } from '../azure/port.ts';
import { inPhase } from '../plan/member.ts';
import type { Runtime } from '../runtime/index.ts';

interface MemberStatus {
  phase: string;
  attempts: number;
  operation?: OperationRecord | undefined;
  lastError?: LastError | undefined;
  nextAttemptTime?: string | undefined;
}

export interface EffectOutcome<S> {
  readonly status: S;
  /** Set when Azure refused or did not answer; the caller reports it and tries again. */
  readonly error?: CloudError;
}

export interface Effect<S> {
  /** What the status is if the effect does not happen. */
  readonly before: S;
  /** What it is once Azure has accepted. */
  readonly after: S;
  readonly type?: OperationRecord['type'];
  readonly run: () => Promise<Operation | undefined>;
}

export async function runEffect<S extends MemberStatus>(
  { clock }: Runtime,
  { before, after, type, run }: Effect<S>,
): Promise<EffectOutcome<S>> {
  try {
    const operation = await run();
    const { nextAttemptTime: _, operation: __, ...rest } = after;
    const accepted =
      operation && type
        ? { operation: { type, url: operation.url, startedAt: operation.startedAt } }
        : {};
    // Accepted is not done: attempts are counted on until the step is seen to have worked.
    return { status: { ...rest, ...accepted } as S };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    // Losing a race or being asked to slow down is no failure of the step.
    if (error.class === 'Throttled' || error.class === 'PreconditionFailed') {
      return { status: before, error };
    }
    const time = timestamp(clock.now());
    const lastError = { code: error.code, message: error.message.slice(0, 4096), time };
    return { status: { ...before, attempts: before.attempts + 1, lastError }, error };
  }
}

/** Refusals that another try of the same request can't mend: the member has failed. */
export function isHopeless(error: CloudError): boolean {
  return ['NoCapacity', 'SkuNotAvailable', 'QuotaExceeded', 'Forbidden', 'Invalid'].includes(
    error.class,
  );
}

/** A creation that Azure refuses for good ends the member; its pool makes another, a little later. */
export function failIfHopeless<S extends PoolInstanceStatus | PoolVolumeStatus>(
  { status, error }: EffectOutcome<S>,
  now: number,
): EffectOutcome<S> {
  if (!error) return { status };
  if (!isHopeless(error)) return { status, error };
  const because = `${error.code}: ${error.message}`.slice(0, 512);
  return { status: inPhase(status, 'Failed', because, now) };
}

/** For effects that are over when the call returns. */
export function noOperation(): undefined {
  return undefined;
}
