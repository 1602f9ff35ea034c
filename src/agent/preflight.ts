// What storage needs of the node. The agent names what is missing; it installs nothing.

import { probe } from './command-runner.ts';
import type { HostPort } from './host-port.ts';

export interface Prerequisite {
  readonly name: string;
  readonly argv: readonly string[];
  /** The package in Debian's and Ubuntu's words. */
  readonly package: string;
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

export const prerequisites: readonly Prerequisite[] = [
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
];

export type PreflightResult = ReadonlyMap<string, boolean>;

/** By name: present or not. A module fails with any code, a program is missing only with 127. */
export async function runPreflight(host: HostPort): Promise<PreflightResult> {
  const results = new Map<string, boolean>();
  for (const { name, argv } of prerequisites) {
    const { exitCode } = await probe(host, ...argv);
    const isModule = argv[0] === 'modprobe';
    results.set(name, isModule ? exitCode === 0 : exitCode !== EXIT_PROGRAM_MISSING);
  }
  return results;
}

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
  return missing(result, ['mdadm', `mkfs.${filesystem}`, `kernel module ${moduleByLevel[level]}`]);
}

export function missingForNfs(result: PreflightResult): string[] {
  return missing(result, ['mount.nfs', 'kernel module nfs']);
}

export function missingForCephfs(result: PreflightResult): string[] {
  return missing(result, ['mount.ceph', 'kernel module ceph']);
}

export function missingForIscsi(result: PreflightResult, filesystem: string): string[] {
  return missing(result, ['iscsiadm', `mkfs.${filesystem}`, 'kernel module iscsi_tcp']);
}

function missing(result: PreflightResult, names: readonly string[]): string[] {
  return names
    .filter((name) => result.get(name) === false)
    .map((name) => {
      const known = prerequisites.find((one) => one.name === name);
      return known ? `${name} (package ${known.package})` : name;
    });
}
