// Tells what a pool did in this pass: one log line and one Event for each new action of its status.
import type { AnyObject } from '../api/object.ts';
import type { RecentAction } from '../api/status.ts';
import type { Log } from '../runtime/log.ts';
import type { ControllerContext } from './context.ts';

interface WithActions {
  readonly recentActions: readonly RecentAction[];
}

export function reportActions(
  { events }: ControllerContext,
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
    events.event(pool, name === 'Replace' ? 'Warning' : 'Normal', name, name, because);
  }
}
