// Attaching and detaching that failed: when it is tried again, and what is said meanwhile.
import { timestamp } from '../api/conditions.ts';
import type { LeaseAttachment } from '../api/leased-volume.ts';
import type { OperationRecord } from '../api/status.ts';
import { reasonOfError } from './azure-reasons.ts';
import { backoffMilliseconds, nextPollDelay, POLL_ATTACH } from './backoff.ts';
import type { Stall } from './pool-conditions.ts';
import type { LeaseSnapshot } from './volume-lease-facts.ts';

const BACKOFF = { firstMilliseconds: 5_000, maxMilliseconds: 300_000 };
/** From so many failures on somebody should look at it; fewer may be a race with others at the VM. */
const STALLED_ATTEMPTS = 3;

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Trying again can't mend it. */
  readonly isHopeless?: boolean;
}

/** What the status remembers after a refusal, whether of the request or of its operation. */
export function afterFailure(
  before: LeaseAttachment | undefined,
  { code, message, isHopeless = false }: Failure,
  now: number,
): LeaseAttachment {
  const attempts = Math.max((before?.attempts ?? 0) + 1, isHopeless ? STALLED_ATTEMPTS : 0);
  return {
    attempts,
    nextAttemptTime: timestamp(now + backoffMilliseconds(attempts, BACKOFF)),
    lastError: { code: code.slice(0, 128), message: message.slice(0, 4096), time: timestamp(now) },
  };
}

/** What the status remembers once Azure has accepted it: failures count until it is seen to have worked. */
export function afterAcceptance(
  before: LeaseAttachment | undefined,
  operation: OperationRecord | undefined,
): LeaseAttachment {
  return { attempts: before?.attempts ?? 0, ...(operation && { operation }) };
}

interface Held {
  readonly steps: [];
  readonly attachment: LeaseAttachment | undefined;
  readonly stall?: Stall;
  readonly waits?: Stall;
  readonly waitMilliseconds: number;
}

export function failedAttachment(before: LeaseAttachment, failure: Failure, now: number): Held {
  return heldBack(afterFailure(before, failure, now), now);
}

/** Undefined when it may be tried now. */
export function heldUntilNextAttempt(
  attachment: LeaseAttachment | undefined,
  now: number,
): Held | undefined {
  const at = attachment?.nextAttemptTime && Date.parse(attachment.nextAttemptTime);
  return attachment && at && at > now ? heldBack(attachment, now) : undefined;
}

function heldBack(attachment: LeaseAttachment, now: number): Held {
  const { attempts, lastError, nextAttemptTime = '' } = attachment;
  const words = `${lastError?.code}: ${lastError?.message}`.slice(0, 2000);
  const message =
    `Azure refused to change the disks of the node's VM (attempt ${attempts}): ${words}; ` +
    'it is tried again';
  const known = lastError ? reasonOfError(lastError) : undefined;
  const reason = known === 'AuthorizationFailed' ? known : 'AttachFailed';
  const said = { reason, message } as const;
  const waitMilliseconds = Math.max(0, Date.parse(nextAttemptTime) - now);
  return attempts >= STALLED_ATTEMPTS
    ? { steps: [], attachment, stall: said, waitMilliseconds }
    : { steps: [], attachment, waits: said, waitMilliseconds };
}

/** When Azure is asked again how far it is. */
export function pollLease({ pool, pollPace }: LeaseSnapshot, now: number): number {
  const startedAt = pool.status?.attachment?.operation?.startedAt;
  const elapsed = startedAt === undefined ? 0 : now - Date.parse(startedAt);
  return nextPollDelay(POLL_ATTACH, elapsed, pollPace);
}
