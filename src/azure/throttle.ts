// One budget per subscription for the whole controller. It learns from Azure's answers which buckets
// an operation draws on and how full they are, and refuses calls that Azure would refuse anyway:
// early retries cost tokens too. Warm-up leaves a reserve that only claims and releases may use; these
// wait for a token only where none is left.
import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { ArmCall } from './calls.ts';
import { throttledBucket } from './error-catalogue.ts';
import { CloudError } from './errors.ts';
import { type ArmAnswer, describe, readRetryAfter } from './failures.ts';
import type { CallContext } from './port.ts';
import { frontDoorBucket, isPerResource, knownSize, readBuckets } from './rate-limits.ts';
import { type BudgetReading, ThrottleMetrics } from './throttle-metrics.ts';

/** The last fifth of every bucket is for claims: a refill storm must not delay a person. */
const RESERVE_SHARE = 0.2;
/** When a closed gate opens, claims have it to themselves for this long. */
const CLAIMS_FIRST_MILLISECONDS = 1000;
/** Used when a 429 doesn't say how long. */
const DEFAULT_CLOSED_MILLISECONDS = 10_000;
/** A bucket of unknown size refills at an unknown rate; its reading is trusted for so long. */
const UNKNOWN_SIZE_TRUST_MILLISECONDS = 60_000;
/** Idle buckets are full again and forgotten; checked every so many calls. */
const SWEEP_EVERY_CALLS = 1000;

interface Bucket {
  remaining: number;
  readAt: number;
  /** The highest reading ever; stands in for an unknown capacity. */
  best: number;
  closedUntil: number;
}

