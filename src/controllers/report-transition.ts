// The one place where a change of phase is told: a log line, an Event, a metric and the history, all
// with the same words.
import type { AnyObject } from '../api/object.ts';
import type { HistoryEvent, HistoryEventType } from '../history/port.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { ControllerContext } from './context.ts';

export interface Transition {
  readonly object: AnyObject;
  /** The pool in whose history it belongs; default: the object's own name. */
  readonly pool?: string;
  readonly from: string | undefined;
  readonly to: string;
  readonly because: string;
  /** RFC 3339: since when it was in the former phase; undefined where nobody knows. */
  readonly since: string | undefined;
  readonly isBad: boolean;
  /** The claim that it is about, `<namespace>/<name>`. */
  readonly claim?: string | undefined;
  /** Default: `Transition`. */
  readonly action?: string;
  /** The Event's reason; default: the new phase. */
  readonly eventReason?: string;
  /** The Event of another object says the same: one write less. */
  readonly hasOtherEvent?: boolean;
  readonly correlationId?: string | undefined;
}

/** From a tenth of a second, a status write, to the hours that a machine is in use. */
const SECONDS_BUCKETS = [
  0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400,
];

export function reportTransition(
  context: ControllerContext,
  log: Log,
  transition: Transition,
): void {
  const { events, runtime, history } = context;
  const { object, to, because, isBad, action = 'Transition' } = transition;
  const { kind, metadata } = object;
  const from = transition.from ?? '';
  const now = runtime.clock.now();
  const seconds = secondsSince(transition.since, now);
  log.info('phase changed', {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    from,
    to,
    because,
    ...(seconds !== undefined && { seconds: Math.round(seconds) }),
  });
  if (!transition.hasOtherEvent) {
    const { eventReason = to } = transition;
    events.event(object, isBad ? 'Warning' : 'Normal', eventReason, action, because || to);
  }
  count(runtime.metrics, { kind, from: from || 'none', to }, seconds);
  history?.record({
    ...subjectOf(object, transition.pool),
    time: now,
    event: eventOf(kind, to),
    what: to,
    because,
    from,
    ...(seconds !== undefined && { seconds: Math.round(seconds) }),
    ...(transition.claim !== undefined && { claim: transition.claim }),
    ...(transition.correlationId !== undefined && { correlationId: transition.correlationId }),
  });
}

/** What every event in the history says of its object. */
export function subjectOf(
  { kind, metadata }: AnyObject,
  pool: string = metadata.name,
): Pick<HistoryEvent, 'kind' | 'namespace' | 'pool' | 'name' | 'uid'> {
  const { namespace = '', name, uid } = metadata;
  return { kind, namespace, pool, name, uid };
}

/** Phases are a closed set of a few per kind, and so are the pairs that occur. */
function count(
  metrics: Metrics,
  labels: { kind: string; from: string; to: string },
  seconds: number | undefined,
): void {
  metrics
    .counter('poolkeeper_transitions_total', 'Changes of phase.', ['kind', 'from', 'to'])
    .increment(labels);
  if (seconds === undefined) return;
  metrics
    .histogram(
      'poolkeeper_transition_duration_seconds',
      'How long objects were in a phase before they left it for another.',
      SECONDS_BUCKETS,
      ['kind', 'from', 'to'],
    )
    .observe(seconds, labels);
}

function secondsSince(since: string | undefined, now: number): number | undefined {
  return since === undefined ? undefined : Math.max(0, (now - Date.parse(since)) / 1000);
}

function eventOf(kind: string, to: string): HistoryEventType {
  const isClaim = kind === 'InstanceClaim';
  if (to === (isClaim ? 'Bound' : 'Claimed')) return 'Allocation';
  return to === 'Releasing' ? 'Release' : 'Transition';
}
