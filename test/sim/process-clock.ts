// The clock of one process: it dies and stops with the process, and its wall may be wrong.
import type { Clock } from '../../src/runtime/clock.ts';
import type { Actor, Loop } from './loop.ts';

export const STARTED_AT = Date.UTC(2026, 0, 1);

export class ProcessClock implements Clock {
  readonly #loop: Loop;
  readonly #actor: Actor | undefined;
  readonly #skewMilliseconds: number;

  /** Without an actor: the world's own clock, which is right. */
  constructor(loop: Loop, actor?: Actor, skewMilliseconds = 0) {
    this.#loop = loop;
    this.#actor = actor;
    this.#skewMilliseconds = skewMilliseconds;
  }

  now(): number {
    return STARTED_AT + this.#skewMilliseconds + Math.floor(this.#loop.elapsed);
  }

  monotonic(): number {
    return this.#loop.elapsed;
  }

  schedule(delayMilliseconds: number, callback: () => void): () => void {
    return this.#loop.after(delayMilliseconds, callback, this.#actor);
  }
}