export class Throttle {
  readonly #clock: Clock;
  readonly #metrics: ThrottleMetrics;
  readonly #buckets = new Map<string, Bucket>();
  /** Which buckets an operation was last charged to. */
  readonly #charged = new Map<string, ReadonlySet<string>>();
  #calls = 0;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#metrics = new ThrottleMetrics(metrics, () => this.#readings());
  }

  /** @throws CloudError Throttled, when Azure would refuse or the reserve would be touched. */
  admit(call: ArmCall, priority: CallContext['priority']): void {
    if (++this.#calls % SWEEP_EVERY_CALLS === 0) this.#sweep();
    const now = this.#clock.monotonic();
    const names = this.#namesFor(call);
    let wait = 0;
    for (const name of names) wait = Math.max(wait, this.#waitFor(name, call, priority, now));
    if (wait > 0) {
      this.#metrics.heldBack(call.operation, priority, wait);
      throw heldBack(call, wait);
    }
    // Until the answer tells: calls in flight together must not all count on the same token.
    for (const name of names) this.#spend(name, call, now);
  }

  /** Learns from an answer's headers, and closes what a 429 names until Retry-After. */
  observe(call: ArmCall, answer: ArmAnswer): void {
    const now = this.#clock.monotonic();
    const readings = readBuckets(answer);
    const names = new Set(readings.map((reading) => reading.name));
    for (const { name, remaining } of readings) {
      const key = keyOf(name, call);
      const known = this.#buckets.get(key);
      const best = Math.max(known?.best ?? 0, remaining);
      const closedUntil = known?.closedUntil ?? 0;
      this.#buckets.set(key, { remaining, readAt: now, best, closedUntil });
    }
    if (answer.status === 429) {
      names.add(this.#close(call, answer, now));
      for (const name of this.#charged.get(call.operation) ?? []) names.add(name);
    }
    const provider = [...names].filter((name) => !name.startsWith('subscription-'));
    if (provider.length > 0) this.#charged.set(call.operation, new Set(provider));
  }

  #close(call: ArmCall, answer: ArmAnswer, now: number): string {
    const name = throttledBucket(answer.body) ?? frontDoorBucket(call.method);
    const waitMilliseconds =
      readRetryAfter(answer, this.#clock.now()) ?? DEFAULT_CLOSED_MILLISECONDS;
    const bucket = this.#bucket(name, call, now);
    bucket.closedUntil = Math.max(bucket.closedUntil, now + waitMilliseconds);
    return name;
  }

  #namesFor(call: ArmCall): string[] {
    return [frontDoorBucket(call.method), ...(this.#charged.get(call.operation) ?? [])];
  }

  #waitFor(name: string, call: ArmCall, priority: CallContext['priority'], now: number): number {
    const bucket = this.#buckets.get(keyOf(name, call));
    if (!bucket) return 0;
    const isWarmUp = priority === 'warm-up';
    if (bucket.closedUntil > 0) {
      const opensAt = bucket.closedUntil + (isWarmUp ? CLAIMS_FIRST_MILLISECONDS : 0);
      if (opensAt > now) return opensAt - now;
    }
    const known = knownSize(name);
    const elapsed = now - bucket.readAt;
    if (!known) {
      const short = isWarmUp && bucket.remaining < bucket.best * RESERVE_SHARE;
      return short ? Math.max(0, UNKNOWN_SIZE_TRUST_MILLISECONDS - elapsed) : 0;
    }
    // A refused call costs a token too: what Azure would refuse isn't sent for a claim either.
    const needed = isWarmUp ? known.capacity * RESERVE_SHARE : 1;
    const refillPerMillisecond = known.refillPerMinute / 60_000;
    const missing = needed - (bucket.remaining + elapsed * refillPerMillisecond);
    return missing > 0 ? Math.ceil(missing / refillPerMillisecond) : 0;
  }

  #spend(name: string, call: ArmCall, now: number): void {
    const bucket = this.#bucket(name, call, now);
    const known = knownSize(name);
    if (known) {
      const refilled = ((now - bucket.readAt) * known.refillPerMinute) / 60_000;
      bucket.remaining = Math.min(known.capacity, bucket.remaining + refilled);
      bucket.readAt = now;
    }
    bucket.remaining = Math.max(0, bucket.remaining - 1);
  }

  #bucket(name: string, call: ArmCall, now: number): Bucket {
    const key = keyOf(name, call);
    const capacity = knownSize(name)?.capacity;
    const bucket = this.#buckets.get(key) ?? {
      remaining: capacity ?? Number.POSITIVE_INFINITY,
      readAt: now,
      best: capacity ?? 0,
      closedUntil: 0,
    };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  *#readings(): Iterable<BudgetReading> {
    const now = this.#clock.monotonic();
    for (const [key, { remaining, readAt, closedUntil }] of this.#buckets) {
      const split = key.lastIndexOf(' ');
      const bucket = key.slice(split + 1);
      const known = knownSize(bucket);
      const refilled = known ? ((now - readAt) * known.refillPerMinute) / 60_000 : 0;
      yield {
        owner: key.slice(0, split),
        bucket,
        remaining: Math.floor(Math.min(known?.capacity ?? remaining, remaining + refilled)),
        isClosed: closedUntil > now,
      };
    }
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [key, bucket] of this.#buckets) {
      const known = knownSize(key.slice(key.lastIndexOf(' ') + 1));
      const fullAfter = known
        ? (known.capacity / known.refillPerMinute) * 60_000
        : UNKNOWN_SIZE_TRUST_MILLISECONDS;
      const settledAt = bucket.closedUntil + CLAIMS_FIRST_MILLISECONDS;
      if (now - bucket.readAt > fullAfter && now > settledAt) this.#buckets.delete(key);
    }
  }
}

function keyOf(name: string, call: ArmCall): string {
  const owner = isPerResource(name) ? (call.bucketOwner ?? call.target) : call.subscriptionId;
  return `${owner.toLowerCase()} ${name}`;
}

function heldBack(call: ArmCall, waitMilliseconds: number): CloudError {
  const seconds = Math.ceil(waitMilliseconds / 1000);
  return new CloudError(`Azure's request budget is short; trying again in ${seconds} s.`, {
    class: 'Throttled',
    azureCode: 'HeldBack',
    call: describe(call),
    outcome: 'refused',
    retry: 'backoff',
    retryAfterMilliseconds: waitMilliseconds,
  });
}
