// The status of a NodeMount for which the agent can do nothing: it does not know that type of storage,
// it can't look at the node, or it may not write down what it would do.
import { type ConditionUpdate, removeCondition, setCondition } from '../api/conditions.ts';
import type { NodeMount, NodeMountStatus } from '../api/node-mount.ts';
import type { Condition, DeepReadonly } from '../api/object.ts';
import { reasonOf } from '../api/reasons.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';

type Mount = DeepReadonly<NodeMount>;
type Conditions = readonly DeepReadonly<Condition>[];

/** For a type of storage that this agent is too old for; `wasBegun`: one that knew it was here. */
export function unsupportedStatus(
  mount: Mount,
  { now, wasBegun }: { readonly now: string; readonly wasBegun: boolean },
): Partial<NodeMountStatus> {
  const observedGeneration = mount.metadata.generation;
  const isUndone = mount.metadata.deletionTimestamp !== undefined && !wasBegun;
  const message = `This agent can't make storage of type ${mount.spec.type}.`;
  const judgement = { reason: 'InvalidSpec', message, observedGeneration } as const;
  let conditions: Conditions = mount.status?.conditions ?? [];
  conditions = setCondition(conditions, { type: 'Ready', status: 'False', ...judgement }, now);
  conditions = setCondition(conditions, { type: 'Stalled', status: 'True', ...judgement }, now);
  if (mount.metadata.deletionTimestamp !== undefined) {
    const type = 'CleanedUp';
    const update: ConditionUpdate = isUndone
      ? { type, status: 'True', reason: type, message: 'Nothing was made.', observedGeneration }
      : { type, status: 'False', reason: 'CleanupFailed', message, observedGeneration };
    conditions = setCondition(conditions, update, now);
  }
  return statusWith(mount, conditions, isUndone ? 'Released' : 'Failed');
}

/** Something on the node is in the way; `isFinal`: waiting does not help. */
export function troubledStatus(
  mount: Mount,
  { now, error, isFinal }: { readonly now: string; error: unknown; readonly isFinal: boolean },
): Partial<NodeMountStatus> {
  const observedGeneration = mount.metadata.generation;
  const { status, metadata } = mount;
  const isDeleting = metadata.deletionTimestamp !== undefined;
  const wasMounted = status?.firstMountedAt !== undefined;
  const code = error instanceof PoolkeeperError ? error.code : 'InternalError';
  const reason = reasonOf(code);
  const message = `The agent can do nothing on the node for now: ${messageOf(error)}`;
  const judgement = { reason, message, observedGeneration };
  let conditions: Conditions = status?.conditions ?? [];
  const set = (update: ConditionUpdate): void => {
    conditions = setCondition(conditions, update, now);
  };
  // What was mounted probably still is, only nobody can tell.
  set({ type: 'Ready', status: wasMounted && !isDeleting ? 'Unknown' : 'False', ...judgement });
  if (isFinal) {
    conditions = removeCondition(conditions, 'Reconciling');
    set({ type: 'Stalled', status: 'True', ...judgement });
  } else conditions = removeCondition(conditions, 'Stalled');
  if (isDeleting)
    set({ type: 'CleanedUp', status: 'False', ...judgement, reason: 'CleanupFailed' });
  if (isDeleting) return statusWith(mount, conditions, 'Unmounting');
  return statusWith(mount, conditions, wasMounted ? 'Unknown' : 'Pending');
}

function statusWith(
  mount: Mount,
  conditions: Conditions,
  phase: NodeMountStatus['phase'],
): Partial<NodeMountStatus> {
  const { generation } = mount.metadata;
  return {
    ...(mount.status as Partial<NodeMountStatus>),
    phase,
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: conditions as Condition[],
  };
}
