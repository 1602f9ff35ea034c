// Runs one effect on Azure for a pool member and folds its outcome into the member's status: the
// operation that was accepted, or the error and when it is tried again.
import { timestamp } from '../api/conditions.ts';
import type { LastError, OperationRecord } from '../api/status.ts';
import { CloudError } from '../azure/errors.ts';
import type { Operation } from '../azure/port.ts';
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

export async function runEffect<S extends MemberStatus>(
  { clock }: Runtime,
  status: S,
  type: OperationRecord['type'] | undefined,
  effect: () => Promise<Operation | undefined | undefined>,
): Promise<EffectOutcome<S>> {
  try {
    const operation = await effect();
    const { nextAttemptTime: _, ...rest } = status;
    const accepted =
      operation && type ? { type, url: operation.url, startedAt: operation.startedAt } : undefined;
    return { status: { ...rest, attempts: 0, operation: accepted } as S };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    const time = timestamp(clock.now());
    const lastError = { code: error.code, message: error.message.slice(0, 4096), time };
    // Losing a race or being asked to slow down is no failure of the step.
    const counts = error.class !== 'Throttled' && error.class !== 'PreconditionFailed';
    return {
      status: { ...status, attempts: status.attempts + (counts ? 1 : 0), lastError },
      error,
    };
  }
}

/** Refusals that another try of the same request can't mend: the member has failed. */
export function isHopeless(error: CloudError): boolean {
  return ['NoCapacity', 'SkuNotAvailable', 'QuotaExceeded', 'Forbidden', 'Invalid'].includes(
    error.class,
  );
}
