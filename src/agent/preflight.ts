// What storage needs of the node. The agent names what is missing and how to get it; it installs nothing.
import { probe } from './command-runner.ts';
import type { HostPort } from './host-port.ts';

export interface Prerequisite {
  readonly name: string;
  /** A command that tells whether it is there; absent where a file of the kernel's tells. */
  readonly argv?: readonly string[];
  /** The package in Debian's and Ubuntu's words. */
  readonly package?: string;
  /** What to do where no package helps. */
  readonly remedy?: string;
  readonly neededFor: string;
}

const EXIT_PROGRAM_MISSING = 127;

const program = (name: string, flag: string, packageName: string, neededFor: string) => ({
  name,
  argv: [name, flag],
  package: packageName,
  neededFor,
});
const module = (name: string, neededFor: string) => ({
  name: `kernel module ${name}`,
  argv: ['modprobe', '-n', name],
  package: 'linux-modules',
  neededFor,
});

/** By it, what is mounted on the node also appears in pods that run already. */
const PROPAGATION = 'shared propagation of mounts';

export const prerequisites: readonly Prerequisite[] = [
  program('lsblk', '--version', 'util-linux', 'mdadm and iscsi, and to list disks'),
  program('blkid', '-V', 'util-linux', 'mdadm and iscsi'),
  program('wipefs', '--version', 'util-linux', 'mdadm and iscsi'),
  program('flock', '--version', 'util-linux', 'mdadm and iscsi'),
  program('mdadm', '--version', 'mdadm', 'mdadm'),
  program('mkfs.ext4', '-V', 'e2fsprogs', 'mdadm and iscsi with ext4'),
  program('mkfs.xfs', '-V', 'xfsprogs', 'mdadm and iscsi with xfs'),
  program('mount.nfs', '-V', 'nfs-common', 'nfs'),
  program('iscsiadm', '--version', 'open-iscsi', 'iscsi'),
  program('mount.ceph', '-h', 'ceph-common', 'cephfs'),
  module('raid0', 'mdadm level 0'),
  module('raid1', 'mdadm level 1'),
  module('raid10', 'mdadm level 10'),
  module('raid456', 'mdadm levels 4, 5 and 6'),
  module('nfs', 'nfs'),
  module('iscsi_tcp', 'iscsi'),
  module('ceph', 'cephfs'),
  {
    name: PROPAGATION,
    remedy: 'mount --make-rshared /',
    neededFor: 'pods that run before their storage is mounted',
  },
];

export type PreflightResult = ReadonlyMap<string, boolean>;

/**
 * By name: present or not. A module fails with any code, a program is missing only with 127. What was
 * `present` before is not asked again.
 */
export async function runPreflight(
  host: HostPort,
  root: string,
  present: PreflightResult = new Map(),
): Promise<PreflightResult> {
  const results = new Map<string, boolean>();
  for (const { name, argv } of prerequisites) {
    if (present.get(name)) results.set(name, true);
    if (!argv || present.get(name)) continue;
    const { exitCode } = await probe(host, ...argv);
    const isModule = argv[0] === 'modprobe';
    results.set(name, isModule ? exitCode === 0 : exitCode !== EXIT_PROGRAM_MISSING);
  }
  results.set(PROPAGATION, isShared((await host.readFile('/proc/1/mountinfo')) ?? '', root));
  return results;
}

/** Whether what is mounted below the directory is passed on to other namespaces. */
export function isShared(mountinfo: string, root: string): boolean {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [, , , , target = '', , ...rest] = line.split(' ');
    const isAbove = target === '/' || root === target || root.startsWith(`${target}/`);
    const optional = rest.slice(0, rest.indexOf('-'));
    return target && isAbove
      ? [{ target, isShared: optional.some((field) => field.startsWith('shared:')) }]
      : [];
  });
  const deepest = Math.max(0, ...mounts.map(({ target }) => target.length));
  // Of several on top of each other the last one is seen. Without any the kernel was not asked.
  return mounts.findLast(({ target }) => target.length === deepest)?.isShared ?? true;
}

/** All that the node lacks, and how to get it; undefined when it lacks nothing. */
export function describeMissing(found: PreflightResult): string | undefined {
  const lacking = prerequisites.filter(({ name }) => found.get(name) === false);
  if (lacking.length === 0) return undefined;
  const words = lacking.map((one) => `${nameWithSource(one)}, needed for ${one.neededFor}`);
  return `The node lacks ${words.join('; ')}. The agent installs nothing.`;
}

function nameWithSource({ name, package: packageName, remedy }: Prerequisite): string {
  return packageName === undefined ? `${name} (${remedy})` : `${name} (package ${packageName})`;
}

const toLookAtDisks = ['lsblk', 'blkid', 'wipefs', 'flock'];

const moduleByLevel: Readonly<Record<number, string>> = {
  0: 'raid0',
  1: 'raid1',
  4: 'raid456',
  5: 'raid456',
  6: 'raid456',
  10: 'raid10',
};

/** Names of what an array of this level and filesystem lacks, with the package to install. */
export function missingForArray(
  result: PreflightResult,
  level: number,
  filesystem: string,
): string[] {
  const kernelModule = `kernel module ${moduleByLevel[level]}`;
  return missing(result, [...toLookAtDisks, 'mdadm', `mkfs.${filesystem}`, kernelModule]);
}

export function missingForNfs(result: PreflightResult): string[] {
  return missing(result, ['mount.nfs', 'kernel module nfs']);
}

export function missingForCephfs(result: PreflightResult): string[] {
  return missing(result, ['mount.ceph', 'kernel module ceph']);
}

export function missingForIscsi(result: PreflightResult, filesystem: string): string[] {
  const kernelModule = 'kernel module iscsi_tcp';
  return missing(result, [...toLookAtDisks, 'iscsiadm', `mkfs.${filesystem}`, kernelModule]);
}

function missing(result: PreflightResult, names: readonly string[]): string[] {
  return names
    .filter((name) => result.get(name) === false)
    .map((name) => {
      const known = prerequisites.find((one) => one.name === name);
      return known ? nameWithSource(known) : name;
    });
}
