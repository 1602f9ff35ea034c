// A clock that moves only when told to. For unit tests and the simulation.
import type { Clock } from './clock.ts';

interface Pending {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #elapsed = 0;
  #order = 0;
  readonly #startedAt: number;
  readonly #pending = new Set<Pending>();

  constructor(startedAt: number = Date.UTC(2026, 0, 1)) {
    this.#startedAt = startedAt;
  }

  now(): number {
    return this.#startedAt + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  schedule(delayMilliseconds: number, callback: () => void): () => void {
    const dueAt = this.#elapsed + Math.max(0, delayMilliseconds);
    const entry: Pending = { dueAt, order: this.#order++, callback };
    this.#pending.add(entry);
    return () => this.#pending.delete(entry);
  }

  /** Moves time forward, firing due timers in order and letting promises settle after each. */
  async advance(milliseconds: number): Promise<void> {
    const target = this.#elapsed + milliseconds;
    await settle();
    for (let next = this.#next(); next && next.dueAt <= target; next = this.#next()) {
      this.#elapsed = Math.max(this.#elapsed, next.dueAt);
      this.#pending.delete(next);
      next.callback();
      await settle();
    }
    this.#elapsed = target;
  }

  /** Milliseconds until the next timer, or undefined when none is pending. */
  nextDelay(): number | undefined {
    const next = this.#next();
    return next && next.dueAt - this.#elapsed;
  }

  #next(): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending) {
      if (
        !first ||
        entry.dueAt < first.dueAt ||
        (entry.dueAt === first.dueAt && entry.order < first.order)
      )
        first = entry;
    }
    return first;
  }
}

/** Lets promise chains of ordinary length run to their next await on time. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
