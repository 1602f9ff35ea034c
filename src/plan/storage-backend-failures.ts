// What goes wrong on the way to any storage, before its own protocol has a say: names, connections,
// TLS. Each with what to do about it.
import type { Condition } from '../api/object.ts';
import type { Reason } from '../api/reasons.ts';
import type { ProbeFailure } from './probe-observation.ts';
import type { ProbedSpec } from './storage-backend-verdict.ts';

export interface Meaning {
  readonly phase: 'Offline' | 'Error';
  readonly reason: Reason;
  readonly reachable: Condition['status'];
  readonly needsChange: boolean;
  /** What to do; absent where the failure's own words say it. */
  readonly advice?: string;
  /** Where the reason alone doesn't tell whether the credentials are good. */
  readonly authenticated?: Condition['status'];
}

/** The field that says where it is. */
export function endpointField({ type }: Pick<ProbedSpec, 'type'>): string {
  switch (type) {
    case 'http':
      return 'spec.http.baseURL';
    case 's3':
      return 'spec.s3.endpoint';
    case 'nfs':
      return 'spec.nfs.server';
    case 'iscsi':
      return 'spec.iscsi.portal';
    case 'cephfs':
      return 'spec.cephfs.monitors';
  }
}

export const OFFLINE = { phase: 'Offline', reachable: 'False', needsChange: false } as const;
/** Something is there, and only somebody can put it right. */
export const WRONG = { phase: 'Error', reachable: 'True', needsChange: true } as const;
/** Something is there, and may recover by itself. */
export const TROUBLED = { phase: 'Error', reachable: 'True', needsChange: false } as const;

/** Undefined when it is for the protocol to say. */
export function connectionFailure(failure: ProbeFailure, field: string): Meaning | undefined {
  const { check, code } = failure;
  const isTimeout = code === 'Timeout' || code === 'ETIMEDOUT';
  if (code === 'AddressNotAllowed')
    return { ...WRONG, reachable: 'False', reason: 'AddressNotAllowed' };
  switch (check) {
    case 'DNS': {
      const advice = `check ${field} and the cluster's DNS`;
      return { ...OFFLINE, reason: 'NameNotResolved', advice };
    }
    case 'TCP':
      if (code === 'PortNotPossible')
        return { ...WRONG, reachable: 'False', reason: 'InvalidSpec', advice: `correct ${field}` };
      if (code === 'ECONNREFUSED' || code === 'ECONNRESET') {
        const advice = 'is the service running on that port?';
        return { ...OFFLINE, reason: 'ConnectionRefused', advice };
      }
      return {
        ...OFFLINE,
        reason: 'ConnectionTimedOut',
        advice: 'is the address right and the firewall open?',
      };
    case 'TLS':
      if (isTimeout) return { ...OFFLINE, reason: 'ConnectionTimedOut' };
      return { ...WRONG, reachable: 'False', reason: 'TlsFailed', advice: tlsAdvice(code, field) };
    case 'Protocol':
      return isTimeout ? { ...OFFLINE, reason: 'ConnectionTimedOut' } : undefined;
    default:
      return isTimeout ? { ...TROUBLED, reason: 'ConnectionTimedOut' } : undefined;
  }
}

const UNTRUSTED_CODES: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

function tlsAdvice(code: string, field: string): string {
  if (UNTRUSTED_CODES.has(code))
    return 'set spec.caBundle to the certificate of the authority that signed it';
  if (code === 'CERT_HAS_EXPIRED') return 'renew it on the server';
  if (code === 'CERT_NOT_YET_VALID') return "check the server's and the cluster's clocks";
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `use a name in ${field} that it is for`;
  if (code === 'ClientCertificateInvalid')
    return 'check tls.crt and tls.key in the Secret that spec.credentialsSecretRef names';
  return 'does that port speak TLS?';
}
