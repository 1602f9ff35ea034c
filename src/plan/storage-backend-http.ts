// What a web server's answers mean.
import type { HttpAnswer, ProbeFailure, ProbeSuccess } from './probe-observation.ts';
import { type Meaning, TROUBLED, WRONG } from './storage-backend-failures.ts';
import type { ProbedSpec } from './storage-backend-verdict.ts';

export function isExpectedAnswer(
  { expectedStatusCodes }: { readonly expectedStatusCodes?: readonly number[] | undefined },
  { statusCode, isRange }: Pick<HttpAnswer, 'statusCode' | 'isRange'>,
): boolean {
  // A part of the content, or no such part because there is no content: it is there either way.
  const meaning = isRange && (statusCode === 206 || statusCode === 416) ? 200 : statusCode;
  if (!expectedStatusCodes) return meaning >= 200 && meaning < 300;
  return expectedStatusCodes.includes(meaning) || expectedStatusCodes.includes(statusCode);
}

/** As a success, or as a failure whose words go on after "HEAD https://…". */
export function judgeAnswer(spec: ProbedSpec, answer: HttpAnswer): ProbeSuccess | ProbeFailure {
  const wanted = spec.type === 'http' ? spec.http.expectedStatusCodes : undefined;
  const { statusCode } = answer;
  if (isExpectedAnswer({ expectedStatusCodes: wanted }, answer))
    return { type: 'succeeded', said: '' };
  const failed = { type: 'failed', message: `answered ${statusCode}` } as const;
  if (statusCode === 401 || statusCode === 403) {
    const hasCredentials = spec.type === 'http' && spec.http.authentication !== 'None';
    const code = hasCredentials ? 'CredentialsRefused' : 'CredentialsMissing';
    return { ...failed, check: hasCredentials ? 'Authorization' : 'Protocol', code };
  }
  if ((statusCode === 404 || statusCode === 410) && !wanted)
    return { ...failed, check: 'Protocol', code: 'NothingThere' };
  const message = `answered ${statusCode}, not ${wanted?.join(', ') ?? '200 to 299'}`;
  if (statusCode === 429) return { ...failed, message, check: 'Protocol', code: 'SlowDown' };
  const code = statusCode >= 500 || statusCode === 408 ? 'ServerInTrouble' : 'UnexpectedStatus';
  return { ...failed, message, check: 'Protocol', code };
}

export function httpFailure({ code, check }: ProbeFailure): Meaning {
  switch (code) {
    case 'CredentialsRefused': {
      const advice = 'check the Secret that spec.credentialsSecretRef names';
      return { ...WRONG, reason: 'AuthenticationFailed', advice };
    }
    case 'CredentialsMissing': {
      const advice =
        'it wants credentials: set spec.http.authentication and spec.credentialsSecretRef';
      return { ...WRONG, reason: 'AuthenticationFailed', advice };
    }
    case 'ClientCertificateRefused': {
      const advice =
        'set spec.http.authentication to ClientCertificate, and in the Secret that ' +
        'spec.credentialsSecretRef names a tls.crt that its authority signed';
      return { ...WRONG, reason: 'AuthenticationFailed', advice };
    }
    case 'NothingThere': {
      const advice = 'there is nothing at that path: check spec.http.baseURL';
      return { ...WRONG, reason: 'NotExported', advice };
    }
    case 'SlowDown': {
      const advice = 'it asks for fewer requests; raise spec.probeInterval';
      return { ...TROUBLED, reason: 'Throttled', advice };
    }
    case 'ServerInTrouble':
      return { ...TROUBLED, reason: 'UnexpectedAnswer' };
    case 'UnexpectedStatus':
    case 'TooManyRedirects':
    case 'BadRedirect':
    case 'Downgrade':
      return { ...WRONG, reason: 'UnexpectedAnswer' };
    default:
      // Gibberish, or a connection that ended early.
      return {
        ...TROUBLED,
        reachable: check === 'Protocol' ? 'False' : 'True',
        reason: 'UnexpectedAnswer',
      };
  }
}
