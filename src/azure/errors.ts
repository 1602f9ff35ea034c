// The port's error language: what Azure said, sorted by what a controller may do about it.
import { PoolkeeperError, type RetryClass } from '../runtime/errors.ts';

/** What a controller decides on; Azure's own code stays in `azureCode`. */
export type CloudErrorClass =
  | 'NotFound'
  | 'PreconditionFailed'
  | 'Conflict'
  | 'AttachedElsewhere'
  | 'Throttled'
  | 'NoCapacity'
  | 'SkuNotAvailable'
  | 'QuotaExceeded'
  | 'Forbidden'
  | 'Invalid'
  | 'Unavailable';

export class CloudError extends PoolkeeperError {
  readonly class: CloudErrorClass;
  readonly azureCode: string;
  readonly statusCode: number | undefined;
  /** What was tried, for people: `PUT disks/pk-vol-…`. */
  readonly call: string;
  /** `unknown`: the request may have been applied (timeout, reset, 5xx): look before trying again. */
  readonly outcome: 'refused' | 'unknown';

  constructor(
    message: string,
    details: {
      class: CloudErrorClass;
      azureCode: string;
      statusCode?: number;
      call: string;
      outcome: 'refused' | 'unknown';
      retry: RetryClass;
      retryAfterMilliseconds?: number;
      cause?: unknown;
    },
  ) {
    super(details.azureCode, message, details);
    this.name = 'CloudError';
    this.class = details.class;
    this.azureCode = details.azureCode;
    this.statusCode = details.statusCode;
    this.call = details.call;
    this.outcome = details.outcome;
  }
}
