// Steps that fail: how often, why, and when they are tried again. What fails is remembered until it
// succeeds or nobody wants it any more; other steps go on meanwhile.
import type { NodeMountPlan, Step } from '../plan/node-mount-step.ts';
import type { Clock } from '../runtime/clock.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import type { JobOutcome } from './jobs.ts';

export interface Attempt {
  readonly step: Step['type'];
  readonly isCleanup: boolean;
  readonly count: number;
  readonly error: unknown;
  readonly notBefore: number;
}

const BACKOFF_FIRST_MILLISECONDS = 1000;
const BACKOFF_MAX_MILLISECONDS = 5 * 60_000;

export class Attempts {
  readonly #clock: Clock;
  readonly #failing = new Map<string, Attempt>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(uid: string): Attempt | undefined {
    return this.#failing.get(uid);
  }

  forget(uid: string): void {
    this.#failing.delete(uid);
  }

  /** For so many milliseconds the step is not tried again. */
  waitOf(uid: string, plan: NodeMountPlan): number {
    const attempt = this.#failing.get(uid);
    if (plan.type !== 'step' || attempt?.step !== plan.step.type) return 0;
    return attempt.notBefore - this.#clock.monotonic();
  }

  /** Takes in what came of the last job, if one has ended. */
  note(uid: string, isDeleting: boolean, outcome: JobOutcome | undefined): void {
    if (this.#failing.get(uid)?.isCleanup === !isDeleting) this.#failing.delete(uid);
    if (!outcome) return;
    const { isCleanup, error, aborted } = outcome;
    const { type } = outcome.step;
    const before = this.#failing.get(uid);
    // What was undone in between does not make a failing step a new one.
    const isSame = before?.step === type;
    if (aborted || (error === undefined && isSame)) this.#failing.delete(uid);
    if (aborted || error === undefined) return;
    const count = (isSame ? before.count : 0) + 1;
    const isAtOnce = error instanceof PoolkeeperError && error.retry === 'now';
    const backoff = Math.min(
      BACKOFF_FIRST_MILLISECONDS * 2 ** (count - 1),
      BACKOFF_MAX_MILLISECONDS,
    );
    const notBefore = this.#clock.monotonic() + (isAtOnce && count === 1 ? 0 : backoff);
    this.#failing.set(uid, { step: type, isCleanup, count, error, notBefore });
  }
}
