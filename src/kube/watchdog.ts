// Tells a quiet watch from a dead one.
import type { Clock } from '../runtime/clock.ts';
import { PoolkeeperError } from '../runtime/errors.ts';

export class SilentWatchError extends PoolkeeperError {
  constructor(milliseconds: number) {
    super('WatchSilent', `the watch was silent for ${milliseconds} ms`);
    this.name = 'SilentWatchError';
  }
}

/** Aborts a watch that has gone silent. Half-open connections never say a word about it. */
export class Watchdog {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #silence = new AbortController();
  #limit: number;
  #fedAt: number;
  #cancel: () => void;

  constructor(clock: Clock, outer: AbortSignal, limitMilliseconds: number) {
    this.#clock = clock;
    this.#limit = limitMilliseconds;
    this.#fedAt = clock.monotonic();
    this.signal = AbortSignal.any([outer, this.#silence.signal]);
    this.#cancel = this.#arm(limitMilliseconds);
  }

  feed(limitMilliseconds: number): void {
    this.#fedAt = this.#clock.monotonic();
    if (limitMilliseconds === this.#limit) return;
    this.#limit = limitMilliseconds;
    this.#cancel();
    this.#cancel = this.#arm(limitMilliseconds);
  }

  /** Names the silence where that was the cause. */
  verdict(error: unknown): unknown {
    return this.#silence.signal.aborted ? this.#silence.signal.reason : error;
  }

  stop(): void {
    this.#cancel();
  }

  /** Not re-armed with every byte: when it fires, it looks how long the silence has lasted. */
  #arm(delayMilliseconds: number): () => void {
    return this.#clock.schedule(delayMilliseconds, () => {
      const left = this.#fedAt + this.#limit - this.#clock.monotonic();
      if (left > 0) this.#cancel = this.#arm(left);
      else {
        this.#silence.abort(new SilentWatchError(this.#limit));
      }
    });
  }
}
