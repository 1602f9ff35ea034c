// The request budget in numbers. Labels are the names of buckets, never those of single resources.
import type { GaugeMetric, Metrics } from '../runtime/metrics.ts';
import type { CallContext } from './port.ts';
import { isPerResource } from './rate-limits.ts';

export interface BudgetReading {
  /** Whose: a subscription, or the path of a resource. */
  readonly owner: string;
  readonly bucket: string;
  readonly remaining: number;
  readonly isClosed: boolean;
}

const WAIT_BUCKETS_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export class ThrottleMetrics {
  readonly #heldBack;
  readonly #wait;
  readonly #closed: GaugeMetric;
  readonly #remaining: GaugeMetric;

  /** `read` tells the state of every bucket; it is called at each scrape. */
  constructor(metrics: Metrics, read: () => Iterable<BudgetReading>) {
    const labels = ['operation', 'priority'];
    this.#heldBack = metrics.counter(
      'poolkeeper_azure_held_back_total',
      'Calls not sent because the budget of a subscription or VM was short.',
      labels,
    );
    this.#wait = metrics.histogram(
      'poolkeeper_azure_throttle_wait_seconds',
      'How long calls that were not sent were told to wait.',
      WAIT_BUCKETS_SECONDS,
      labels,
    );
    this.#closed = metrics.gauge(
      'poolkeeper_azure_closed_gates',
      'Budgets that Azure has closed with a 429 until its Retry-After is over.',
      ['bucket'],
    );
    this.#remaining = metrics.gauge(
      'poolkeeper_azure_budget_remaining',
      "What is left of a subscription's budget, as Azure last said and we have spent since.",
      ['subscription', 'bucket'],
    );
    metrics.beforeScrape(() => this.#expose(read()));
  }

  heldBack(operation: string, priority: CallContext['priority'], waitMilliseconds: number): void {
    this.#heldBack.increment({ operation, priority });
    this.#wait.observe(waitMilliseconds / 1000, { operation, priority });
  }

  #expose(readings: Iterable<BudgetReading>): void {
    this.#closed.clear();
    this.#remaining.clear();
    const closed = new Map<string, number>();
    for (const { owner, bucket, remaining, isClosed } of readings) {
      if (isClosed) closed.set(bucket, (closed.get(bucket) ?? 0) + 1);
      if (isPerResource(bucket) || !Number.isFinite(remaining)) continue;
      this.#remaining.set(remaining, { subscription: owner, bucket });
    }
    for (const [bucket, count] of closed) this.#closed.set(count, { bucket });
  }
}
