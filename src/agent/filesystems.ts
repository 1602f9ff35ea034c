// Filesystems: what a device holds, and how full a mounted one is.
import type { Capacity, FilesystemFacts } from '../plan/node-mount-facts.ts';
import { messageOf } from '../runtime/errors.ts';
import { probe } from './command-runner.ts';
import type { HostPort } from './host-port.ts';
import { parseExport } from './inventory/contents.ts';

const FIRST_BYTES = 1024 * 1024;
const BLKID_NOTHING = 2;

/** "Nothing there" needs a successful read as well: blkid says the same of a failing device. */
export async function readFilesystem(host: HostPort, path: string): Promise<FilesystemFacts> {
  const { exitCode, stdout, stderr } = await probe(host, 'blkid', '-p', '-o', 'export', path);
  if (exitCode === 0) {
    const values = parseExport(stdout);
    const filesystem = values.get('TYPE');
    if (filesystem !== undefined) return { type: 'found', filesystem, uuid: values.get('UUID') };
    return { type: 'unknown', message: `blkid found ${values.get('PTTYPE') ?? 'something'}` };
  }
  if (exitCode !== BLKID_NOTHING)
    return { type: 'unknown', message: `blkid ended with ${exitCode}: ${stderr.trim()}` };
  try {
    await host.isZero(path, 0, FIRST_BYTES);
    return { type: 'none' };
  } catch (error) {
    return { type: 'unknown', message: messageOf(error) };
  }
}

/** Asked in a child process that can be killed; undefined when it doesn't answer in time. */
export async function readCapacity(host: HostPort, path: string): Promise<Capacity | undefined> {
  const { exitCode, stdout } = await probe(host, 'stat', '-f', '-c', '%S %b %f %a %c %d', path);
  return exitCode === 0 ? parseCapacity(stdout) : undefined;
}

/** Reads what `stat -f -c '%S %b %f %a %c %d'` prints. */
export function parseCapacity(stdout: string): Capacity | undefined {
  const [block, total, free, available, files, filesFree] = stdout.trim().split(' ').map(Number);
  if (!block || !total || free === undefined || available === undefined) return undefined;
  const usedBytes = (total - free) * block;
  const usable = usedBytes + available * block;
  return {
    sizeBytes: total * block,
    usedBytes,
    availableBytes: available * block,
    usePercent: usable > 0 ? Math.min(100, Math.ceil((100 * usedBytes) / usable)) : 0,
    ...(files && filesFree !== undefined ? { fileCount: files - filesFree } : {}),
  };
}
