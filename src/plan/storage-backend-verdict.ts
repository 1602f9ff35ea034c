// What one probe of an HTTP backend found, and what that means: a phase, a reason, and a sentence that
// tells what to fix. The sentence has no number that differs from probe to probe.
import type { Condition } from '../api/object.ts';
import type { Reason } from '../api/reasons.ts';
import type { StorageBackendPhase, StorageBackendSpec } from '../api/storage-backend.ts';

export type HttpSpec = (StorageBackendSpec & { type: 'http' })['http'];

/** How far a probe came: each is judged, and timed, on its own. */
export type ProbeStage = 'name' | 'address' | 'connection' | 'tls' | 'answer' | 'redirect';

/** Of the last request, where the stage was reached. */
export interface StageLatencies {
  readonly nameMilliseconds?: number;
  readonly connectionMilliseconds?: number;
  readonly tlsMilliseconds?: number;
  readonly answerMilliseconds?: number;
}

export interface HttpObservation {
  readonly type: 'probed';
  /** What was asked last, without its query, which may hold a secret. */
  readonly url: string;
  readonly latencies: StageLatencies;
  /** The whole probe, redirects included. */
  readonly totalMilliseconds: number;
  /** Since the epoch; absent without TLS. */
  readonly certificateEndsAt?: number | undefined;
  readonly outcome: HttpAnswer | HttpFailure;
}

export interface HttpAnswer {
  readonly type: 'answered';
  readonly method: 'HEAD' | 'GET';
  /** Asked for one byte only, because HEAD was refused. */
  readonly isRange: boolean;
  readonly statusCode: number;
}

export interface HttpFailure {
  readonly type: 'failed';
  readonly stage: ProbeStage;
  /** `ECONNREFUSED`, `CERT_HAS_EXPIRED` and the like, or `Timeout`. */
  readonly code: string;
  readonly message: string;
}

/** The probe could not even begin. */
export interface Unprepared {
  readonly type: 'unprepared';
  readonly reason: Reason;
  readonly message: string;
}

export type Observation = HttpObservation | Unprepared;

export interface ProbeVerdict {
  readonly phase: StorageBackendPhase;
  readonly reason: Reason;
  readonly statement: string;
  /** How long what took, for people; empty when nothing was measured. */
  readonly timing: string;
  readonly reachable: Condition['status'];
  /** Only a change by somebody helps. */
  readonly needsChange: boolean;
  /** Set when the answer was the wanted one. */
  readonly latencyMilliseconds?: number;
}

/** From how many days before its end a certificate is worth a word. */
const CERTIFICATE_WARNING_DAYS = 30;
const DAY_MILLISECONDS = 86_400_000;

export function isExpectedAnswer(
  { expectedStatusCodes }: { readonly expectedStatusCodes?: readonly number[] | undefined },
  { statusCode, isRange }: Pick<HttpAnswer, 'statusCode' | 'isRange'>,
): boolean {
  // A part of the content, or no such part because there is no content: it is there either way.
  const meaning = isRange && (statusCode === 206 || statusCode === 416) ? 200 : statusCode;
  if (!expectedStatusCodes) return meaning >= 200 && meaning < 300;
  return expectedStatusCodes.includes(meaning) || expectedStatusCodes.includes(statusCode);
}

export function judgeProbe(spec: HttpSpec, observation: Observation, now: number): ProbeVerdict {
  if (observation.type === 'unprepared') {
    const { reason, message } = observation;
    const reachable = 'Unknown';
    return {
      phase: 'Unknown',
      reason,
      statement: message,
      timing: '',
      reachable,
      needsChange: true,
    };
  }
  const { outcome } = observation;
  const timing = describeTiming(observation);
  if (outcome.type === 'failed') return { ...judgeFailure(observation, outcome), timing };
  return { ...judgeAnswer(spec, observation, outcome, now), timing };
}

type Judgement = Omit<ProbeVerdict, 'timing'>;

