// Azure's error codes in the words of our conditions.
import { type Reason, reasonOf } from '../api/reasons.ts';

const REASONS: Readonly<Record<string, Reason>> = {
  AllocationFailed: 'CapacityUnavailable',
  ZonalAllocationFailed: 'CapacityUnavailable',
  OverconstrainedAllocationRequest: 'CapacityUnavailable',
  OverconstrainedZonalAllocationRequest: 'CapacityUnavailable',
  SkuNotAvailable: 'SizeNotAvailable',
  QuotaExceeded: 'QuotaExceeded',
  AuthorizationFailed: 'AuthorizationFailed',
  LinkedAuthorizationFailed: 'AuthorizationFailed',
  RequestDisallowedByPolicy: 'PolicyViolation',
  ScopeLocked: 'ScopeLocked',
  ResourceGroupNotFound: 'ResourceGroupNotFound',
  InvalidParameter: 'InvalidParameter',
  BadRequest: 'InvalidParameter',
  OSProvisioningTimedOut: 'ProvisioningTimedOut',
  VMStartTimedOut: 'ProvisioningTimedOut',
  VMExtensionProvisioningError: 'CreateFailed',
  TooManyRequests: 'Throttled',
};

/** The reason for an error; a code that is a reason itself, as ours are, stays what it is. */
export function reasonOfError({ code, message }: { code: string; message: string }): Reason {
  // Azure reports an exhausted quota under a code that it uses for much else.
  if (code === 'OperationNotAllowed' && /\bquota\b/i.test(message)) return 'QuotaExceeded';
  return REASONS[code] ?? reasonOf(code);
}
