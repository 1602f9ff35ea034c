// The host port onto the real machine below the agent's container.
//
// Commands run in the host's mount and network namespaces (`nsenter -t 1 -m -n`, unless the agent is in
// them itself): they see the host's /dev, udev and mounts, resolve names as the host does and reach its
// iscsid; and a network mount belongs to the host's network, not to that of a pod that may go. Never
// with -p: nsenter would fork, and killing it would leave the command running.
// Files are reached through /proc/1/root, devices are read by children, never by this process: a
// read that hangs must not take one of the four threads that Node has for files and names.
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { constants, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { CommandResult, HostCommand, HostPort } from './host-port.ts';

export interface LinuxHostOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  /**
   * Program and arguments put before every command. Default: nsenter into the host's mount
   * and network namespaces; nothing when the agent is in both, as a service of the host.
   */
  readonly enter?: readonly string[];
  /** Where the host's root directory is seen. Default `/proc/1/root`. */
  readonly rootDirectory?: string;
}

/** More than any tool says; a runaway one must not fill the agent's memory. */
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
/** More than any file has that is read here. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const EXIT_MISSING = 127;
const READ_TIMEOUT_MILLISECONDS = 30_000;
const READ_BYTES = 1024 * 1024;
/** For each of these bytes: a disk that takes longer is as good as broken. */
const SLOW_READ_MILLISECONDS = 250;
const LOCK_SECONDS = 5;

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

export function createLinuxHost(options: LinuxHostOptions): HostPort {
  return new LinuxHost(options);
}

class LinuxHost implements HostPort {
  readonly nodeName: string;
  readonly #clock: Clock;
  readonly #enter: readonly string[];
  readonly #root: string;

  constructor(options: LinuxHostOptions) {
    this.nodeName = options.nodeName;
    this.#clock = options.clock;
    this.#enter = options.enter ?? enterHost();
    this.#root = options.rootDirectory ?? '/proc/1/root';
  }

  async run(command: HostCommand, options?: { signal?: AbortSignal }): Promise<CommandResult> {
    return await this.#spawn(command, options?.signal);
  }

