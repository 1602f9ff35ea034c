// A work queue's numbers, under the names that dashboards made for client-go and
// controller-runtime expect.
import type { Runtime } from '../runtime/index.ts';
import type { CounterMetric, GaugeMetric, HistogramMetric } from '../runtime/metrics.ts';
import type { Key } from './object-key.ts';

const SECONDS_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1000];
const REFRESH_MILLISECONDS = 1000;

export class WorkQueueMetrics {
  readonly #runtime: Runtime;
  readonly #labels: { readonly name: string; readonly controller: string };
  readonly #startedAt = new Map<Key, number>();
  readonly #depths = new Map<number, number>();
  readonly #depth: GaugeMetric;
  readonly #adds: CounterMetric;
  readonly #retries: CounterMetric;
  readonly #queueSeconds: HistogramMetric;
  readonly #workSeconds: HistogramMetric;
  readonly #unfinished: GaugeMetric;
  readonly #longest: GaugeMetric;
  #cancelRefresh: (() => void) | undefined;

  constructor(name: string, runtime: Runtime) {
    const { metrics } = runtime;
    const labels = ['name', 'controller'];
    this.#runtime = runtime;
    this.#labels = { name, controller: name };
    this.#depth = metrics.gauge('workqueue_depth', 'Keys waiting for a worker.', [
      ...labels,
      'priority',
    ]);
    this.#adds = metrics.counter('workqueue_adds_total', 'Keys added.', labels);
    this.#retries = metrics.counter('workqueue_retries_total', 'Keys added with back-off.', labels);
    this.#queueSeconds = metrics.histogram(
      'workqueue_queue_duration_seconds',
      'How long a key waited for a worker.',
      SECONDS_BUCKETS,
      labels,
    );
    this.#workSeconds = metrics.histogram(
      'workqueue_work_duration_seconds',
      'How long working on a key took.',
      SECONDS_BUCKETS,
      labels,
    );
    this.#unfinished = metrics.gauge(
      'workqueue_unfinished_work_seconds',
      'Work in progress that workqueue_work_duration_seconds does not show yet.',
      labels,
    );
    this.#longest = metrics.gauge(
      'workqueue_longest_running_processor_seconds',
      'Age of the oldest work in progress.',
      labels,
    );
  }

  added(): void {
    this.#adds.increment(this.#labels);
  }

  retried(): void {
    this.#retries.increment(this.#labels);
  }

  depthChanged(priority: number, by: number): void {
    const depth = (this.#depths.get(priority) ?? 0) + by;
    this.#depths.set(priority, depth);
    this.#depth.set(depth, { ...this.#labels, priority });
  }

  started(key: Key, readySince: number): void {
    const now = this.#runtime.clock.monotonic();
    this.#queueSeconds.observe(Math.max(0, now - readySince) / 1000, this.#labels);
    this.#startedAt.set(key, now);
    this.#cancelRefresh ??= this.#scheduleRefresh();
  }

  finished(key: Key): void {
    const startedAt = this.#startedAt.get(key);
    if (startedAt === undefined) return;
    this.#startedAt.delete(key);
    const now = this.#runtime.clock.monotonic();
    this.#workSeconds.observe((now - startedAt) / 1000, this.#labels);
    if (this.#startedAt.size > 0) return;
    this.#cancelRefresh?.();
    this.#cancelRefresh = undefined;
    this.#refresh();
  }

  /** Only while something runs: a stuck worker shows, an idle queue costs nothing. */
  #scheduleRefresh(): () => void {
    return this.#runtime.clock.schedule(REFRESH_MILLISECONDS, () => {
      this.#refresh();
      this.#cancelRefresh = this.#scheduleRefresh();
    });
  }

  #refresh(): void {
    const now = this.#runtime.clock.monotonic();
    let total = 0;
    let longest = 0;
    for (const startedAt of this.#startedAt.values()) {
      total += now - startedAt;
      longest = Math.max(longest, now - startedAt);
    }
    this.#unfinished.set(total / 1000, this.#labels);
    this.#longest.set(longest / 1000, this.#labels);
  }
}
