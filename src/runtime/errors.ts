// Every error that reaches a user has a stable code and says how it may be retried.

/** `now`: try again at once; `backoff`: after a growing delay; `never`: only a change helps. */
export type RetryClass = 'now' | 'backoff' | 'never';

export class PoolkeeperError extends Error {
  /** CamelCase and stable: it becomes a condition's reason. */
  readonly code: string;
  readonly retry: RetryClass;
  /** Set when the other side said how long to wait. */
  readonly retryAfterMilliseconds: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { retry?: RetryClass; retryAfterMilliseconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'PoolkeeperError';
    this.code = code;
    this.retry = options.retry ?? 'backoff';
    this.retryAfterMilliseconds = options.retryAfterMilliseconds;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
