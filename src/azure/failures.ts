// Whatever a call to Azure threw, as a CloudError: refused answers, timeouts, lost connections,
// missing credentials.
import { messageOf } from '../runtime/errors.ts';
import type { ArmCall } from './calls.ts';
import { classify, readable, readErrorBody } from './error-catalogue.ts';
import { CloudError } from './errors.ts';

/** An HTTP answer, whichever way it was received. */
export interface ArmAnswer {
  readonly status: number;
  readonly body: unknown;
  header(name: string): string | undefined;
}

/** How the call ended when no answer came. */
export interface Circumstances {
  readonly timedOut: boolean;
  readonly aborted: boolean;
}

/** Nothing was sent when one of these stopped the request. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

const credentialErrors = new Set([
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
  'ChainedTokenCredentialError',
]);

/** From an answer with an error status. */
export function refusal(call: ArmCall, answer: ArmAnswer, now: number): CloudError {
  const failure = readErrorBody(answer.body, answer.status);
  const verdict = classify(failure);
  const retryAfterMilliseconds = readRetryAfter(answer, now) ?? verdict.retryAfterMilliseconds;
  const undecided = answer.status >= 500 || answer.status === 408;
  return new CloudError(failure.message, {
    class: verdict.class,
    azureCode: failure.code,
    statusCode: answer.status,
    call: describe(call),
    outcome: undecided && call.method !== 'GET' ? 'unknown' : 'refused',
    retry: verdict.retry,
    ...(retryAfterMilliseconds !== undefined && { retryAfterMilliseconds }),
  });
}

/** From anything thrown without an answer. */
export function silence(call: ArmCall, thrown: unknown, circumstances: Circumstances): CloudError {
  if (thrown instanceof CloudError) return thrown;
  const code = networkCode(thrown);
  const isCredential = thrown instanceof Error && credentialErrors.has(thrown.name);
  const sent = !isCredential && !neverSent.has(code);
  const reason = circumstances.timedOut
    ? { azureCode: 'Timeout', message: 'Azure did not answer in time.' }
    : circumstances.aborted
      ? { azureCode: 'Aborted', message: 'The call was given up before Azure answered.' }
      : isCredential
        ? { azureCode: 'CredentialUnavailable', message: readable(messageOf(thrown)) }
        : { azureCode: code || 'NoAnswer', message: readable(messageOf(thrown)) };
  return new CloudError(reason.message, {
    class: isCredential ? 'Forbidden' : 'Unavailable',
    azureCode: reason.azureCode,
    call: describe(call),
    outcome: sent && call.method !== 'GET' ? 'unknown' : 'refused',
    retry: 'backoff',
    cause: thrown,
  });
}

/** What was tried, for people: `PUT disks/pk-1`. */
export function describe(call: ArmCall): string {
  return `${call.method} ${call.target}`;
}

/** Milliseconds to wait according to Retry-After, which holds seconds or a date. */
export function readRetryAfter(answer: ArmAnswer, now: number): number | undefined {
  const exact = Number(answer.header('retry-after-ms') ?? answer.header('x-ms-retry-after-ms'));
  if (exact > 0) return exact;
  const value = answer.header('retry-after');
  if (value === undefined) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

function networkCode(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
