// What keeps an NFS export from being used, and what to do about it.
import type { ProbeFailure } from './probe-observation.ts';
import { type Meaning, OFFLINE, TROUBLED, WRONG } from './storage-backend-failures.ts';

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
    advice: 'the server does not take calls from this node; check its export list and rpcbind',
  },
  NotRegistered: {
    ...WRONG,
    reason: 'VersionUnsupported',
    advice: 'NFS 3 is not offered there; set spec.nfs.version to 4.1, or start it on the server',
  },
  AccessDenied: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: "add the node to the export's list of clients on the server",
  },
  NoSuchExport: {
    ...WRONG,
    reason: 'NotExported',
    advice: 'check spec.nfs.exportPath and what the server exports',
  },
  MountVersion: {
    ...WRONG,
    reason: 'VersionUnsupported',
    advice: 'set spec.nfs.version to one that it speaks',
  },
  StatdMissing: {
    ...WRONG,
    reason: 'PrerequisitesMissing',
    advice: 'start rpc.statd on the node, add nolock to spec.nfs.options, or use version 4.1',
  },
  BadOption: { ...WRONG, reason: 'InvalidSpec', advice: 'check spec.nfs.options' },
  PrerequisitesMissing: {
    ...WRONG,
    reachable: 'Unknown',
    reason: 'PrerequisitesMissing',
    advice: 'install it on the node, or name another in spec.nodeName',
  },
  StaleHandle: {
    ...WRONG,
    reason: 'StaleHandle',
    advice: 'the export was removed or replaced on the server while it was being mounted',
  },
  Hangs: {
    ...OFFLINE,
    reason: 'ConnectionTimedOut',
    advice: 'the server took the mount and then fell silent; nothing else is tried until it ends',
  },
  MountFailed: { ...TROUBLED, reason: 'MountFailed' },
  CommandFailed: { ...TROUBLED, reason: 'CommandFailed' },
};

export function nfsFailure({ code, check }: ProbeFailure): Meaning {
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  if (known) return known;
  if (check === 'Mount' || check === 'Capacity') return { ...TROUBLED, reason: 'MountFailed' };
  return { ...TROUBLED, reachable: 'False', reason: 'UnexpectedAnswer' };
}
