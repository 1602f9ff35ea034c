// The small programs: directories, flags, files, modules, udev.
import { DeviceError } from '../sparse-bytes.ts';
import { readVirtual } from '../virtual-files.ts';
import { type Program, type ProgramCall, parseArguments } from './program.ts';

const reasons: Record<DeviceError['code'], string> = {
  EIO: 'Input/output error',
  EBUSY: 'Device or resource busy',
  ENOENT: 'No such file or directory',
  EPERM: 'Operation not permitted',
  ENOTDIR: 'Not a directory',
  EEXIST: 'File exists',
  EROFS: 'Read-only file system',
};

function attempt(call: ProgramCall, subject: string, action: () => void): number {
  try {
    action();
    return 0;
  } catch (thrown) {
    const why = thrown instanceof DeviceError ? reasons[thrown.code] : String(thrown);
    call.err(`${call.program}: ${subject}: ${why}\n`);
    return 1;
  }
}

export const mkdir: Program = async (call) => {
  const { flags, operands } = parseArguments(call.arguments, ['-m']);
  await call.work(2);
  for (const path of operands) {
    const place = call.machine.locate(path);
    if (place.tree.exists(place.path) && !flags.has('-p')) {
      call.err(`mkdir: cannot create directory '${path}': File exists\n`);
      return 1;
    }
    const failed = attempt(call, `cannot create directory '${path}'`, () =>
      place.tree.makeDirectory(place.path),
    );
    if (failed) return failed;
  }
  return 0;
};

export const rmdir: Program = async (call) => {
  await call.work(2);
  const path = parseArguments(call.arguments).operands[0] ?? '';
  const place = call.machine.locate(path);
  const names = place.tree.list(place.path);
  const refuse = (why: string): number => {
    call.err(`rmdir: failed to remove '${path}': ${why}\n`);
    return 1;
  };
  if (!names) return refuse('No such file or directory');
  if (call.machine.mountAt(path)) return refuse('Device or resource busy');
  if (names.length > 0) return refuse('Directory not empty');
  return attempt(call, `failed to remove '${path}'`, () => place.tree.removeDirectory(place.path));
};

export const chattr: Program = async (call) => {
  await call.work(2);
  const [mode = '', path = ''] = call.arguments;
  const place = call.machine.locate(path);
  if (!place.tree.exists(place.path)) {
    call.err(`chattr: No such file or directory while trying to stat ${path}\n`);
    return 1;
  }
  place.tree.setImmutable(place.path, mode === '+i');
  return 0;
};

export const lsattr: Program = async (call) => {
  await call.work(2);
  const path = parseArguments(call.arguments).operands[0] ?? '';
  const place = call.machine.locate(path);
  if (!place.tree.exists(place.path)) {
    call.err(`lsattr: No such file or directory while trying to stat ${path}\n`);
    return 1;
  }
  const flag = place.tree.immutable.has(place.path) ? 'i' : '-';
  call.out(`----${flag}---------e------- ${path}\n`);
  return 0;
};

export const cat: Program = async (call) => {
  await call.work(2);
  const path = call.arguments[0] ?? '';
  const text = textOf(call, path);
  if (text === undefined) {
    call.err(`cat: ${path}: No such file or directory\n`);
    return 1;
  }
  call.out(text);
  return 0;
};

function textOf({ machine }: Parameters<Program>[0], path: string): string | undefined {
  const place = machine.locate(path);
  return readVirtual(machine, path) ?? place.tree.files.get(place.path);
}

/** readlink -e: the path without symbolic links, if it leads somewhere; -f: of devices, one per line. */
export const readlink: Program = async (call) => {
  await call.work(2);
  const { flags, operands } = parseArguments(call.arguments);
  if (flags.has('-f')) {
    for (const path of operands) call.out(`${call.machine.blocks.resolve(path)?.path ?? path}\n`);
    return 0;
  }
  const given = operands[0] ?? '';
  const path = call.machine.links.get(given) ?? given;
  const place = call.machine.locate(path);
  if (!place.tree.exists(place.path)) {
    if (flags.has('-ev')) call.err(`readlink: ${given}: No such file or directory\n`);
    return 1;
  }
  call.out(`${path}\n`);
  return 0;
};

