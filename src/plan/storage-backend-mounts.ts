// Trial mounts: what a probe mounts for a moment, and what it means when that fails.
import type { BackendProbeSpec } from '../api/backend-probe.ts';
import { isReason, type Reason } from '../api/reasons.ts';
import { cephSource } from './node-mount-cephfs.ts';
import { nfsSource } from './node-mount-nfs.ts';
import type { ProbeFailure } from './probe-observation.ts';
import { type Meaning, OFFLINE, TROUBLED, WRONG } from './storage-backend-failures.ts';

export interface TrialMount {
  readonly filesystem: 'nfs' | 'ceph';
  readonly source: string;
  readonly options: readonly string[];
}

/** For a moment and for nobody's use: nothing is written, nothing on it is run. */
const SAFE = ['ro', 'nosuid', 'nodev', 'noexec'];
/** A server that is up answers within this; the mount need not outlive one that falls silent. */
const NFS = ['soft', 'timeo=30', 'retrans=1', 'retry=0'];
/** Options of the user's that would undo the above, or are about speed. */
const NOT_FOR_TRIALS =
  /^(rw|ro|hard|soft|softerr|timeo|retrans|retry|bg|fg|nconnect|mount_timeout)(=|$)/;

export function trialMount(
  spec: BackendProbeSpec & { type: 'nfs' | 'cephfs' },
  timeoutSeconds: number,
): TrialMount {
  if (spec.type === 'nfs') {
    const { version, options } = spec.nfs;
    const own = options.filter((option) => !NOT_FOR_TRIALS.test(option));
    return {
      filesystem: 'nfs',
      source: nfsSource(spec.nfs),
      options: [...SAFE, ...NFS, `nfsvers=${version}`, ...own],
    };
  }
  const { user, filesystemName, monitors, options } = spec.cephfs;
  const isLegacy = monitors.every((monitor) => monitor.endsWith(':6789'));
  const own = options.filter((option) => !NOT_FOR_TRIALS.test(option));
  return {
    filesystem: 'ceph',
    source: cephSource(spec.cephfs),
    options: [
      ...SAFE,
      `name=${user}`,
      `fs=${filesystemName}`,
      `ms_mode=${isLegacy ? 'legacy' : 'prefer-crc'}`,
      `mount_timeout=${timeoutSeconds}`,
      ...own,
    ],
  };
}

/** The code of a failure whose reason the words of mount have told already. */
export function mountFailureCode(reason: Reason): string {
  return `Mount:${reason}`;
}

const GONE: ReadonlySet<Reason> = new Set([
  'ConnectionTimedOut',
  'ConnectionRefused',
  'HostUnreachable',
  'NameNotResolved',
]);
const MAY_PASS: ReadonlySet<Reason> = new Set(['MountFailed', 'CommandFailed', 'MountPathInUse']);

/** Undefined when it is no failure of a trial mount. */
export function mountFailure({ code }: ProbeFailure): Meaning | undefined {
  switch (code) {
    case 'Hangs': {
      const advice = 'nothing else is tried until that ends: look at the server and the network';
      return { ...OFFLINE, reason: 'ServerNotResponding', advice };
    }
    case 'PrerequisitesMissing': {
      const advice = 'install it on the node, or name another in spec.nodeName';
      return { ...WRONG, reason: 'PrerequisitesMissing', advice };
    }
  }
  const word = /^Mount:(.*)$/.exec(code)?.[1];
  if (word === undefined || !isReason(word)) return undefined;
  if (GONE.has(word)) return { ...OFFLINE, reason: word };
  return { ...(MAY_PASS.has(word) ? TROUBLED : WRONG), reason: word };
}
