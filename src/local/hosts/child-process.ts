// One running program on a simulated machine: its stages, its output, and how it may be ended.
import { sleep } from '../../runtime/clock.ts';
import type { Machine } from './machine.ts';
import type { Program } from './programs/program.ts';

const EXIT_KILLED = 137;

export interface ChildOptions {
  readonly machine: Machine;
  readonly argv: readonly string[];
  readonly input?: string | undefined;
  /** Called when a stage ends, with the number of stages so far. */
  readonly onStage?: (stages: number) => void;
}

export class ChildProcess {
  readonly finished: Promise<number>;
  stdout = '';
  stderr = '';
  readonly #options: ChildOptions;
  readonly #aborted = new AbortController();
  #end!: (exitCode: number) => void;
  #stages = 0;

  constructor(options: ChildOptions, program: Program) {
    this.#options = options;
    this.finished = new Promise((resolve) => {
      this.#end = resolve;
    });
    void this.#start(program);
  }

  async #start(program: Program): Promise<void> {
    const { machine, argv, input } = this.#options;
    const call = {
      machine,
      program: argv[0]!,
      arguments: argv.slice(1),
      input,
      work: (milliseconds: number) => this.#work(milliseconds),
      out: (text: string) => {
        this.stdout += text;
      },
      err: (text: string) => {
        this.stderr += text;
      },
    };
    try {
      this.#end(await program(call));
    } catch (thrown) {
      this.stderr += `${argv[0]}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`;
      this.#end(1);
    }
  }

  async #work(milliseconds: number): Promise<void> {
    const { machine, onStage } = this.#options;
    const delay = milliseconds / machine.speed;
    // Also without a delay the other side gets a turn, as between two real processes.
    await Promise.resolve();
    if (delay > 0)
      await sleep(machine.runtime.clock, delay, this.#aborted.signal).catch(() => undefined);
    this.#stages++;
    onStage?.(this.#stages);
    // A killed program does nothing more: its next step never comes.
    if (this.#aborted.signal.aborted) await new Promise<never>(() => {});
  }

  /** SIGKILL. What the program has done so far stays done. */
  kill(): void {
    this.#aborted.abort();
    this.#end(EXIT_KILLED);
  }
}
