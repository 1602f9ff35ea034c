// Tells what a pool did in this pass: a log line, an Event, a metric and the history for each new
// action of its status.
import type { AnyObject } from '../api/object.ts';
import type { RecentAction } from '../api/status.ts';
import type { Log } from '../runtime/log.ts';
import type { CounterMetric, Metrics } from '../runtime/metrics.ts';
import type { ControllerContext } from './context.ts';
import { subjectOf } from './report-transition.ts';

interface WithActions {
  readonly recentActions: readonly RecentAction[];
}

export function reportActions(
  { events, history, runtime }: ControllerContext,
  log: Log,
  pool: AnyObject & { status?: unknown },
  after: WithActions,
): void {
  const before = (pool.status as WithActions | undefined)?.recentActions[0];
  for (const action of after.recentActions) {
    if (before && action.time === before.time && action.action === before.action) return;
    if (before && action.time < before.time) return;
    const { action: name, because, object } = action;
    log.info('pool action', { action: name, because, object });
    poolActions(runtime.metrics).increment({ ...labelsOf(pool), action: name });
    history?.record({
      ...subjectOf(pool),
      time: Date.parse(action.time),
      event: 'Scaling',
      what: name,
      because: object === undefined ? because : `${object}: ${because}`,
    });
    events.event(pool, name === 'Replace' ? 'Warning' : 'Normal', name, name, because);
  }
}

export function poolActions(metrics: Metrics): CounterMetric {
  return metrics.counter(
    'poolkeeper_pool_actions_total',
    'Decisions of pools: creating members, scaling down, replacing failed ones.',
    ['kind', 'namespace', 'pool', 'action'],
  );
}

function labelsOf({ kind, metadata }: AnyObject) {
  return { kind, namespace: metadata.namespace ?? '', pool: metadata.name };
}