/** fuser -v -m: who uses the filesystem mounted at a path. Only the numbers go to standard output. */
export const fuser: Program = async (call) => {
  await call.work(5);
  const path = parseArguments(call.arguments).operands[0] ?? '';
  if (!call.machine.busyTargets.has(path)) return 1;
  call.err('                     USER        PID ACCESS COMMAND\n');
  call.err(`${path}:            root       4242 ..c.. bash\n`);
  return 0;
};

export const rm: Program = async (call) => {
  await call.work(2);
  const path = parseArguments(call.arguments).operands[0] ?? '';
  const place = call.machine.locate(path);
  if (place.mount?.options.includes('ro')) {
    call.err(`rm: cannot remove '${path}': Read-only file system\n`);
    return 1;
  }
  return attempt(call, `cannot remove '${path}'`, () => place.tree.remove(place.path));
};

export const modprobe: Program = async (call) => {
  await call.work(5);
  const module = parseArguments(call.arguments).operands[0] ?? '';
  if (!call.machine.missingModules.has(module)) return 0;
  call.err(
    `modprobe: FATAL: Module ${module} not found in directory /lib/modules/6.1.0-32-amd64\n`,
  );
  return 1;
};

export const sync: Program = async (call) => {
  await call.work(20);
  return 0;
};

export const udevadm: Program = async (call) => {
  await call.work(call.arguments[0] === 'settle' ? 20 : 5);
  if (call.arguments.includes('--version')) call.out('252\n');
  return 0;
};

/** A program of which only the version is ever asked. */
export function versionOnly(line: string): Program {
  return async (call) => {
    await call.work(5);
    call.out(`${line}\n`);
    return 0;
  };
}

/** lsns -J -t mnt -o PID,COMMAND: one process of each mount namespace. */
export const lsns: Program = async (call) => {
  await call.work(10);
  const foreign = new Set(call.machine.foreignMounts.map(({ processId }) => processId));
  const namespaces = [
    { pid: 1, command: '/sbin/init' },
    ...[...foreign].map((pid) => ({ pid, command: '/usr/bin/some-daemon' })),
  ];
  call.out(`${JSON.stringify({ namespaces }, null, 3)}\n`);
  return 0;
};

const DD_UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2 };

/**
 * dd from /dev/zero onto a device, or from a file to its output. As the real one it asks nobody whether
 * the device is in use.
 */
export const dd: Program = async (call) => {
  const values = new Map(call.arguments.map((one) => one.split('=') as [string, string]));
  if (!values.has('of')) return readOut(call, values.get('if') ?? '');
  const path = values.get('of') ?? '';
  const node = call.machine.blocks.resolve(path);
  if (!node || values.get('if') !== '/dev/zero') {
    call.err(`dd: failed to open '${path}': No such file or directory\n`);
    return 1;
  }
  const size = values.get('bs') ?? '512';
  const blockBytes = Number.parseInt(size, 10) * (DD_UNITS[size.at(-1) ?? ''] ?? 1);
  const inBytes = values.get('oflag')?.includes('seek_bytes') === true;
  const seek = Number(values.get('seek') ?? 0) * (inBytes ? 1 : blockBytes);
  const countsBytes = values.get('iflag')?.includes('count_bytes') === true;
  const length = Number(values.get('count') ?? 0) * (countsBytes ? 1 : blockBytes);
  await call.work(20);
  const failed = attempt(call, `error writing '${path}'`, () => node.content.zero(seek, length));
  if (!failed) call.err(`${length} bytes copied\n`);
  return failed;
};

async function readOut(call: Parameters<Program>[0], path: string): Promise<number> {
  await call.work(2);
  const text = textOf(call, path);
  if (text === undefined) {
    call.err(`dd: failed to open '${path}': No such file or directory\n`);
    return 1;
  }
  call.out(text);
  return 0;
}

export const dmesg: Program = async (call) => {
  await call.work(2);
  for (const line of call.machine.kernelLog) call.out(`${line}\n`);
  return 0;
};
