// Asking about long-running operations, once per call. The SDK's own pollers can't be used: they
// give up for good on the first 429 and lose the error's code.
import type { ArmCall } from './calls.ts';
import type { ArmClient } from './client.ts';
import { isResourceManagerUrl } from './environments.ts';
import { readErrorBody } from './error-catalogue.ts';
import { CloudError } from './errors.ts';
import { type ArmAnswer, readRetryAfter } from './failures.ts';
import type { CallContext, Operation, OperationState } from './port.ts';
import { readRunCommandOutput } from './run-command.ts';

interface StatusBody {
  readonly status: string;
  readonly endTime?: string;
  readonly properties?: { readonly output?: unknown };
}

/**
 * @throws CloudError when the question itself was refused or not answered: the operation goes on
 */
export async function pollOperation(
  client: ArmClient,
  operation: Operation,
  context: CallContext,
): Promise<OperationState> {
  // The URL comes from a stored object: our token goes to the resource manager only.
  if (!isResourceManagerUrl(client.environment, operation.url)) return { state: 'Unknown' };
  try {
    const answer = await client.send(callFor(operation.url), context, { url: operation.url });
    return readState(answer, client.runtime.clock.now());
  } catch (thrown) {
    const state = thrown instanceof CloudError ? readRefusal(thrown) : undefined;
    if (state) return state;
    throw thrown;
  }
}

function callFor(url: string): ArmCall {
  const { pathname } = new URL(url);
  const [, subscriptionId = ''] = /\/subscriptions\/([^/]+)/i.exec(pathname) ?? [];
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  const target = `operations/${name}`;
  return { operation: 'operations.get', method: 'GET', target, subscriptionId };
}

function readState(answer: ArmAnswer, now: number): OperationState {
  if (answer.status === 202 || !isStatusBody(answer.body)) {
    if (answer.status === 202) return inProgress(answer, now);
    // The URL of a result rather than of a status: the answer is the result.
    return succeeded(answer.body);
  }
  const { status, endTime, properties } = answer.body;
  if (status === 'Succeeded') return succeeded(properties?.output, endTime);
  if (status === 'Failed' || status === 'Canceled') {
    const { code, message } = readErrorBody(answer.body);
    return { state: 'Failed', code: code === 'Unknown' ? status : code, message };
  }
  return inProgress(answer, now);
}

function succeeded(output: unknown, endedAt?: string): OperationState {
  return {
    state: 'Succeeded',
    ...(endedAt && { endedAt }),
    ...(output !== undefined && { output: readRunCommandOutput(output) ?? output }),
  };
}

function inProgress(answer: ArmAnswer, now: number): OperationState {
  const retryAfterMilliseconds = readRetryAfter(answer, now);
  return {
    state: 'InProgress',
    ...(retryAfterMilliseconds !== undefined && { retryAfterMilliseconds }),
  };
}

/** Some refusals are an answer: the operation is forgotten, or this is how its failure is told. */
function readRefusal(error: CloudError): OperationState | undefined {
  switch (error.statusCode) {
    case 400:
    case 404:
    case 410:
      return { state: 'Unknown' };
    case 409:
    case 412:
      return { state: 'Failed', code: error.azureCode, message: error.message };
    default:
      return undefined;
  }
}

function isStatusBody(body: unknown): body is StatusBody {
  return typeof (body as { status?: unknown } | undefined)?.status === 'string';
}
