// What a probe's observation means: a phase, a reason, a sentence that tells what to fix, and each
// check on its own. The sentence has no number that differs from probe to probe.

import type { Condition } from '../api/object.ts';
import type { CheckName, ProbeCheck, StorageBackendPhase } from '../api/probe-result.ts';
import type { Reason } from '../api/reasons.ts';
import type { StorageBackendSpec } from '../api/storage-backend.ts';
import type {
  HttpAnswer,
  Measured,
  Observation,
  Probed,
  ProbeFailure,
} from './probe-observation.ts';
import { cephFailure } from './storage-backend-cephfs.ts';
import type { Meaning } from './storage-backend-failures.ts';
import { connectionFailure, endpointField } from './storage-backend-failures.ts';
import { httpFailure, judgeAnswer } from './storage-backend-http.ts';
import { iscsiFailure } from './storage-backend-iscsi.ts';
import { nfsFailure } from './storage-backend-nfs.ts';
import { s3Failure } from './storage-backend-s3.ts';

export interface ProbeVerdict {
  readonly phase: StorageBackendPhase;
  readonly reason: Reason;
  readonly statement: string;
  /** How long what took, for people; empty when nothing was measured. */
  readonly timing: string;
  readonly reachable: Condition['status'];
  /** Whether the credentials are good; absent where there are none. */
  readonly authenticated?: Condition['status'];
  /** Only a change by somebody helps. */
  readonly needsChange: boolean;
  /** Set when the answer was the wanted one. */
  readonly latencyMilliseconds?: number;
  readonly checks: readonly ProbeCheck[];
  /** Since the epoch. */
  readonly certificateEndsAt?: number;
  readonly measured?: Measured;
}

/** What is probed: a StorageBackend's spec, or as much of it as a node's agent is told. */
export type ProbedSpec =
  | Pick<StorageBackendSpec & { type: 'http' }, 'type' | 'http' | 'credentialsSecretRef'>
  | Pick<StorageBackendSpec & { type: 's3' }, 'type' | 's3' | 'credentialsSecretRef'>
  | Pick<StorageBackendSpec & { type: 'nfs' }, 'type' | 'nfs'>
  | Pick<StorageBackendSpec & { type: 'iscsi' }, 'type' | 'iscsi' | 'credentialsSecretRef'>
  | Pick<StorageBackendSpec & { type: 'cephfs' }, 'type' | 'cephfs' | 'credentialsSecretRef'>;

/** From how many days before its end a certificate is worth a word. */
const CERTIFICATE_WARNING_DAYS = 30;
const DAY_MILLISECONDS = 86_400_000;

export function judgeProbe(spec: ProbedSpec, observation: Observation, now: number): ProbeVerdict {
  if (observation.type === 'unprepared') return unprepared(spec, observation);
  const { outcome, endpoint, certificateEndsAt, measured } = observation;
  const failure = outcome.type === 'answered' ? judgeAnswer(spec, outcome) : outcome;
  const facts = {
    timing: describeTiming(observation),
    ...(certificateEndsAt === undefined ? {} : { certificateEndsAt }),
  };
  if (failure.type === 'failed') {
    const said =
      outcome.type === 'answered'
        ? `${outcome.method} ${endpoint} ${failure.message}`
        : `${endpoint}: ${failure.message}`;
    const { advice, authenticated, ...meaning } = meaningOf(spec, failure);
    const isRefused = meaning.reason === 'AuthenticationFailed';
    return {
      ...facts,
      ...meaning,
      statement: advice === undefined ? said : `${said}; ${advice}`,
      ...(hasCredentials(spec)
        ? { authenticated: authenticated ?? (isRefused ? 'False' : 'Unknown') }
        : {}),
      checks: checksOf(spec, observation, failure),
    };
  }
  const said = outcome.type === 'answered' ? `${describe(outcome, endpoint)}` : failure.said;
  const remarks = [
    ...(failure.remarks ?? []),
    ...certificateRemark(certificateEndsAt, now),
    ...(isCleartext(spec) ? ['its credentials are sent unencrypted: use https'] : []),
  ];
  return {
    ...facts,
    phase: 'Online',
    reason: 'ProbeSucceeded',
    statement: [said, ...remarks].join('; '),
    reachable: 'True',
    ...(hasCredentials(spec) ? { authenticated: 'True' } : {}),
    needsChange: false,
    latencyMilliseconds: observation.totalMilliseconds,
    checks: checksOf(spec, observation, undefined),
    ...(measured ? { measured } : {}),
  };
}

