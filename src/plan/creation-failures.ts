// What a pool remembers of creations that failed one after another: when the next may be tried.
import { timestamp } from '../api/conditions.ts';
import type { CreationFailures, LastError } from '../api/status.ts';
import { backoffMilliseconds } from './backoff.ts';
import { type Member, roleOf } from './pool-roles.ts';

/** First retry soon: most failures are one bad machine. Then give capacity and people time. */
const CREATION_BACKOFF = { firstMilliseconds: 10_000, maxMilliseconds: 600_000 };

interface FailureInput {
  readonly members: readonly Member[];
  readonly memory: { readonly creationFailures?: CreationFailures | undefined };
  /** A failed member that says nothing about the next one: it is replaced without a pause. */
  readonly isExcused?: (member: Member) => boolean;
}

export function rememberFailures(
  input: FailureInput,
  own: readonly Member[],
  now: number,
): CreationFailures | undefined {
  const before = input.memory.creationFailures;
  const failed = own.filter((member) => roleOf(member) === 'failed');
  const fresh = latestError(
    failed.filter((member) => !wasMade(member) && !input.isExcused?.(member)),
  );
  // Failed members may be seen more than once before they are gone; each failure counts once.
  if (fresh && !(before && Date.parse(fresh.time) <= Date.parse(before.lastError.time))) {
    const count = (before?.count ?? 0) + 1;
    const delay = backoffMilliseconds(count, CREATION_BACKOFF);
    return { count, lastError: fresh, nextAttemptTime: timestamp(now + delay) };
  }
  if (!before) return undefined;
  const failedAt = Date.parse(before.lastError.time);
  const recovered = input.members.some(
    ({ status }) => status?.createdAt !== undefined && Date.parse(status.createdAt) > failedAt,
  );
  return recovered ? undefined : before;
}

/** What once was ready and failed later says nothing against making another. */
function wasMade({ status }: Member): boolean {
  return status?.createdAt !== undefined;
}

export function latestError(failed: readonly Member[]): LastError | undefined {
  return failed
    .flatMap(({ status }) => (status?.lastError ? [status.lastError] : []))
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
}
