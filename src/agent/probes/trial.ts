// Mounts an export for a moment: read-only, in a place of its own, to see that this node may and how
// full it is. Everything that could hang is a child process; while one hangs, nothing else is tried.

import type { FailingTool } from '../../plan/mount-failures.ts';
import { meaningOf } from '../../plan/mount-failures.ts';
import type { Probed, ProbeFailure } from '../../plan/probe-observation.ts';
import { mountFailureCode, type TrialMount } from '../../plan/storage-backend-mounts.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { CommandResult, HostPort } from '../host-port.ts';
import { kernelLines, kernelSubjects, linesSince } from '../kernel-log.ts';
import { keyFilePath, writeKeyFile } from '../key-files.ts';
import type { MountProber } from '../mount-prober.ts';
import { hostMounts } from '../mounts.ts';
import { redact } from '../redaction.ts';

export interface TrialOptions {
  readonly host: HostPort;
  readonly clock: Clock;
  readonly prober: MountProber;
  /** The directory below which trials are mounted. */
  readonly root: string;
  readonly uid: string;
  readonly mount: TrialMount;
  /** The content of the file that mount reads the key from. */
  readonly key?: string | undefined;
  /** Whether files are counted one by one where the server does not tell how many there are. */
  readonly countsFiles: boolean;
  readonly timeoutMilliseconds: number;
  readonly secrets: readonly string[];
  /** Trials whose commands can't even be killed: until those end, no other is begun. */
  readonly stuck: Set<string>;
}

const UNMOUNT_MILLISECONDS = 10_000;
const WALK_MILLISECONDS = 3_000;
/** As many bytes as the host keeps of a command's output: one for each file. */
const WALK_FILES_MAX = 4_000_000;
const WORDS_MAX = 300;

/** The observation with what the trial adds to it. */
export async function tryMount(seen: Probed, options: TrialOptions): Promise<Probed> {
  return new Trial(seen, options).run();
}

class Trial {
  readonly #options: TrialOptions;
  readonly #path: string;
  readonly #startedAt: number;
  #seen: Probed;

  constructor(seen: Probed, options: TrialOptions) {
    this.#seen = seen;
    this.#options = options;
    this.#path = `${options.root}/${options.uid}`;
    this.#startedAt = options.clock.monotonic();
  }

  async run(): Promise<Probed> {
    const { host, clock, mount } = this.#options;
    if (this.#options.stuck.has(this.#options.uid))
      return this.#failed('Mount', 'Hangs', 'an earlier trial mount still hangs');
    if (await this.#isMounted()) await this.#unmount();
    if (await this.#isMounted())
      return this.#failed('Mount', 'Hangs', 'an earlier trial mount can not be undone');
    await host.makeDirectory(this.#path);
    const failure = await this.#mount();
    if (failure) {
      // A mount that was killed may have come about all the same.
      if (await this.#isMounted()) await this.#unmount();
      await this.#removeDirectory();
      return this.#with({ outcome: failure });
    }
    const mountedAt = clock.monotonic();
    this.#pass('Mount', `mounted ${mount.source} for a moment`, mountedAt - this.#startedAt);
    await this.#measure(mountedAt);
    await this.#unmount();
    await this.#removeDirectory();
    const { outcome } = this.#seen;
    if (outcome.type === 'succeeded')
      this.#with({
        outcome: { ...outcome, said: `${outcome.said}; ${mount.source} can be mounted` },
      });
    return this.#with({
      totalMilliseconds: this.#seen.totalMilliseconds + mountedAt - this.#startedAt,
    });
  }

  async #mount(): Promise<ProbeFailure | undefined> {
    const { host, mount, key, timeoutMilliseconds, uid } = this.#options;
    const keyFile = keyFilePath(`probe-${uid}`);
    const options = [...mount.options, ...(key === undefined ? [] : [`secretfile=${keyFile}`])];
    if (key !== undefined) await writeKeyFile(host, keyFile, key);
    const argv = [
      'mount',
      '-t',
      mount.filesystem,
      '-o',
      options.join(','),
      mount.source,
      this.#path,
    ];
    const about = kernelSubjects[this.#tool];
    const heard = about ? await kernelLines(host, about) : [];
    const running = host.run({ argv, timeoutMilliseconds });
    const result = await this.#within(running, timeoutMilliseconds + 2000);
    if (key !== undefined) await host.removeFile(keyFile);
    if (result === undefined)
      return { type: 'failed', check: 'Mount', code: 'Hangs', message: 'mounting it hangs' };
    if (result.exitCode === 0) return undefined;
    const kernelSaid = about ? linesSince(heard, await kernelLines(host, about)) : [];
    return this.#explained(result, kernelSaid);
  }

  get #tool(): FailingTool {
    return this.#options.mount.filesystem === 'nfs' ? 'nfs' : 'cephfs';
  }

