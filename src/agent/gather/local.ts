// One look at a directory of the node: where it really is, on which filesystem, and how full that is.
// Only children look: the directory may lie on something that does not answer.
import type { DirectoryFacts, LocalFacts, LocalIntent } from '../../plan/node-mount-local.ts';
import type { CommandResult, HostPort } from '../host-port.ts';
import type { MountProber } from '../mount-prober.ts';
import { hostMounts, type MountEntry } from '../mounts.ts';
import type { GatherContext } from './context.ts';

export async function gatherLocal(
  intent: LocalIntent,
  uid: string,
  { host, journal, prober }: GatherContext,
): Promise<LocalFacts> {
  const { path } = intent;
  const mounts = await hostMounts(host);
  const directory = await lookAtDirectory(host, prober, { path, mounts });
  const isPresent = directory.type === 'present';
  const below = isPresent ? mountOf(mounts, directory.resolvedPath) : undefined;
  return {
    directory,
    journal: journal.facts(uid),
    missing: [],
    answer: isPresent ? await prober.askFilesystem(host, path) : { type: 'notAsked' },
    mountPoint: {
      path,
      exists: isPresent,
      entries: 0,
      isImmutable: false,
      mounts: below ? [{ source: below.source, filesystem: below.filesystem, isOurs: true }] : [],
      otherTargets: [],
      foreignHolders: [],
      marker: { type: 'none' },
    },
  };
}

async function lookAtDirectory(
  host: HostPort,
  prober: MountProber,
  { path, mounts }: { path: string; mounts: readonly MountEntry[] },
): Promise<DirectoryFacts> {
  const resolving = await prober.ask(host, `readlink ${path}`, ['readlink', '-ev', path]);
  if (resolving.type === 'silent') return resolving;
  if (resolving.result.exitCode !== 0) return missingOrFailed(resolving.result);
  const resolvedPath = resolving.result.stdout.replace(/\n$/, '');
  const kind = await prober.ask(host, `type ${path}`, ['stat', '-L', '-c', '%F', path]);
  if (kind.type === 'silent') return kind;
  if (kind.result.exitCode !== 0) return missingOrFailed(kind.result);
  if (kind.result.stdout.trim() !== 'directory') return { type: 'other' };
  return { type: 'present', resolvedPath, mountedAt: mountOf(mounts, resolvedPath)?.target ?? '/' };
}

/** An error of the filesystem is no proof that the directory is gone. */
function missingOrFailed({ stderr }: CommandResult): DirectoryFacts {
  const said = stderr.trim();
  if (said === '' || /no such file|not a directory/i.test(said)) return { type: 'missing' };
  return { type: 'failed', message: said.slice(-400) };
}

/** The mount that a path lies on: of those above it the longest, of equals the last. */
function mountOf(mounts: readonly MountEntry[], path: string): MountEntry | undefined {
  let best: MountEntry | undefined;
  for (const mount of mounts) {
    const root = mount.target === '/' ? '' : mount.target;
    const isAbove = path === mount.target || path.startsWith(`${root}/`);
    if (isAbove && mount.target.length >= (best?.target.length ?? 0)) best = mount;
  }
  return best;
}
