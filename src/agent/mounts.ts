// What is mounted where, from the kernel's own table. Network mounts are never touched here, only
// read about: looking into one whose server is gone would hang the agent.
import type { MountPointFacts } from '../plan/node-mount-facts.ts';
import { markerFile } from '../plan/node-mount-step.ts';
import { probe } from './command-runner.ts';
import type { HostPort } from './host-port.ts';

export interface MountEntry {
  /** `major:minor` of the mounted device. */
  readonly device: string;
  readonly target: string;
  readonly filesystem: string;
  readonly source: string;
  /** The filesystem's own options: the kernel puts `ro` here when it gives up writing. */
  readonly superOptions: readonly string[];
}

export function parseMountinfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [before, after] = line.split(' - ');
    if (before === undefined || after === undefined) continue;
    const fields = before.split(' ');
    const [filesystem = '', source = '', superOptions = ''] = after.split(' ');
    entries.push({
      device: fields[2] ?? '',
      target: unescapePath(fields[4] ?? ''),
      filesystem,
      source: unescapePath(source),
      superOptions: superOptions.split(','),
    });
  }
  return entries;
}

function unescapePath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

const MARKER_BYTES_MAX = 64 * 1024;

export async function hostMounts(host: HostPort): Promise<MountEntry[]> {
  return parseMountinfo((await host.readFile('/proc/1/mountinfo')) ?? '');
}

/** Mounts in the namespaces of other processes, with words for whose they are. */
export async function foreignMounts(
  host: HostPort,
): Promise<(MountEntry & { readonly holder: string })[]> {
  const { exitCode, stdout } = await probe(host, 'lsns', '-J', '-t', 'mnt', '-o', 'PID,COMMAND');
  if (exitCode !== 0) return [];
  const { namespaces } = JSON.parse(stdout) as { namespaces: { pid: number; command: string }[] };
  const found: (MountEntry & { readonly holder: string })[] = [];
  for (const { pid, command } of namespaces) {
    if (pid === 1) continue;
    const text = await host.readFile(`/proc/${pid}/mountinfo`);
    const holder = `process ${pid} (${command})`;
    for (const entry of parseMountinfo(text ?? '')) found.push({ ...entry, holder });
  }
  return found;
}

export interface MountPointQuery {
  readonly path: string;
  readonly isOurs: (entry: MountEntry) => boolean;
  /** Local filesystems only: then it is safe to look inside. */
  readonly readsMarker: boolean;
  /** Looking through all mount namespaces costs a process; only deletions need it. */
  readonly findsForeignHolders: boolean;
}

export async function inspectMountPoint(
  host: HostPort,
  { path, isOurs, readsMarker, findsForeignHolders }: MountPointQuery,
): Promise<MountPointFacts> {
  const entries = await hostMounts(host);
  const here = entries.filter(({ target }) => target === path);
  const isMounted = here.length > 0;
  const names = isMounted ? [] : await host.listDirectory(path);
  const foreign = findsForeignHolders ? (await foreignMounts(host)).filter(isOurs) : [];
  const marker =
    readsMarker && here.at(-1) && isOurs(here.at(-1)!)
      ? parseMarker(await host.readFile(`${path}/${markerFile}`))
      : undefined;
  return {
    path,
    exists: isMounted || names !== undefined,
    entries: names?.length ?? 0,
    isImmutable: names !== undefined && (await isImmutable(host, path)),
    mounts: here.map((entry) => ({
      source: entry.source,
      filesystem: entry.filesystem,
      isOurs: isOurs(entry),
    })),
    otherTargets: entries
      .filter((entry) => entry.target !== path && isOurs(entry))
      .map(({ target }) => target),
    foreignHolders: [...new Set(foreign.map(({ holder }) => holder))],
    marker: marker === undefined ? { type: 'none' } : { type: 'found', poolUid: marker },
  };
}

/**
 * The marker of a filesystem that may stop answering any time: a child reads it. No link or pipe that a
 * tenant may have left in its place is followed or waited for.
 */
export async function readMarker(host: HostPort, path: string): Promise<MountPointFacts['marker']> {
  const limits = ['iflag=nofollow,nonblock,count_bytes', `count=${MARKER_BYTES_MAX}`];
  const argv = ['dd', `if=${path}/${markerFile}`, ...limits, 'status=none'];
  const { exitCode, stdout } = await probe(host, ...argv);
  const poolUid = exitCode === 0 ? parseMarker(stdout) : undefined;
  return poolUid === undefined ? { type: 'none' } : { type: 'found', poolUid };
}

async function isImmutable(host: HostPort, path: string): Promise<boolean> {
  const { exitCode, stdout } = await probe(host, 'lsattr', '-d', path);
  return exitCode === 0 && /^\S*i\S* /.test(stdout);
}

/** The uid in the marker; empty when there is a marker nobody can read. */
function parseMarker(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return String((JSON.parse(text) as { poolUid?: unknown }).poolUid ?? '');
  } catch {
    return '';
  }
}
