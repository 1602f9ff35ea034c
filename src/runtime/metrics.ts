// Metrics behind a small interface of our own; scraped in the Prometheus text format.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';

export type Labels = Readonly<Record<string, string | number>>;

export interface CounterMetric {
  increment(labels?: Labels, by?: number): void;
  remove(labels: Labels): void;
}
export interface GaugeMetric {
  set(value: number, labels?: Labels): void;
  /** Removes one series, so that a deleted object's numbers vanish. */
  remove(labels: Labels): void;
  /** Removes every series. For gauges that are computed anew at each scrape. */
  clear(): void;
}
export interface HistogramMetric {
  observe(value: number, labels?: Labels): void;
  remove(labels: Labels): void;
}

/** Asking twice for the same name returns the same metric. */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): CounterMetric;
  gauge(name: string, help: string, labelNames?: readonly string[]): GaugeMetric;
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames?: readonly string[],
  ): HistogramMetric;
  /**
   * Calls back just before each scrape, for numbers that are cheaper to compute then than to keep
   * current. Must not throw. The returned function ends that.
   */
  beforeScrape(collect: () => void): () => void;
  /** Everything in the Prometheus text format. */
  expose(): Promise<string>;
}

export function createMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const known = new Map<string, unknown>();
  const collectors = new Set<() => void>();
  const once = <M>(name: string, make: () => M): M => {
    if (!known.has(name)) known.set(name, make());
    return known.get(name) as M;
  };
  return {
    counter: (name, help, labelNames = []) =>
      once(name, () => {
        const metric = new Counter({
          name,
          help,
          labelNames: [...labelNames],
          registers: [registry],
        });
        return {
          increment: (labels = {}, by = 1) => metric.inc(labels, by),
          remove: (labels) => metric.remove(labels),
        };
      }),
    gauge: (name, help, labelNames = []) =>
      once(name, () => {
        const metric = new Gauge({
          name,
          help,
          labelNames: [...labelNames],
          registers: [registry],
        });
        return {
          set: (value, labels = {}) => metric.set(labels, value),
          remove: (labels) => metric.remove(labels),
          clear: () => metric.reset(),
        };
      }),
    histogram: (name, help, buckets, labelNames = []) =>
      once(name, () => {
        const metric = new Histogram({
          name,
          help,
          labelNames: [...labelNames],
          buckets: [...buckets],
          registers: [registry],
        });
        return {
          observe: (value, labels = {}) => metric.observe(labels, value),
          remove: (labels) => metric.remove(labels),
        };
      }),
    beforeScrape: (collect) => {
      collectors.add(collect);
      return () => collectors.delete(collect);
    },
    expose: async () => {
      for (const collect of collectors) collect();
      return await registry.metrics();
    },
  };
}
