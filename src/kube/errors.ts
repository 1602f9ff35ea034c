// What can go wrong when talking to an API server. Messages never contain headers or tokens.
import { PoolkeeperError, type RetryClass } from '../runtime/errors.ts';

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The parts of a metav1.Status that we read. */
export interface StatusBody {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly name?: string;
    readonly uid?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly StatusCause[];
  };
  readonly metadata?: { readonly continue?: string };
}

export interface ApiFailure {
  /** HTTP status. */
  readonly status: number;
  /** Where it happened: `PATCH /apis/…`; no query, no headers. */
  readonly call: string;
  readonly body?: StatusBody | undefined;
  readonly retryAfterMilliseconds?: number | undefined;
}

/** The API server answered, and the answer was no. */
export class ApiError extends PoolkeeperError {
  readonly status: number;
  /** The server's own word: `Conflict`, `AlreadyExists`, `Expired`; or one made from the status. */
  readonly reason: string;
  readonly details: StatusBody['details'];

  constructor(failure: ApiFailure) {
    const reason = failure.body?.reason || REASONS[failure.status] || `Http${failure.status}`;
    const said = failure.body?.message || reason;
    const seconds = failure.body?.details?.retryAfterSeconds;
    const wait = failure.retryAfterMilliseconds ?? (seconds ? seconds * 1000 : undefined);
    super(reason, `${failure.call}: ${failure.status} ${said}`, {
      retry: retryClass(failure.status),
      ...(wait === undefined ? {} : { retryAfterMilliseconds: wait }),
    });
    this.name = 'ApiError';
    this.status = failure.status;
    this.reason = reason;
    this.details = failure.body?.details;
  }
}

/** No (complete) answer came. If `sent`, a write may have happened all the same. */
export class UnreachableError extends PoolkeeperError {
  readonly sent: boolean;

  constructor(message: string, options: { sent: boolean; cause?: unknown }) {
    super('ApiServerUnreachable', message, { retry: 'backoff', cause: options.cause });
    this.name = 'UnreachableError';
    this.sent = options.sent;
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** A conflict is answered by reading again; a malformed call only by changing it. */
function retryClass(status: number): RetryClass {
  if (status === 409) return 'now';
  return [400, 405, 413, 415, 422].includes(status) ? 'never' : 'backoff';
}

export function isNotFound(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.status === 404;
}

/** Somebody wrote in between, or a precondition did not hold: read again, then decide again. */
export function isConflict(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.status === 409 && thrown.reason !== 'AlreadyExists';
}

/**
 * A conditional write that lost: to another writer, to a deletion, or to a successor of that name (the
 * uid of a patch is a field that can't be changed, so some servers call that invalid).
 */
export function isLostRace(thrown: unknown): boolean {
  if (isConflict(thrown) || isNotFound(thrown)) return true;
  const causes = isInvalid(thrown) ? ((thrown as ApiError).details?.causes ?? []) : [];
  return causes.length > 0 && causes.every(({ field }) => field === 'metadata.uid');
}

export function isAlreadyExists(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.reason === 'AlreadyExists';
}

/** Validation or admission refused the object's contents, or a JSON patch `test` failed. */
export function isInvalid(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.status === 422;
}

/** The resourceVersion or continue token is too old to go on from: list again. */
export function isGone(thrown: unknown): boolean {
  return thrown instanceof ApiError && (thrown.status === 410 || thrown.reason === 'Expired');
}