function judgeAnswer(
  spec: HttpSpec,
  observation: HttpObservation,
  answer: HttpAnswer,
  now: number,
): Judgement {
  const { statusCode, method } = answer;
  const said = `${method} ${observation.url} answered ${statusCode}`;
  const reachable = 'True';
  if (isExpectedAnswer(spec, answer)) {
    return {
      phase: 'Online',
      reason: 'ProbeSucceeded',
      statement: `${said}${certificateWarning(observation.certificateEndsAt, now)}`,
      reachable,
      needsChange: false,
      latencyMilliseconds: observation.totalMilliseconds,
    };
  }
  const failed = { phase: 'Error', reachable, needsChange: true } as const;
  if (statusCode === 401 || statusCode === 403) {
    const reason = 'AuthenticationFailed';
    const advice = 'check the Secret that spec.credentialsSecretRef names';
    return { ...failed, reason, statement: `${said}: ${advice}` };
  }
  if ((statusCode === 404 || statusCode === 410) && !spec.expectedStatusCodes) {
    const advice = 'there is nothing at that path; check spec.http.baseURL';
    return { ...failed, reason: 'NotExported', statement: `${said}: ${advice}` };
  }
  const wanted = spec.expectedStatusCodes?.join(', ') ?? '200 to 299';
  const statement = `${said}, not ${wanted}`;
  return { ...failed, reason: 'UnexpectedAnswer', statement, needsChange: statusCode < 500 };
}

function judgeFailure({ url }: HttpObservation, failure: HttpFailure): Judgement {
  const { stage, code, message } = failure;
  const offline = { phase: 'Offline', reachable: 'False', needsChange: false } as const;
  const wrong = { phase: 'Error', reachable: 'False', needsChange: true } as const;
  const isTimeout = code === 'Timeout' || code === 'ETIMEDOUT';
  switch (stage) {
    case 'name': {
      const advice = `check spec.http.baseURL and the cluster's DNS`;
      return { ...offline, reason: 'NameNotResolved', statement: `${url}: ${message}; ${advice}` };
    }
    case 'address':
      return { ...wrong, reason: 'AddressNotAllowed', statement: `${url}: ${message}` };
    case 'connection': {
      const isRefused = code === 'ECONNREFUSED' || code === 'ECONNRESET';
      if (isRefused) {
        const statement = `${url}: ${message}; is the service running on that port?`;
        return { ...offline, reason: 'ConnectionRefused', statement };
      }
      const statement = `${url}: ${message}; is the address right and the firewall open?`;
      return { ...offline, reason: 'ConnectionTimedOut', statement };
    }
    case 'tls':
      if (isTimeout)
        return { ...offline, reason: 'ConnectionTimedOut', statement: `${url}: ${message}` };
      return { ...wrong, reason: 'TlsFailed', statement: `${url}: ${message}; ${tlsAdvice(code)}` };
    case 'answer':
      if (isTimeout)
        return { ...offline, reason: 'ConnectionTimedOut', statement: `${url}: ${message}` };
      return {
        ...wrong,
        needsChange: false,
        reason: 'UnexpectedAnswer',
        statement: `${url}: ${message}`,
      };
    case 'redirect':
      return { ...wrong, reason: 'UnexpectedAnswer', statement: `${url}: ${message}` };
  }
}

const UNTRUSTED_CODES: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

function tlsAdvice(code: string): string {
  if (UNTRUSTED_CODES.has(code))
    return 'set spec.caBundle to the certificate of the authority that signed it';
  if (code === 'CERT_HAS_EXPIRED') return 'renew it on the server';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'use a name in spec.http.baseURL that it is for';
  return 'does that port speak TLS?';
}

function certificateWarning(endsAt: number | undefined, now: number): string {
  if (endsAt === undefined) return '';
  const days = Math.floor((endsAt - now) / DAY_MILLISECONDS);
  if (days >= CERTIFICATE_WARNING_DAYS) return '';
  return `; its certificate ends in ${days} day${days === 1 ? '' : 's'}`;
}

function describeTiming({ latencies, totalMilliseconds }: HttpObservation): string {
  const parts = [
    ['name', latencies.nameMilliseconds],
    ['connection', latencies.connectionMilliseconds],
    ['TLS', latencies.tlsMilliseconds],
    ['answer', latencies.answerMilliseconds],
  ] as const;
  const known = parts.flatMap(([what, taken]) =>
    taken === undefined ? [] : [`${what} ${formatMilliseconds(taken)}`],
  );
  const detail = known.length === 0 ? '' : ` (${known.join(', ')})`;
  return `after ${formatMilliseconds(totalMilliseconds)}${detail}`;
}

/** One decimal below ten: `3.4 ms`, `12 ms`. */
export function formatMilliseconds(milliseconds: number): string {
  return `${milliseconds < 9.95 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}
