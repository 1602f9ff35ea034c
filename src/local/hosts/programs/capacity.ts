// stat -f and df: how full a filesystem is. On a dead NFS server they hang, killably.
import { filesystemBytes } from '../filesystem-content.ts';
import type { Machine, Mount } from '../machine.ts';
import { type Program, type ProgramCall, parseArguments } from './program.ts';

const BLOCK_BYTES = 4096;
const BYTES_PER_INODE = 16384;

interface Capacity {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly files: number;
  readonly filesUsed: number;
}

async function measure(call: ProgramCall, path: string): Promise<Capacity | 'stale' | undefined> {
  const { machine } = call;
  const place = machine.locate(path);
  if (!place.tree.exists(place.path)) return undefined;
  const mount = place.mount ?? machine.mountAt('/');
  if (!mount) return undefined;
  const silent = (): boolean => isSilent(machine, mount);
  // The client of a "hard" mount waits for its server for ever.
  while (silent()) await call.work(3_600_000);
  if (mount.isNetwork) {
    const share = machine.network.findShare(mount);
    const { exported } = machine.network.findNfs(mount.source);
    if (mount.generation !== undefined && exported?.generation !== mount.generation) return 'stale';
    const used = (share?.usedBytes ?? 0) + mount.tree.usedBytes();
    return { totalBytes: share?.sizeBytes ?? 0, usedBytes: used, files: 0, filesUsed: 0 };
  }
  return measureDevice(machine, mount);
}

function isSilent(machine: Machine, mount: Mount): boolean {
  if (mount.isNetwork) return machine.network.findShare(mount)?.state !== 'up';
  const node = machine.blocks.nodes().find(({ kernelName }) => kernelName === mount.kernelName);
  return node?.disk?.isSilent() === true;
}

function measureDevice(machine: Machine, mount: Mount): Capacity {
  const node = machine.blocks.nodes().find(({ kernelName }) => kernelName === mount.kernelName);
  const size = (node && filesystemBytes(node.content)) || (node?.sizeBytes ?? 0);
  const overhead = Math.floor((size * 0.016) / BLOCK_BYTES) * BLOCK_BYTES;
  return {
    totalBytes: size - overhead,
    usedBytes: 24 * 1024 + mount.tree.usedBytes(),
    files: Math.floor(size / BYTES_PER_INODE),
    filesUsed: 11 + mount.tree.files.size,
  };
}

export const stat: Program = async (call) => {
  const { flags, values, operands } = parseArguments(call.arguments, ['-c', '--format']);
  const path = operands[0] ?? '';
  await call.work(5);
  if (!flags.has('-f')) return statFile(call, path);
  const capacity = await measure(call, path);
  if (!capacity || capacity === 'stale') {
    const why = capacity ? 'Stale file handle' : 'No such file or directory';
    call.err(`stat: cannot read file system information for '${path}': ${why}\n`);
    return 1;
  }
  const free = Math.floor((capacity.totalBytes - capacity.usedBytes) / BLOCK_BYTES);
  const fields: Record<string, number> = {
    S: BLOCK_BYTES,
    s: BLOCK_BYTES,
    b: Math.floor(capacity.totalBytes / BLOCK_BYTES),
    f: free,
    a: Math.floor(free * 0.95),
    c: capacity.files,
    d: capacity.files - capacity.filesUsed,
  };
  const format = values.get('-c') ?? values.get('--format') ?? '%S %b %f %a %c %d';
  call.out(
    `${format.replaceAll(/%(\w)/g, (_, letter: string) => String(fields[letter] ?? '?'))}\n`,
  );
  return 0;
};

/** stat -c %F: what kind of file a path leads to. */
function statFile(call: ProgramCall, given: string): number {
  const path = call.machine.links.get(given) ?? given;
  const { tree, path: within } = call.machine.locate(path);
  if (!tree.exists(within)) {
    call.err(`stat: cannot statx '${given}': No such file or directory\n`);
    return 1;
  }
  call.out(tree.directories.has(within) ? 'directory\n' : 'regular file\n');
  return 0;
}

export const df: Program = async (call) => {
  const { operands } = parseArguments(call.arguments, ['-t']);
  const path = operands[0] ?? '/';
  await call.work(5);
  const capacity = await measure(call, path);
  if (!capacity || capacity === 'stale') {
    call.err(`df: ${path}: No such file or directory\n`);
    return 1;
  }
  const mount = call.machine.locate(path).mount ?? call.machine.mountAt('/');
  const { totalBytes, usedBytes } = capacity;
  const percent = Math.ceil((100 * usedBytes) / Math.max(1, totalBytes));
  call.out('Filesystem     1B-blocks      Used Available Use% Mounted on\n');
  call.out(`${mount?.source} ${totalBytes} ${usedBytes} ${totalBytes - usedBytes} ${percent}% `);
  call.out(`${mount?.target}\n`);
  return 0;
};
