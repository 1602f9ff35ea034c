// What keeps a Ceph filesystem from being used, and what to do about it.
import type { ProbeFailure } from './probe-observation.ts';
import { type Meaning, OFFLINE, TROUBLED, WRONG } from './storage-backend-failures.ts';

const MEANINGS: Readonly<Record<string, Meaning>> = {
  NotCeph: {
    ...WRONG,
    reason: 'UnexpectedAnswer',
    advice: 'is that a Ceph monitor? They listen on port 3300, and on 6789 for the older protocol',
  },
  AuthenticationFailed: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: 'check spec.cephfs.user, and key in the Secret that spec.credentialsSecretRef names',
  },
  NoSuchPath: {
    ...WRONG,
    reason: 'NotExported',
    advice: 'check spec.cephfs.path and spec.cephfs.filesystemName',
  },
  NoMetadataServer: {
    ...TROUBLED,
    reason: 'MountFailed',
    advice:
      'no metadata server is up, the filesystem of spec.cephfs.filesystemName does not exist, or ' +
      'the key is wrong: `ceph fs status` and `ceph auth get client.<user>` tell which',
  },
  BadOption: { ...WRONG, reason: 'InvalidSpec', advice: 'check spec.cephfs.options' },
  PrerequisitesMissing: {
    ...WRONG,
    reachable: 'Unknown',
    reason: 'PrerequisitesMissing',
    advice: 'install it on the node, or name another in spec.nodeName',
  },
  Hangs: {
    ...OFFLINE,
    reason: 'ConnectionTimedOut',
    advice: 'the cluster took the mount and then fell silent; nothing else is tried until it ends',
  },
  MountFailed: { ...TROUBLED, reason: 'MountFailed' },
  CommandFailed: { ...TROUBLED, reason: 'CommandFailed' },
};

export function cephFailure({ code, check }: ProbeFailure): Meaning {
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  if (known) return known;
  if (check === 'Mount' || check === 'Capacity') return { ...TROUBLED, reason: 'MountFailed' };
  return { ...TROUBLED, reachable: 'False', reason: 'UnexpectedAnswer' };
}
