// Steps run in the background, one per NodeMount at a time, so that an hour of formatting holds up
// neither the others nor the heartbeat. A job can be aborted; it ends when its process is gone.
import type { Step } from '../plan/node-mount-step.ts';

export interface Job {
  readonly step: Step;
  readonly isCleanup: boolean;
  readonly startedAtMilliseconds: number;
  /** When it was first told to end; a process in uninterruptible sleep doesn't. */
  readonly abortedAtMilliseconds: number | undefined;
  abort(nowMilliseconds: number): void;
}

export interface JobOutcome {
  readonly step: Step;
  readonly isCleanup: boolean;
  /** Absent after a success. */
  readonly error?: unknown;
  readonly aborted: boolean;
}

interface RunningJob extends Job {
  readonly done: Promise<void>;
}

export class Jobs {
  readonly #running = new Map<string, RunningJob>();
  readonly #outcomes = new Map<string, JobOutcome>();

  get(uid: string): Job | undefined {
    return this.#running.get(uid);
  }

  /** Whether another NodeMount's job is creating an array just now. */
  isCreatingElsewhere(uid: string): boolean {
    return [...this.#running].some(
      ([other, { step }]) => other !== uid && step.type === 'createArray',
    );
  }

  start(
    uid: string,
    job: { step: Step; isCleanup: boolean; startedAtMilliseconds: number },
    options: { run: (signal: AbortSignal) => Promise<void>; ended: () => void },
  ): void {
    const controller = new AbortController();
    const done = this.#run(uid, job, { ...options, controller });
    const running = {
      ...job,
      abortedAtMilliseconds: undefined as number | undefined,
      abort(nowMilliseconds: number): void {
        running.abortedAtMilliseconds ??= nowMilliseconds;
        controller.abort();
      },
      done,
    };
    this.#running.set(uid, running);
  }

  async #run(
    uid: string,
    { step, isCleanup }: { step: Step; isCleanup: boolean },
    options: {
      run: (signal: AbortSignal) => Promise<void>;
      ended: () => void;
      controller: AbortController;
    },
  ): Promise<void> {
    let outcome: JobOutcome = { step, isCleanup, aborted: false };
    try {
      // The job is registered before its first action, whatever that does.
      await Promise.resolve();
      await options.run(options.controller.signal);
    } catch (error) {
      outcome = { ...outcome, error, aborted: options.controller.signal.aborted };
    }
    this.#outcomes.set(uid, outcome);
    this.#running.delete(uid);
    options.ended();
  }

  /** What came of the last job. */
  peekOutcome(uid: string): JobOutcome | undefined {
    return this.#outcomes.get(uid);
  }

  /** The same, asked once. */
  takeOutcome(uid: string): JobOutcome | undefined {
    const outcome = this.#outcomes.get(uid);
    this.#outcomes.delete(uid);
    return outcome;
  }

  forget(uid: string): void {
    this.#running.get(uid)?.abort(0);
    this.#outcomes.delete(uid);
  }

  /** Kills what runs and waits until it is gone. What it leaves is sorted out at the next start. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const job of running) job.abort(0);
    await Promise.all(running.map(({ done }) => done));
  }
}