function describe({ method, statusCode }: HttpAnswer, endpoint: string): string {
  return `${method} ${endpoint} answered ${statusCode}`;
}

function unprepared(
  spec: ProbedSpec,
  { reason, message }: Observation & { type: 'unprepared' },
): ProbeVerdict {
  return {
    phase: 'Unknown',
    reason,
    statement: message,
    timing: '',
    reachable: 'Unknown',
    ...(hasCredentials(spec) ? { authenticated: 'Unknown' } : {}),
    needsChange: true,
    checks: [],
  };
}

function meaningOf(spec: ProbedSpec, failure: ProbeFailure): Meaning {
  const common = connectionFailure(failure, endpointField(spec));
  if (common) return common;
  switch (spec.type) {
    case 'http':
      return httpFailure(failure);
    case 's3':
      return s3Failure(failure);
    case 'nfs':
      return nfsFailure(failure);
    case 'iscsi':
      return iscsiFailure(failure);
    case 'cephfs':
      return cephFailure(failure);
  }
}

function hasCredentials(spec: ProbedSpec): boolean {
  return spec.type !== 'nfs' && spec.credentialsSecretRef !== undefined;
}

function isCleartext(spec: ProbedSpec): boolean {
  return (
    spec.type === 'http' &&
    spec.http.authentication !== 'None' &&
    spec.http.baseURL.startsWith('http://')
  );
}

/** The checks that make sense for what is probed, in the order in which they are done. */
function applicableChecks(spec: ProbedSpec): CheckName[] {
  const connection: CheckName[] = ['DNS', 'TCP'];
  switch (spec.type) {
    case 'http': {
      const tls: CheckName[] = spec.http.baseURL.startsWith('https:') ? ['TLS'] : [];
      const authorization: CheckName[] =
        spec.http.authentication === 'None' ? [] : ['Authorization'];
      return [...connection, ...tls, 'Protocol', ...authorization];
    }
    case 's3': {
      const tls: CheckName[] = spec.s3.endpoint.startsWith('https:') ? ['TLS'] : [];
      const cdn: CheckName[] = spec.s3.cdnURL === undefined ? [] : ['CDN'];
      const capacity: CheckName[] = spec.s3.countObjectsUpTo > 0 ? ['Capacity'] : [];
      return [...connection, ...tls, 'Protocol', 'Authorization', ...capacity, ...cdn];
    }
    case 'nfs':
      return [...connection, 'Protocol', 'Mount', 'Capacity'];
    case 'iscsi':
      return [...connection, 'Protocol', 'Authorization', 'Capacity'];
    case 'cephfs':
      return [...connection, 'Protocol', 'Mount', 'Capacity'];
  }
}

function checksOf(
  spec: ProbedSpec,
  { passed }: Probed,
  failure: ProbeFailure | undefined,
): ProbeCheck[] {
  return applicableChecks(spec).map((name): ProbeCheck => {
    if (failure?.check === name)
      return { name, result: 'Failed', message: failure.message.slice(0, 1024) };
    const found = passed.findLast(({ check }) => check === name);
    if (found)
      return {
        name,
        result: 'Passed',
        message: found.message.slice(0, 1024),
        ...(found.milliseconds === undefined
          ? {}
          : { latencyMilliseconds: rounded(found.milliseconds) }),
      };
    // An answer that is as it should be also says that whoever asked was welcome.
    if (!failure && name === 'Authorization')
      return { name, result: 'Passed', message: 'the credentials were accepted' };
    return { name, result: 'Unknown', message: 'not checked this time' };
  });
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

function certificateRemark(endsAt: number | undefined, now: number): string[] {
  if (endsAt === undefined) return [];
  const days = Math.floor((endsAt - now) / DAY_MILLISECONDS);
  if (days >= CERTIFICATE_WARNING_DAYS) return [];
  return [`its certificate ends in ${days} day${days === 1 ? '' : 's'}`];
}

function describeTiming({ passed, totalMilliseconds }: Probed): string {
  const known = passed.flatMap(({ check, milliseconds }) =>
    milliseconds === undefined ? [] : [`${check} ${formatMilliseconds(milliseconds)}`],
  );
  const detail = known.length === 0 ? '' : ` (${known.join(', ')})`;
  return `after ${formatMilliseconds(totalMilliseconds)}${detail}`;
}

/** One decimal below ten: `3.4 ms`, `12 ms`. */
export function formatMilliseconds(milliseconds: number): string {
  return `${milliseconds < 9.95 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}
