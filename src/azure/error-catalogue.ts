// Azure's error codes, sorted by what may be done about them. The one place that knows them.
import type { RetryClass } from '../runtime/errors.ts';
import type { CloudErrorClass } from './errors.ts';

export interface AzureFailure {
  /** Azure's own code, the most specific one that the answer had. */
  readonly code: string;
  readonly message: string;
  readonly statusCode?: number;
}

export interface Verdict {
  readonly class: CloudErrorClass;
  readonly retry: RetryClass;
  /** How long the cause is known to last, when Azure doesn't say. */
  readonly retryAfterMilliseconds?: number;
}

const verdict = (
  errorClass: CloudErrorClass,
  retry: RetryClass,
  retryAfterMilliseconds?: number,
): Verdict => ({
  class: errorClass,
  retry,
  ...(retryAfterMilliseconds !== undefined && { retryAfterMilliseconds }),
});

const gone = verdict('NotFound', 'backoff');
const busy = verdict('Conflict', 'backoff');
const throttled = verdict('Throttled', 'backoff');
const noCapacity = verdict('NoCapacity', 'backoff');
const quota = verdict('QuotaExceeded', 'backoff');
const elsewhere = verdict('AttachedElsewhere', 'never');
const forbidden = verdict('Forbidden', 'never');
const invalid = verdict('Invalid', 'never');
const unavailable = verdict('Unavailable', 'backoff');

/** A NIC of a failed VM stays reserved for it this long. */
const RESERVED_NIC_MILLISECONDS = 180_000;

const verdicts: Readonly<Record<string, Verdict>> = {
  ResourceNotFound: gone,
  NotFound: gone,
  ResourceGroupNotFound: gone,
  // Not "gone": the resource may exist where these rights or settings can't see it.
  SubscriptionNotFound: verdict('Forbidden', 'never'),
  InvalidSubscriptionId: invalid,
  InvalidResourceType: invalid,
  NoRegisteredProviderFound: invalid,
  MissingSubscriptionRegistration: forbidden,
  ParentResourceNotFound: invalid,
  InvalidResourceReference: invalid,
  PreconditionFailed: verdict('PreconditionFailed', 'now'),
  Conflict: busy,
  AnotherOperationInProgress: busy,
  OperationPreempted: busy,
  RetryableError: busy,
  RetryableErrorDueToAnotherOperation: busy,
  AttachDiskWhileBeingDetached: busy,
  NicReservedForAnotherVm: verdict('Conflict', 'backoff', RESERVED_NIC_MILLISECONDS),
  NicInUse: busy,
  // The object is there with another shape: the same request will never pass.
  PropertyChangeNotAllowed: verdict('Conflict', 'never'),
  ScopeLocked: forbidden,
  ConflictingUserInput: elsewhere,
  DiskBlobAlreadyInUse: elsewhere,
  DiskBlobAlreadyInUseByPlatform: elsewhere,
  AcquireDiskLeaseFailed: elsewhere,
  MaximumDataDisksExceeded: invalid,
  QuotaExceeded: quota,
  AllocationFailed: noCapacity,
  ZonalAllocationFailed: noCapacity,
  OverconstrainedAllocationRequest: noCapacity,
  OverconstrainedZonalAllocationRequest: noCapacity,
  SkuNotAvailable: verdict('SkuNotAvailable', 'backoff'),
  TooManyRequests: throttled,
  SubscriptionRequestsThrottled: throttled,
  ResourceRequestsThrottled: throttled,
  // The VM object exists in state Failed; whoever asked cleans up and makes another.
  OSProvisioningTimedOut: unavailable,
  VMStartTimedOut: unavailable,
  VMExtensionProvisioningError: unavailable,
  AuthorizationFailed: forbidden,
  LinkedAuthorizationFailed: forbidden,
  RequestDisallowedByPolicy: forbidden,
  ReadOnlyDisabledSubscription: forbidden,
  InvalidParameter: invalid,
  BadRequest: invalid,
  InvalidAuthenticationToken: verdict('Forbidden', 'backoff'),
  AuthenticationFailed: verdict('Forbidden', 'backoff'),
};

/**
 * Codes that say little by themselves. Azure gives no better code for these causes, so this is the
 * only place where a message is read.
 */
const ambiguous: readonly { codes: RegExp; message: RegExp; verdict: Verdict }[] = [
  { codes: /^OperationNotAllowed$/, message: /\bquota\b/i, verdict: quota },
  { codes: /^OperationNotAllowed$/, message: /maximum number of data disks/i, verdict: invalid },
  { codes: /^OperationNotAllowed$/, message: /too many requests/i, verdict: throttled },
];

/** What may be done about a failure: by code first, then by status. */
export function classify(failure: AzureFailure): Verdict {
  const { code, message, statusCode } = failure;
  if (statusCode === 429) return throttled;
  const byMessage = ambiguous.find(
    (entry) => entry.codes.test(code) && entry.message.test(message),
  );
  return byMessage?.verdict ?? verdicts[code] ?? byStatus(statusCode);
}

/** Whether a 404 with this code proves that the resource is gone. */
export function provesAbsence(failure: AzureFailure): boolean {
  return failure.statusCode === 404 && classify(failure).class === 'NotFound';
}

function byStatus(statusCode: number | undefined): Verdict {
  if (statusCode === undefined || statusCode >= 500 || statusCode === 408) return unavailable;
  if (statusCode === 401) return verdict('Forbidden', 'backoff');
  if (statusCode === 403) return forbidden;
  if (statusCode === 404) return gone;
  if (statusCode === 409) return busy;
  if (statusCode === 412) return verdict('PreconditionFailed', 'now');
  return invalid;
}

interface ErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly target?: unknown;
  readonly details?: unknown;
}

/** Reads `{error: {code, message, details}}`, preferring a detail whose code is known. */
export function readErrorBody(body: unknown, statusCode?: number): AzureFailure {
  const error = errorOf(body);
  const code = text(error?.code);
  const message = text(error?.message);
  const specific =
    verdicts[code] && code !== 'Conflict' && code !== 'BadRequest'
      ? undefined
      : detailsOf(error).find((detail) => verdicts[text(detail.code)]);
  return {
    code: text(specific?.code) || code || (statusCode ? `Http${statusCode}` : 'Unknown'),
    message: readable(text(specific?.message) || message || 'Azure gave no reason.'),
    ...(statusCode !== undefined && { statusCode }),
  };
}

/** The compute provider's rate-limit bucket that a 429's body names; none for the front door's. */
export function throttledBucket(body: unknown): string | undefined {
  const error = errorOf(body);
  if (text(error?.code) === 'SubscriptionRequestsThrottled') return undefined;
  const targets = detailsOf(error).map((detail) => text(detail.target));
  return targets.find((name) => name !== '');
}

const MAX_MESSAGE_CHARACTERS = 1024;

/** For people: signatures, tokens and other things in URL queries are cut out. */
export function readable(message: string): string {
  return message
    .replace(/(https?:\/\/[^\s?'"]+)\?[^\s'"]*/gi, '$1')
    .replace(/\bbearer\s+\S+/gi, 'Bearer …')
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '…')
    .slice(0, MAX_MESSAGE_CHARACTERS);
}

function errorOf(body: unknown): ErrorBody | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const inner = (body as { error?: unknown }).error ?? body;
  return typeof inner === 'object' && inner !== null ? (inner as ErrorBody) : undefined;
}

function detailsOf(error: ErrorBody | undefined): readonly ErrorBody[] {
  if (!Array.isArray(error?.details)) return [];
  return error.details.filter((detail) => typeof detail === 'object' && detail !== null);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