  #explained(
    { exitCode, stdout, stderr, timedOut }: CommandResult,
    kernelSaid: readonly string[],
  ): ProbeFailure {
    const all = [`${stderr}${stdout}`.trim(), ...kernelSaid].join('; ');
    const said = this.#redacted(all).slice(-WORDS_MAX);
    const words = timedOut
      ? `mount was killed after ${this.#options.timeoutMilliseconds / 1000} s`
      : `mount ended with ${exitCode}: ${said || 'no output'}`;
    const meaning = meaningOf(this.#tool, words);
    const node = this.#options.host.nodeName;
    return {
      type: 'failed',
      check: 'Mount',
      code: mountFailureCode(meaning?.reason ?? 'MountFailed'),
      message: `${node} can't mount it: ${meaning ? `${meaning.message} (${words})` : words}`,
    };
  }

  async #measure(startedAt: number): Promise<void> {
    const { host, prober, clock } = this.#options;
    const answer = await prober.askFilesystem(host, this.#path);
    switch (answer.type) {
      case 'answers': {
        const { capacity } = answer;
        const files = capacity?.fileCount === undefined ? await this.#walk() : undefined;
        this.#seen = {
          ...this.#seen,
          measured: {
            ...(capacity && {
              totalBytes: capacity.sizeBytes,
              usedBytes: capacity.usedBytes,
              availableBytes: capacity.availableBytes,
            }),
            ...(capacity?.fileCount !== undefined && {
              fileCount: capacity.fileCount,
              fileCountTruncated: false,
            }),
            ...files,
          },
        };
        this.#pass('Capacity', 'it tells how full it is', clock.monotonic() - startedAt);
        return;
      }
      case 'silent':
        this.#failed('Capacity', 'Hangs', 'the server took the mount and then fell silent');
        return;
      case 'stale':
        this.#failed(
          'Capacity',
          mountFailureCode('StaleHandle'),
          'the export was removed or made anew while it was mounted',
        );
        return;
      case 'failed':
        this.#failed(
          'Capacity',
          mountFailureCode('MountFailed'),
          `it does not say how full it is: ${this.#redacted(answer.message).slice(-WORDS_MAX)}`,
        );
        return;
      case 'notAsked':
        return;
    }
  }

  /** One by one, for a few seconds: some servers don't tell. */
  async #walk(): Promise<{ fileCount: number; fileCountTruncated: boolean } | undefined> {
    const { host, countsFiles } = this.#options;
    if (!countsFiles) return undefined;
    const argv = ['find', this.#path, '-xdev', '-mindepth', '1', '-printf', '.'];
    const running = host.run({ argv, timeoutMilliseconds: WALK_MILLISECONDS });
    const result = await this.#within(running, WALK_MILLISECONDS + 2000);
    if (result === undefined || (result.exitCode === 127 && !result.timedOut)) return undefined;
    const fileCount = result.stdout.length;
    // What may not be read is not counted either.
    const fileCountTruncated =
      result.timedOut || result.exitCode !== 0 || fileCount >= WALK_FILES_MAX;
    return { fileCount, fileCountTruncated };
  }

  async #unmount(): Promise<void> {
    const { host } = this.#options;
    for (const flags of [[], ['-f'], ['-l']]) {
      const argv = ['umount', ...flags, this.#path];
      const running = host.run({ argv, timeoutMilliseconds: UNMOUNT_MILLISECONDS });
      await this.#within(running, UNMOUNT_MILLISECONDS + 2000);
      if (!(await this.#isMounted())) return;
    }
  }

  async #isMounted(): Promise<boolean> {
    const mounts = await hostMounts(this.#options.host);
    return mounts.some(({ target }) => target === this.#path);
  }

  /** Only a directory that is empty and no mount point goes. */
  async #removeDirectory(): Promise<void> {
    await this.#options.host.run({ argv: ['rmdir', this.#path], timeoutMilliseconds: 5000 });
  }

  /** Undefined when the child can't even be killed: it is left behind. */
  #within(running: Promise<CommandResult>, milliseconds: number) {
    const { clock, stuck, uid } = this.#options;
    return new Promise<CommandResult | undefined>((resolve) => {
      const cancel = clock.schedule(milliseconds, () => {
        stuck.add(uid);
        resolve(undefined);
      });
      void running.then((result) => {
        cancel();
        stuck.delete(uid);
        resolve(result);
      });
    });
  }

  #redacted(text: string): string {
    return redact(text, this.#options.secrets);
  }

  #pass(check: 'Mount' | 'Capacity', message: string, milliseconds: number): void {
    const { passed } = this.#seen;
    this.#seen = { ...this.#seen, passed: [...passed, { check, message, milliseconds }] };
  }

  #failed(check: 'Mount' | 'Capacity', code: string, message: string): Probed {
    return this.#with({ outcome: { type: 'failed', check, code, message } });
  }

  #with(more: Partial<Probed>): Probed {
    this.#seen = { ...this.#seen, ...more };
    return this.#seen;
  }
}
