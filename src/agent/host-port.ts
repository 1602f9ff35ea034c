// The agent's only way to touch a machine: commands, files, raw device reads. The real adapter runs
// commands in the host's mount namespace; the simulated hosts answer the same calls from memory.

export interface HostCommand {
  /** Program and arguments, never a shell line: `['mdadm', '--create', '/dev/md/pool1', …]`. */
  readonly argv: readonly string[];
  /** Killed (SIGKILL to the process itself) after this long. Only probes carry one. */
  readonly timeoutMilliseconds?: number;
  /** Written to standard input; without it standard input is closed (`</dev/null`). */
  readonly input?: string;
}

export interface CommandResult {
  /** 0–255, or 128 + signal number when the process was killed; 127 when the program is missing. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly startedAt: number;
  readonly durationMilliseconds: number;
  /** True when `timeoutMilliseconds` ended it. */
  readonly timedOut: boolean;
}

export interface HostPort {
  readonly nodeName: string;
  /**
   * Never rejects: a failure is a result. When the signal aborts, the process is killed, and the
   * promise resolves (exit code 137) only once it is really gone, so that cleaning up after it can't
   * race with it. A process in uninterruptible sleep therefore keeps it pending.
   */
  run(command: HostCommand, options?: { signal?: AbortSignal }): Promise<CommandResult>;
  /**
   * The file's text, or undefined when there is none: no regular file of a sane size. Also for /proc
   * and /sys; elsewhere links are not followed.
   */
  readFile(path: string): Promise<string | undefined>;
  /** Replaces the file atomically and makes it durable (fsync) before resolving. */
  writeFile(path: string, content: string, options?: { mode?: number }): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** Like `mkdir -p`. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, or undefined when there is none. */
  listDirectory(path: string): Promise<string[] | undefined>;
  /**
   * Whether a range of a block device holds nothing but zeros: an unbuffered (O_DIRECT) read under
   * O_EXCL and flock. What comes after the first byte that is not zero need not be read.
   * Rejects with a `code` of EIO (also where the device ends too early; `failedAtBytes` is about
   * where), EBUSY (in use by the kernel) or ENOENT.
   */
  isZero(path: string, offsetBytes: number, lengthBytes: number): Promise<boolean>;
}
