// What the kernel says while it mounts: of a refused key or a damaged filesystem the tools say less than
// it does, or something else.
import type { FailingTool } from '../plan/mount-failures.ts';
import { probe } from './command-runner.ts';
import type { HostPort } from './host-port.ts';

/** How lines of the kernel's log begin that may tell why a mount failed. */
export const kernelSubjects: Partial<Readonly<Record<FailingTool, RegExp>>> = {
  cephfs: /\b(lib)?ceph: /,
  filesystem: /\b(EXT4-fs|XFS|JBD2)\b/,
};

const LINES_MAX = 3;

/** The lines about a subject that are in the kernel's log now; none where it can't be read. */
export async function kernelLines(host: HostPort, subject: RegExp): Promise<string[]> {
  const { exitCode, stdout } = await probe(host, 'dmesg');
  return exitCode === 0 ? stdout.split('\n').filter((line) => subject.test(line)) : [];
}

/** The end of what came after `before`, without times, each sentence once. */
export function linesSince(before: readonly string[], now: readonly string[]): string[] {
  const last = before.at(-1);
  const fresh = now.slice(last === undefined ? 0 : now.lastIndexOf(last) + 1);
  const plain = fresh.map((line) => line.replace(/^\[[^\]]*\]\s*/, '').trim());
  return [...new Set(plain)].slice(-LINES_MAX);
}