  #spawn(
    command: HostCommand,
    signal: AbortSignal | undefined,
    stdout: OutputSink = new OutputBuffer(),
  ): Promise<CommandResult> {
    const startedAt = this.#clock.now();
    const startedMonotonic = this.#clock.monotonic();
    const [program = '', ...rest] = [...this.#enter, ...command.argv];
    return new Promise((resolve) => {
      // A closed standard input makes tools that would ask refuse instead.
      const child = spawn(program, rest, {
        stdio: [command.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        // A process group of its own, to be killed whole: mount and its like leave the work to others.
        detached: true,
        env: { PATH: '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      });
      const stderr = new OutputBuffer();
      let timedOut = false;
      const kill = (): void => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended meanwhile.
        }
      };
      const cancelTimeout =
        command.timeoutMilliseconds === undefined
          ? undefined
          : this.#clock.schedule(command.timeoutMilliseconds, () => {
              timedOut = true;
              kill();
            });
      const finish = (exitCode: number, note = ''): void => {
        cancelTimeout?.();
        signal?.removeEventListener('abort', kill);
        resolve({
          exitCode,
          stdout: stdout.text(),
          stderr: stderr.text() + note,
          startedAt,
          durationMilliseconds: this.#clock.monotonic() - startedMonotonic,
          timedOut,
        });
      };
      child.stdout?.on('data', (chunk: Buffer) => {
        if (!stdout.add(chunk)) kill();
      });
      child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
      child.on('error', (error) => finish(EXIT_MISSING, `${error.message}\n`));
      child.on('close', (code, endedBy) =>
        finish(code ?? 128 + (signalNumbers[endedBy ?? ''] ?? 0)),
      );
      // A tool that ends without reading its input closes the pipe; that is its business.
      child.stdin?.on('error', () => {});
      if (command.input !== undefined) child.stdin?.end(command.input);
      if (signal?.aborted) kill();
      signal?.addEventListener('abort', kill, { once: true });
    });
  }

  #at(path: string): string {
    // The kernel's own files are the same from everywhere, and /proc/1/root/proc is one detour more.
    return isKernelFile(path) ? path : join(this.#root, path);
  }

  /**
   * Whoever may write into a volume decides what lies there under the marker's name: a link to a file
   * or a device of the host, a pipe that nobody feeds, more than memory holds. None of these is opened
   * or waited for.
   */
  async readFile(path: string): Promise<string | undefined> {
    const wary = constants.O_NOFOLLOW | constants.O_NONBLOCK;
    try {
      const flags = constants.O_RDONLY | (isKernelFile(path) ? 0 : wary);
      const file = await open(this.#at(path), flags);
      try {
        const about = await file.stat();
        if (!about.isFile() || about.size > FILE_BYTES_MAX) return undefined;
        return await file.readFile('utf8');
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /** Never through a link that somebody left under the temporary name. */
  async writeFile(path: string, content: string, options?: { mode?: number }): Promise<void> {
    const target = this.#at(path);
    const temporary = `${target}.new`;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await rm(temporary, { force: true });
    const file = await open(temporary, flags, options?.mode ?? 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await this.#syncDirectory(dirname(target));
  }

  /** The new name is durable only when the directory is. */
  async #syncDirectory(path: string): Promise<void> {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async removeFile(path: string): Promise<void> {
    await rm(this.#at(path), { force: true });
    await this.#syncDirectory(dirname(this.#at(path))).catch(() => {});
  }

  async makeDirectory(path: string): Promise<void> {
    await mkdir(this.#at(path), { recursive: true });
  }

  async listDirectory(path: string): Promise<string[] | undefined> {
    try {
      return await readdir(this.#at(path));
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /**
   * A child reads, under the lock that udev and systemd respect; only a device that answered is then
   * opened here, exclusively, which the kernel refuses while anything uses it.
   */
  async isZero(path: string, offsetBytes: number, lengthBytes: number): Promise<boolean> {
    const kernelName = path.split('/').at(-1) ?? '';
    // flock would create a file where there is no device.
    if ((await this.listDirectory(`/sys/class/block/${kernelName}`)) === undefined)
      throw deviceError('No such device', path);
    const lock = ['flock', '--no-fork', '--exclusive', '--wait', String(LOCK_SECONDS), path];
    const argv = [
      ...lock,
      'dd',
      `if=${path}`,
      `bs=${READ_BYTES}`,
      'iflag=direct,skip_bytes,count_bytes,fullblock',
      `skip=${offsetBytes}`,
      `count=${lengthBytes}`,
      'status=none',
    ];
    const timeoutMilliseconds =
      READ_TIMEOUT_MILLISECONDS + (lengthBytes / READ_BYTES) * SLOW_READ_MILLISECONDS;
    const read = new ZeroCheck();
    const { exitCode, stderr } = await this.#spawn({ argv, timeoutMilliseconds }, undefined, read);
    const isRead = exitCode === 0 && read.sizeBytes === lengthBytes;
    if (!read.foundData && !isRead)
      throw deviceError(stderr || 'It ends too early', path, offsetBytes + read.sizeBytes);
    const flags = constants.O_RDONLY | constants.O_EXCL | constants.O_NONBLOCK;
    const device = await open(this.#at(path), flags).catch((error: NodeJS.ErrnoException) => {
      throw deviceError(error.code === 'EBUSY' ? 'busy' : error.message, path);
    });
    await device.close();
    return !read.foundData;
  }
}

/** Into those of the host's namespaces that the agent is not in anyway. */
function enterHost(): string[] {
  const flags = [...(isElsewhere('mnt') ? ['-m'] : []), ...(isElsewhere('net') ? ['-n'] : [])];
  return flags.length > 0 ? ['nsenter', '-t', '1', ...flags, '--'] : [];
}

/** A kernel without a kind of namespace has only one; what can't be looked at is another's. */
function isElsewhere(kind: 'mnt' | 'net'): boolean {
  try {
    return readlinkSync(`/proc/self/ns/${kind}`) !== readlinkSync(`/proc/1/ns/${kind}`);
  } catch (error) {
    return (error as { code?: string }).code !== 'ENOENT';
  }
}

/** Takes a child's output; false: it need not go on. */
interface OutputSink {
  add(chunk: Buffer): boolean;
  text(): string;
}

/** Keeps what fits and forgets the rest: the limit is far beyond what a tool has to say. */
class OutputBuffer implements OutputSink {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  add(chunk: Buffer): boolean {
    if (this.#size >= OUTPUT_BYTES_MAX) return true;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    return true;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(0, OUTPUT_BYTES_MAX).toString('utf8');
  }
}

const zeros = Buffer.alloc(READ_BYTES);

/** Compares what is read with zeros while it comes, and keeps none of it. */
class ZeroCheck implements OutputSink {
  sizeBytes = 0;
  foundData = false;

  add(chunk: Buffer): boolean {
    this.sizeBytes += chunk.length;
    for (let at = 0; at < chunk.length && !this.foundData; at += zeros.length) {
      const part = chunk.subarray(at, at + zeros.length);
      this.foundData = !zeros.subarray(0, part.length).equals(part);
    }
    return !this.foundData;
  }

  text(): string {
    return '';
  }
}

function isKernelFile(path: string): boolean {
  return /^\/(proc|sys)\//.test(path);
}

/**
 * ELOOP: a link where none may be; ENXIO: a pipe or socket with nobody at its other end; EACCES, to
 * root: a device on a filesystem mounted with nodev.
 */
const ABSENCES = new Set(['ENOENT', 'ENOTDIR', 'ENODEV', 'EINVAL', 'ELOOP', 'ENXIO', 'EACCES']);

function isAbsence(error: unknown): boolean {
  return ABSENCES.has((error as { code?: string }).code ?? '');
}

function deviceError(stderr: string, path: string, failedAtBytes?: number): Error {
  const code = /busy/i.test(stderr) ? 'EBUSY' : /No such/i.test(stderr) ? 'ENOENT' : 'EIO';
  return Object.assign(new Error(`${code}: ${path}: ${stderr.trim()}`), { code, failedAtBytes });
}
