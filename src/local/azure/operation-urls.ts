// The URLs of long-running operations: the status (Azure-AsyncOperation) and the result (Location).
// Both want their signed parameters back and forget finished operations after a while.
import { accepted, type Call, type Cloud, formatMoment, retryAfterHint } from './calls.ts';
import { refuse } from './errors.ts';
import type { Reply } from './messages.ts';
import { type Operation, operationSignature, type UrlPurpose } from './operations.ts';

export function getOperationStatus(cloud: Cloud, call: Call): Reply {
  const operation = knownOperation(cloud, call, 'status');
  const running = operation.status === 'InProgress';
  return {
    status: 200,
    headers:
      running && operation.pollRetryAfterSeconds
        ? retryAfterHint(cloud, operation.pollRetryAfterSeconds)
        : {},
    body: {
      startTime: formatMoment(operation.startedAt),
      ...(operation.endedAt !== undefined && { endTime: formatMoment(operation.endedAt) }),
      status: operation.status,
      ...(operation.status === 'Failed' && { error: errorOf(operation) }),
      ...(operation.status === 'Succeeded' &&
        operation.output !== undefined && { properties: { output: operation.output } }),
      name: operation.id,
    },
  };
}

export function getOperationResult(cloud: Cloud, call: Call): Reply {
  const operation = knownOperation(cloud, call, 'result');
  if (operation.status === 'InProgress')
    return accepted(cloud, operation, {
      status: 202,
      headers: 'location',
      retryAfterSeconds: operation.pollRetryAfterSeconds ?? 2,
    });
  if (operation.status === 'Failed') return { status: 409, body: { error: errorOf(operation) } };
  return operation.result ?? { status: 200 };
}

function errorOf(operation: Operation): { code: string; message: string } {
  const { code = 'InternalExecutionError', message = '' } = operation.failure ?? {};
  return { code, message };
}

function knownOperation(cloud: Cloud, call: Call, purpose: UrlPurpose): Operation {
  const operation = cloud.operations.get(call.name);
  const expiresAfter = cloud.settings.operationExpiryMilliseconds;
  const expired = operation?.endedAt !== undefined && operation.endedAt + expiresAfter <= call.now;
  if (!operation || operation.lost || expired)
    throw refuse(404, 'NotFound', `The operation '${call.name}' could not be found.`);
  if (call.query.get('s') !== operationSignature(operation, purpose))
    throw refuse(403, 'InvalidAuthenticationToken', 'The signature of the URL is not valid.');
  return operation;
}
