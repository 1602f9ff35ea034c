// The runtime port: the home of nondeterminism. Handed to whatever needs time, chance, logs or metrics.
import { type Clock, systemClock } from './clock.ts';
import { type Log, silentLog } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { type Random, systemRandom } from './random.ts';

export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function createRuntime(overrides: Partial<Runtime> = {}): Runtime {
  return {
    clock: overrides.clock ?? systemClock,
    random: overrides.random ?? systemRandom,
    log: overrides.log ?? silentLog,
    metrics: overrides.metrics ?? createMetrics(),
  };
}
