// What an answer of an S3 service, or of what passes for one, means.
import type { Answer } from './exchange.ts';
import { readError } from './s3-xml.ts';

/** Any web server may say 200 to a HEAD; these headers only S3's kind sends. */
export function isOfS3(answer: Answer): boolean {
  return ['x-amz-request-id', 'x-amz-bucket-region', 'x-amz-id-2'].some(
    (name) => answer.header(name) !== undefined,
  );
}

/** The region that the bucket is in, where the service says so. */
export function regionOf(answer: Answer): string | undefined {
  const region = answer.header('x-amz-bucket-region') ?? readError(answer.body)?.region;
  return region !== undefined && /^[a-z0-9-]{1,64}$/.test(region) ? region : undefined;
}

const SECRETS: ReadonlySet<string> = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'AccessDenied',
  'RequestTimeTooSkewed',
]);
const SYNONYMS: Readonly<Record<string, string>> = {
  RequestExpired: 'RequestTimeTooSkewed',
  TokenRefreshRequired: 'ExpiredToken',
  InvalidSecurity: 'AccessDenied',
  AllAccessDisabled: 'AccountProblem',
  NotSignedUp: 'AccountProblem',
  XMinioInvalidBucketName: 'InvalidBucketName',
  Throttling: 'SlowDown',
  ThrottlingException: 'SlowDown',
  TooManyRequests: 'SlowDown',
  RequestLimitExceeded: 'SlowDown',
};
const OTHERS: ReadonlySet<string> = new Set(['NoSuchBucket', 'InvalidBucketName', 'SlowDown']);

/** Which check an answer that is no success fails, and as what. */
export function classify(
  statusCode: number,
  said: string | undefined,
  { isAnonymous, hasOtherRegion }: { isAnonymous: boolean; hasOtherRegion: boolean },
): { check: 'Authorization' | 'Protocol'; code: string } {
  const code = said === undefined ? undefined : (SYNONYMS[said] ?? said);
  if (hasOtherRegion) return { check: 'Protocol', code: 'WrongRegion' };
  if (code !== undefined && SECRETS.has(code))
    return { check: 'Authorization', code: isAnonymous ? 'CredentialsMissing' : code };
  if (code === 'AccountProblem') return { check: 'Authorization', code };
  if (code !== undefined && OTHERS.has(code)) return { check: 'Protocol', code };
  if (statusCode === 301 || statusCode === 302 || statusCode === 307 || statusCode === 308)
    return { check: 'Protocol', code: 'Redirected' };
  if (statusCode === 401 || statusCode === 403)
    return { check: 'Authorization', code: isAnonymous ? 'CredentialsMissing' : 'AccessDenied' };
  if (statusCode === 429 || statusCode === 503) return { check: 'Protocol', code: 'SlowDown' };
  if (statusCode >= 500) return { check: 'Protocol', code: 'ServerInTrouble' };
  return { check: 'Protocol', code: 'NotS3' };
}
