// A controller's numbers, under the names that dashboards made for controller-runtime expect.
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from '../runtime/metrics.ts';

const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type ReconcileOutcome = 'success' | 'requeue_after' | 'error';

export class ControllerMetrics {
  readonly #labels: { readonly controller: string };
  readonly #total: CounterMetric;
  readonly #errors: CounterMetric;
  readonly #terminal: CounterMetric;
  readonly #timeouts: CounterMetric;
  readonly #staleSkips: CounterMetric;
  readonly #seconds: HistogramMetric;
  readonly #active: GaugeMetric;
  #running = 0;

  constructor(controller: string, metrics: Metrics, workers: number) {
    const names = ['controller'];
    const counter = (name: string, help: string): CounterMetric =>
      metrics.counter(name, help, names);
    this.#labels = { controller };
    this.#total = metrics.counter('controller_runtime_reconcile_total', 'Reconciles by result.', [
      'controller',
      'result',
    ]);
    this.#errors = counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed.');
    this.#terminal = counter(
      'controller_runtime_terminal_reconcile_errors_total',
      'Reconciles that failed in a way that only a change can mend.',
    );
    this.#timeouts = counter(
      'controller_runtime_reconcile_timeouts_total',
      'Reconciles that took too long.',
    );
    this.#staleSkips = counter(
      'poolkeeper_stale_sync_skips_total',
      'Reconciles put off because the cache was older than our own writes.',
    );
    this.#seconds = metrics.histogram(
      'controller_runtime_reconcile_time_seconds',
      'Duration of reconciles.',
      SECONDS_BUCKETS,
      names,
    );
    this.#active = metrics.gauge(
      'controller_runtime_active_workers',
      'Reconciles running now.',
      names,
    );
    metrics
      .gauge('controller_runtime_max_concurrent_reconciles', 'Reconciles that may run.', names)
      .set(workers, this.#labels);
    this.#active.set(0, this.#labels);
  }

  /** Returns what to call at the end of the reconcile. */
  started(): (seconds: number, outcome: ReconcileOutcome) => void {
    this.#active.set(++this.#running, this.#labels);
    return (seconds, result) => {
      this.#active.set(--this.#running, this.#labels);
      this.#seconds.observe(seconds, this.#labels);
      this.#total.increment({ ...this.#labels, result });
      if (result === 'error') this.#errors.increment(this.#labels);
    };
  }

  failedForGood(): void {
    this.#terminal.increment(this.#labels);
  }

  timedOut(): void {
    this.#timeouts.increment(this.#labels);
  }

  skippedStale(): void {
    this.#staleSkips.increment(this.#labels);
  }
}
