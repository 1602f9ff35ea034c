// What an S3 service's answers mean. The codes are the service's own where it gave one.
import type { ProbeFailure } from './probe-observation.ts';
import { type Meaning, TROUBLED, WRONG } from './storage-backend-failures.ts';

const SECRET = 'the Secret that spec.credentialsSecretRef names';

const refused = (advice: string): Meaning => ({
  ...WRONG,
  reason: 'AuthenticationFailed',
  advice,
});
const missing = (advice: string): Meaning => ({ ...WRONG, reason: 'NotExported', advice });
const unexpected = (advice: string): Meaning => ({ ...WRONG, reason: 'UnexpectedAnswer', advice });

const MEANINGS: Readonly<Record<string, Meaning>> = {
  InvalidAccessKeyId: refused(`the service does not know accessKeyId; check ${SECRET}`),
  SignatureDoesNotMatch: refused(`secretAccessKey is wrong; check ${SECRET}`),
  ExpiredToken: refused(`the session is over; put a new sessionToken into ${SECRET}`),
  InvalidToken: refused(`sessionToken is wrong; check ${SECRET}`),
  AccessDenied: refused(
    'the credentials are known but may not list the bucket: grant them s3:ListBucket on it',
  ),
  CredentialsMissing: refused(
    'the bucket is not public: put accessKeyId and secretAccessKey into a Secret and name it in ' +
      'spec.credentialsSecretRef',
  ),
  AccountProblem: refused("the service's operator has closed the account; ask there"),
  RequestTimeTooSkewed: {
    ...WRONG,
    reason: 'ClockSkewed',
    advice: 'set both clocks right, for example by NTP',
    authenticated: 'Unknown',
  },
  NoSuchBucket: missing('there is no such bucket; check spec.s3.bucket and spec.s3.endpoint'),
  InvalidBucketName: missing('the service does not take that name; check spec.s3.bucket'),
  WrongRegion: unexpected('set spec.s3.region to it'),
  Redirected: unexpected('set spec.s3.endpoint to it'),
  NotS3: unexpected(
    'does spec.s3.endpoint name an S3 service, and is spec.s3.pathStyle right for it?',
  ),
  NoVirtualHosts: {
    ...WRONG,
    reachable: 'Unknown',
    reason: 'InvalidSpec',
    advice: 'set spec.s3.pathStyle to true, or spec.s3.endpoint to a name',
  },
  CdnInTrouble: { ...TROUBLED, reason: 'UnexpectedAnswer', advice: 'check spec.s3.cdnURL' },
  CdnUnreachable: { ...TROUBLED, reason: 'ConnectionRefused', advice: 'check spec.s3.cdnURL' },
  SlowDown: {
    ...TROUBLED,
    reason: 'Throttled',
    advice: 'it asks for fewer requests; raise spec.probeInterval',
  },
  ServerInTrouble: { ...TROUBLED, reason: 'UnexpectedAnswer' },
};

export function s3Failure({ code, check }: ProbeFailure): Meaning {
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  if (known) return known;
  const reachable = check === 'Protocol' ? 'False' : 'True';
  return { ...TROUBLED, reachable, reason: 'UnexpectedAnswer' };
}
