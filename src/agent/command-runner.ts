// Runs commands on the host. Probes are quick, have a deadline and leave no trace; commands that
// change something are written into the journal before and after, with their output.
import type { CommandRecord } from '../api/command-record.ts';
import type { Clock } from '../runtime/clock.ts';
import { formatTime } from '../runtime/clock.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import type { CommandResult, HostPort } from './host-port.ts';
import type { Journal, JournalEntry, Owner } from './journal.ts';
import { MASK, redact, renderTerminal, tailOf } from './redaction.ts';

const PROBE_TIMEOUT_MILLISECONDS = 20_000;
const MESSAGE_TAIL_LENGTH = 400;
/** A process that can be killed is gone by then. */
const LEFT_BEHIND_MILLISECONDS = 5000;
const EXIT_KILLED = 137;

/** A command that changes nothing. Killed after 20 seconds. */
export function probe(host: HostPort, ...argv: string[]): Promise<CommandResult> {
  return host.run({ argv, timeoutMilliseconds: PROBE_TIMEOUT_MILLISECONDS });
}

/** A command failed; the message has its line, its exit code and the end of what it said. */
export class CommandFailed extends PoolkeeperError {
  readonly exitCode: number;
  /** The end of what it said, without secrets. */
  readonly output: string;

  constructor(line: string, exitCode: number, output: string) {
    const tail = output.trim().slice(-MESSAGE_TAIL_LENGTH);
    super('CommandFailed', `\`${line}\` failed with exit code ${exitCode}: ${tail || 'no output'}`);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
    this.output = tail;
  }
}

export interface RecordedCommand {
  readonly argv: readonly string[];
  readonly input?: string;
  readonly timeoutMilliseconds?: number;
  /**
   * For what may sleep so deep in the kernel that not even its deadline's SIGKILL ends it: nobody waits
   * much longer than that, and the process is left behind.
   */
  readonly mayBeLeftBehind?: boolean;
  /** What to write down with the intent, in the same write. */
  readonly before?: Partial<JournalEntry>;
  /** What to write down with a success, in the same write. */
  readonly after?: Partial<JournalEntry>;
  /** Exit codes besides 0 that are as good. */
  readonly accepts?: readonly number[];
}

export interface RunnerOptions {
  readonly host: HostPort;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly owner: Owner;
  readonly signal: AbortSignal;
  /** Values that must never be seen. */
  readonly secrets?: readonly string[];
}

export class CommandRunner {
  readonly host: HostPort;
  readonly #options: RunnerOptions;
  #secrets: readonly string[];

  constructor(options: RunnerOptions) {
    this.host = options.host;
    this.#options = options;
    this.#secrets = options.secrets ?? [];
  }

  /** From now on these values are seen neither in command lines nor in outputs. */
  conceal(values: readonly string[]): void {
    this.#secrets = [...this.#secrets, ...values];
  }

  /** In an argument of its own also a secret too short to be looked for in texts. */
  #hide(argument: string): string {
    return this.#secrets.includes(argument) && argument !== '' ? MASK : this.redact(argument);
  }

  /** A text without the concealed values. */
  redact(text: string): string {
    return redact(text, this.#secrets);
  }

  /** Intent to the journal, run, outcome to the journal. Throws CommandFailed on a failure. */
  async run(command: RecordedCommand): Promise<CommandResult> {
    const { journal, owner, clock, signal } = this.#options;
    signal.throwIfAborted();
    const line = command.argv.map((argument) => quote(this.#hide(argument))).join(' ');
    const startedAt = formatTime(clock.now());
    const running: CommandRecord = {
      command: line,
      state: 'Running',
      startedAt,
      node: this.host.nodeName,
    };
    const earlier = journal.get(owner.uid)?.records ?? [];
    await journal.update(owner, { ...command.before, records: [...earlier, running] });
    const result = await this.#execute(command);
    const note = result.timedOut ? `It was killed after ${timeoutSeconds(command)} seconds.\n` : '';
    const said = renderTerminal(this.redact(`${result.stdout}${result.stderr}${note}`));
    const { output, truncated } = tailOf(said);
    const isGood = result.exitCode === 0 || command.accepts?.includes(result.exitCode) === true;
    const ended: CommandRecord = {
      ...running,
      state: isGood ? 'Succeeded' : 'Failed',
      exitCode: result.exitCode,
      durationSeconds: Math.round(result.durationMilliseconds / 10) / 100,
      ...(output && { output }),
      ...(truncated && { truncated }),
    };
    await journal.update(owner, {
      ...(isGood && command.after),
      records: [...earlier, ended],
    });
    signal.throwIfAborted();
    if (!isGood) throw new CommandFailed(line, result.exitCode, said);
    return result;
  }

  #execute(command: RecordedCommand): Promise<CommandResult> {
    const { clock, signal } = this.#options;
    const { argv, input, timeoutMilliseconds } = command;
    const given = {
      argv,
      ...(input !== undefined && { input }),
      ...(timeoutMilliseconds !== undefined && { timeoutMilliseconds }),
    };
    const running = this.host.run(given, { signal });
    if (!command.mayBeLeftBehind || timeoutMilliseconds === undefined) return running;
    const startedAt = clock.now();
    return new Promise((resolve) => {
      const durationMilliseconds = timeoutMilliseconds + LEFT_BEHIND_MILLISECONDS;
      const cancel = clock.schedule(durationMilliseconds, () =>
        resolve({
          exitCode: EXIT_KILLED,
          stdout: '',
          stderr: 'It does not end although it was killed, and is left behind.\n',
          startedAt,
          durationMilliseconds,
          timedOut: true,
        }),
      );
      void running.then((result) => {
        cancel();
        resolve(result);
      });
    });
  }
}

function timeoutSeconds({ timeoutMilliseconds = 0 }: RecordedCommand): number {
  return Math.round(timeoutMilliseconds / 1000);
}

/** As one would type it; for reading only, nothing is ever given to a shell. */
function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
