// Long loops pause now and then, so that timers and sockets (a lease renewal!) get their turn.
import type { Clock } from '../runtime/clock.ts';

const SLICE_MILLISECONDS = 10;
/** A clock that stands still (a simulation) must not make a loop uninterruptible. */
const SLICE_ITEMS = 500;

export class Breather {
  readonly #clock: Clock;
  #sliceEndsAt: number;
  #items = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sliceEndsAt = clock.monotonic() + SLICE_MILLISECONDS;
  }

  /** Call after each item: true when it is time to `await pause()`. */
  isDue(): boolean {
    return ++this.#items >= SLICE_ITEMS || this.#clock.monotonic() >= this.#sliceEndsAt;
  }

  async pause(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#items = 0;
    this.#sliceEndsAt = this.#clock.monotonic() + SLICE_MILLISECONDS;
  }
}
