// What a cache is still waiting to see for some keys. Everything expires, because an event that
// never comes must not block a key for ever.
import type { Clock } from '../runtime/clock.ts';
import type { Key } from './object-key.ts';

const EXPECTATION_MILLISECONDS = 5 * 60_000;

export interface Expectation {
  /** The version to be seen, or the last one seen before a deletion. */
  readonly version: string | undefined;
  readonly uid: string | undefined;
  readonly since: number;
}

export class Expectations {
  readonly #clock: Clock;
  readonly #entries = new Map<Key, Expectation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(key: Key, version: string | undefined, uid?: string): void {
    this.#dropExpired();
    this.#entries.delete(key);
    this.#entries.set(key, { version, uid, since: this.#clock.monotonic() });
  }

  get(key: Key): Expectation | undefined {
    const entry = this.#entries.get(key);
    return entry && !this.#isExpired(entry) ? entry : undefined;
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** Drops what was expected before a moment of the monotonic clock; by default everything. */
  clear(before = Number.POSITIVE_INFINITY): void {
    for (const [key, { since }] of this.#entries) if (since < before) this.#entries.delete(key);
  }

  #isExpired(entry: Expectation): boolean {
    return this.#clock.monotonic() - entry.since > EXPECTATION_MILLISECONDS;
  }

  /** Maps keep insertion order, so the oldest come first. */
  #dropExpired(): void {
    for (const [key, entry] of this.#entries) {
      if (!this.#isExpired(entry)) return;
      this.#entries.delete(key);
    }
  }
}
