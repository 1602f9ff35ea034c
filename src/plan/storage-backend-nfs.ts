// What keeps an NFS server from being used before anything is mounted, and what to do about it.
import type { ProbeFailure } from './probe-observation.ts';
import { type Meaning, TROUBLED, WRONG } from './storage-backend-failures.ts';
import { mountFailure } from './storage-backend-mounts.ts';

const MEANINGS: Readonly<Record<string, Meaning>> = {
  NotRpc: {
    ...WRONG,
    reason: 'UnexpectedAnswer',
    advice: 'is that an NFS server? Check spec.nfs.server',
  },
  VersionMismatch: {
    ...WRONG,
    reason: 'VersionUnsupported',
    advice: 'set spec.nfs.version to one that it speaks',
  },
  ProgramUnavailable: {
    ...WRONG,
    reason: 'UnexpectedAnswer',
    advice: 'its NFS service does not run; start it',
  },
  RpcRefused: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: 'check on the server whom it answers',
  },
  NotRegistered: {
    ...WRONG,
    reason: 'VersionUnsupported',
    advice: 'NFS 3 is not offered there; set spec.nfs.version to 4.1, or start it on the server',
  },
};

export function nfsFailure(failure: ProbeFailure): Meaning {
  const { code } = failure;
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  if (known) return known;
  return mountFailure(failure) ?? { ...TROUBLED, reachable: 'False', reason: 'UnexpectedAnswer' };
}
