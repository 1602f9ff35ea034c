// Reading and writing conditions, pure. Every condition of ours is written through here, so that
// transition times move only with the status and nothing is written when nothing changed.
import type { Condition, DeepReadonly } from './object.ts';
import type { ConditionType, Reason } from './reasons.ts';

/** metav1's limit, which our schemas share. */
export const conditionMessageLength = 32_768;

export interface ConditionUpdate {
  readonly type: ConditionType;
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
  /** `metadata.generation` of the object that was looked at. */
  readonly observedGeneration: number | undefined;
}

type Conditions = readonly DeepReadonly<Condition>[];

export function findCondition(
  conditions: Conditions | undefined,
  type: ConditionType,
): DeepReadonly<Condition> | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: Conditions | undefined, type: ConditionType): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * The conditions with one set. The same array comes back when nothing changed; the order of the
 * others stays, a new one goes last. `now` is RFC 3339 or milliseconds since the epoch.
 */
export function setCondition<List extends Conditions>(
  conditions: List | undefined,
  update: ConditionUpdate,
  now: string | number,
): List | Condition[] {
  const present = findCondition(conditions, update.type);
  const next: Condition = {
    type: update.type,
    status: update.status,
    ...(update.observedGeneration === undefined
      ? {}
      : { observedGeneration: update.observedGeneration }),
    lastTransitionTime:
      present?.status === update.status ? present.lastTransitionTime : timestamp(now),
    reason: update.reason,
    message: update.message.slice(0, conditionMessageLength),
  };
  if (conditions !== undefined && present !== undefined) {
    if (isSame(present, next)) return conditions;
    return conditions.map((condition) => (condition === present ? next : condition));
  }
  return [...(conditions ?? []), next];
}

/** The conditions without one: for those that are present only while true, such as Reconciling. */
export function removeCondition<List extends Conditions>(
  conditions: List | undefined,
  type: ConditionType,
): List | Condition[] {
  if (conditions === undefined) return [];
  if (findCondition(conditions, type) === undefined) return conditions;
  return conditions.filter((condition) => condition.type !== type);
}

/** RFC 3339 to the second, as metav1.Time writes it. */
export function timestamp(now: string | number): string {
  if (typeof now === 'string') return now;
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}

function isSame(one: DeepReadonly<Condition>, other: Condition): boolean {
  return (
    one.status === other.status &&
    one.reason === other.reason &&
    one.message === other.message &&
    one.observedGeneration === other.observedGeneration
  );
}
