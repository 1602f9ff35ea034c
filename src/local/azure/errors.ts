// Azure's refusals: one class, one catalogue, the body shape every ARM client parses.

import type { Reply } from './messages.ts';
import { formatResourceId, type ResourceAddress } from './resource-ids.ts';

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly object[];
}

export class ArmError extends Error {
  readonly status: number;
  readonly error: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: ErrorBody, headers: Readonly<Record<string, string>> = {}) {
    super(`${status} ${error.code}: ${error.message}`);
    this.name = 'ArmError';
    this.status = status;
    this.error = error;
    this.headers = headers;
  }

  reply(): Reply {
    return { status: this.status, headers: this.headers, body: { error: this.error } };
  }
}

export function refuse(status: number, code: string, message: string, target?: string): ArmError {
  return new ArmError(status, target ? { code, message, target } : { code, message });
}

export function resourceNotFound(address: ResourceAddress): ArmError {
  return refuse(
    404,
    'ResourceNotFound',
    `The Resource '${address.type}/${address.name}' under resource group ` +
      `'${address.resourceGroup}' was not found. For more details please go to ` +
      'https://aka.ms/ARMResourceNotFoundFix',
  );
}

/** The front door evaluates policies before a PATCH, and misses the resource before its provider does. */
export function patchResourceNotFound(address: ResourceAddress): ArmError {
  return refuse(
    404,
    'PatchResourceNotFound',
    `The resource '${formatResourceId(address)}' was not found when evaluating policies for a ` +
      'PATCH operation.',
    address.name,
  );
}

/** A request names another resource that isn't there. */
export function referenceNotFound(id: string): ArmError {
  return refuse(404, 'NotFound', `Resource ${id} is not found.`);
}

export function resourceGroupNotFound(name: string): ArmError {
  return refuse(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
}

export function subscriptionNotFound(id: string): ArmError {
  return refuse(404, 'SubscriptionNotFound', `The subscription '${id}' could not be found.`);
}

export function invalidParameter(target: string, message: string): ArmError {
  return refuse(400, 'InvalidParameter', message, target);
}

export function propertyChangeNotAllowed(property: string): ArmError {
  return refuse(
    409,
    'PropertyChangeNotAllowed',
    `Changing property '${property}' is not allowed.`,
    property,
  );
}

export function operationNotAllowed(message: string, target?: string): ArmError {
  return refuse(409, 'OperationNotAllowed', message, target);
}

export function concurrentRequest(): ArmError {
  return refuse(
    409,
    'Conflict',
    'The request failed due to conflict with a concurrent request. To resolve it, please refer ' +
      'to https://aka.ms/activitylog to get more details on the conflicting requests.',
  );
}

export function preconditionFailed(
  header: 'if-match' | 'if-none-match',
  sent: string,
  current: string,
): ArmError {
  const problem = header === 'if-match' ? 'does not match' : 'matches';
  return refuse(
    412,
    'PreconditionFailed',
    `Etag provided in ${header} header ${sent} ${problem} etag ${current} of resource.`,
  );
}

export function diskOwnedElsewhere(diskId: string, ownerId: string): ArmError {
  return refuse(
    409,
    'ConflictingUserInput',
    `Disk '${diskId}' cannot be attached as the disk is already owned by VM '${ownerId}'.`,
  );
}

export function diskBeingDetached(disk: ResourceAddress, vmName: string): ArmError {
  return refuse(
    409,
    'AttachDiskWhileBeingDetached',
    `Cannot attach data disk '${disk.name}' to VM '${vmName}' because the disk is currently ` +
      'being detached or the last detach operation failed. Please wait until the disk is ' +
      'completely detached and then try again or delete/detach the disk explicitly again.',
    formatResourceId(disk),
  );
}
