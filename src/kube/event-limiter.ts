// Keeps one noisy object from drowning the others' events.
import type { Clock } from '../runtime/clock.ts';

const BURST = 25;
const REFILL_MILLISECONDS = 300_000;
const MAX_OBJECTS = 4096;

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class EventLimiter {
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  allows(uid: string): boolean {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(uid) ?? { tokens: BURST, filledAt: now };
    const refilled = bucket.tokens + (now - bucket.filledAt) / REFILL_MILLISECONDS;
    bucket.tokens = Math.min(BURST, refilled);
    bucket.filledAt = now;
    this.#buckets.delete(uid);
    this.#buckets.set(uid, bucket);
    this.#forgetOldest();
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_OBJECTS && oldest !== undefined) this.#buckets.delete(oldest);
  }
}
