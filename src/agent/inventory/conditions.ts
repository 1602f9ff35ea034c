// The conditions of a StorageNode: whether its disks are known, and what the node lacks.
import { type ConditionUpdate, setCondition } from '../../api/conditions.ts';
import type { Condition, DeepReadonly } from '../../api/object.ts';
import type { StorageNode } from '../../api/storage-node.ts';
import { messageOf } from '../../runtime/errors.ts';
import { describeMissing, type PreflightResult } from '../preflight.ts';

export interface NodeObservation {
  readonly found: PreflightResult;
  /** Set when the disks could not be listed. */
  readonly problem: unknown;
  readonly deviceCount: number;
  readonly eligibleCount: number;
  /** RFC 3339. */
  readonly now: string;
}

export function nodeConditions(
  present: DeepReadonly<StorageNode>,
  observation: NodeObservation,
): readonly DeepReadonly<Condition>[] {
  const { found, problem, deviceCount, eligibleCount, now } = observation;
  const observedGeneration = present.metadata.generation;
  const disks = deviceCount === 1 ? '1 disk' : `${deviceCount} disks`;
  const ready: ConditionUpdate =
    problem === undefined
      ? {
          type: 'Ready',
          status: 'True',
          reason: 'AsExpected',
          message: `The agent reports ${disks}; a pool may take ${eligibleCount} of them.`,
          observedGeneration,
        }
      : {
          type: 'Ready',
          status: 'False',
          reason: 'CommandFailed',
          message: `The disks can't be listed, what is shown of them may be old: ${messageOf(problem)}`,
          observedGeneration,
        };
  const missing = describeMissing(found);
  const met: ConditionUpdate = {
    type: 'NodePrerequisitesMet',
    status: missing === undefined ? 'True' : 'False',
    reason: missing === undefined ? 'AsExpected' : 'PrerequisitesMissing',
    message: missing ?? 'Every kind of storage can be used.',
    observedGeneration,
  };
  return setCondition(setCondition(present.status?.conditions, ready, now), met, now);
}
