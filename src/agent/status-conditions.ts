// The conditions of a NodeMount: enough to know from them alone what is going on.
import { type ConditionUpdate, removeCondition, setCondition } from '../api/conditions.ts';
import type { Condition, DeepReadonly } from '../api/object.ts';
import { type ConditionType, type Reason, reasonOf } from '../api/reasons.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import { stepProgress, syncProgress } from './progress.ts';
import { healthOf, type Observation } from './status.ts';

interface Judgement {
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

export function conditionsOf(
  observation: Observation,
  now: string,
): readonly DeepReadonly<Condition>[] {
  const { mount } = observation;
  const observedGeneration = mount.metadata.generation;
  let conditions: readonly DeepReadonly<Condition>[] = mount.status?.conditions ?? [];
  const set = (type: ConditionType, judgement: Judgement | undefined): void => {
    const update = judgement && ({ type, observedGeneration, ...judgement } as ConditionUpdate);
    conditions = update ? setCondition(conditions, update, now) : removeCondition(conditions, type);
  };
  set('Ready', ready(observation));
  set('Reconciling', reconciling(observation));
  set('Stalled', stalled(observation));
  const hasDisk = mount.spec.type === 'mdadm' || mount.spec.type === 'iscsi';
  if (hasDisk) set('DisksClaimed', disksClaimed(observation));
  if (mount.spec.type === 'mdadm') {
    set('ArrayHealthy', arrayHealthy(observation));
    set('ArrayConsistent', arrayConsistent(observation));
  }
  if (hasDisk) set('Formatted', formatted(observation));
  set('NodePrerequisitesMet', prerequisites(observation));
  set('Mounted', mounted(observation));
  if (mount.metadata.deletionTimestamp !== undefined) set('CleanedUp', cleanedUp(observation));
  return conditions;
}

function failure(error: unknown): Judgement {
  const code = error instanceof PoolkeeperError ? error.code : 'InternalError';
  return { status: 'False', reason: reasonOf(code), message: messageOf(error) };
}

function ready(observation: Observation): Judgement {
  const { plan, error, mount, situation } = observation;
  if (mount.metadata.deletionTimestamp !== undefined)
    return { status: 'False', reason: 'DeletionRequested', message: deletionMessage(observation) };
  const heldBack = heldBackChange(observation);
  if (heldBack) return { status: 'True', ...heldBack };
  const isUpkeep = plan.type === 'step' && plan.step.isUpkeep === true;
  if (error !== undefined && !isUpkeep) return failure(error);
  if (plan.type === 'refuse' || plan.type === 'blocked')
    return { status: 'False', reason: plan.reason, message: plan.message };
  if (plan.type === 'unanswered')
    return { status: 'Unknown', reason: plan.reason, message: plan.message };
  if (plan.type === 'step' && !isUpkeep) {
    const { message } = stepProgress(plan.step);
    return { status: 'False', reason: 'Progressing', message };
  }
  const path = situation.facts.mountPoint.path;
  const health = healthOf(observation);
  if (health?.phase === 'Failed') return health;
  if (situation.type === 'local')
    return { status: 'True', reason: 'AsExpected', message: `The directory ${path} is there.` };
  const message = `Mounted at ${path}.${health ? ` ${health.message}` : ''}`;
  return { status: 'True', reason: health ? health.reason : 'AsExpected', message };
}

/** What is mounted may be used, but not yet as the spec asks: somebody holds up the change. */
export function heldBackChange({
  plan,
  error,
  situation,
}: Observation): { reason: Reason; message: string } | undefined {
  const { path } = situation.facts.mountPoint;
  const note = plan.type === 'settled' ? plan.note : undefined;
  if (note) return { reason: note.reason, message: `Mounted at ${path}. ${note.message}` };
  const isChange = plan.type === 'step' && plan.step.type === 'unmount' && plan.step.forChange;
  if (!isChange || error === undefined) return undefined;
  const message = `Mounted at ${path}. What it is mounted with has changed: ${messageOf(error)}`;
  return { reason: 'RemountPending', message };
}

function deletionMessage({ plan, error }: Observation): string {
  if (error !== undefined) return messageOf(error);
  if (plan.type === 'step') return stepProgress(plan.step).message;
  if (plan.type === 'blocked' || plan.type === 'refuse') return plan.message;
  return plan.type === 'cleanedUp' && plan.kept ? plan.kept : 'Everything was undone.';
}

function reconciling(observation: Observation): Judgement | undefined {
  const { plan, error, situation } = observation;
  const heldBack = heldBackChange(observation);
  if (heldBack) return { status: 'True', ...heldBack };
  if (plan.type === 'step') {
    const { message } = stepProgress(plan.step);
    const reason = error === undefined ? 'Progressing' : failure(error).reason;
    const detail = error === undefined ? message : `${message} Tried again: ${messageOf(error)}`;
    return { status: 'True', reason, message: detail };
  }
  const array = 'array' in situation.facts ? situation.facts.array : undefined;
  const sync = plan.type === 'settled' ? syncProgress(array) : undefined;
  // A sync in the background is shown by progress; the object itself is as the spec asks.
  return sync && array?.syncAction === 'reshape'
    ? { status: 'True', reason: 'Progressing', message: sync.message }
    : undefined;
}

function stalled({ plan }: Observation): Judgement | undefined {
  const complaint = plan.type === 'settled' ? plan.complaint : undefined;
  if (complaint) return { status: 'True', ...complaint };
  if (plan.type !== 'refuse' && plan.type !== 'blocked') return undefined;
  return { status: 'True', reason: plan.reason, message: plan.message };
}

function disksClaimed({ plan, entry }: Observation): Judgement {
  const count = entry?.claims.length ?? 0;
  if (count > 0)
    return { status: 'True', reason: 'AsExpected', message: `${count} disks belong to this pool.` };
  if (plan.type === 'refuse' && plan.reason.startsWith('Device'))
    return { status: 'False', reason: plan.reason, message: plan.message };
  if (plan.type === 'cleanedUp')
    return { status: 'False', reason: 'CleanedUp', message: 'The disks were released.' };
  return { status: 'False', reason: 'Progressing', message: 'The disks are not reserved yet.' };
}

function arrayHealthy(observation: Observation): Judgement {
  const health = healthOf(observation);
  if (!health)
    return { status: 'Unknown', reason: 'NotYetObserved', message: 'No array is running.' };
  const { status, reason, message } = health;
  return { status, reason, message };
}

/** Absent until the first comparison of all copies has begun. */
function arrayConsistent({ situation, entry }: Observation): Judgement | undefined {
  const array = 'array' in situation.facts ? situation.facts.array : undefined;
  const scrub = entry?.scrub;
  if (!array) return undefined;
  const request = situation.type === 'mdadm' ? situation.intent.scrubRequest : undefined;
  const isOpen = scrub && scrub.completedAt === undefined;
  if (isOpen && array.syncAction === 'check')
    return { status: 'Unknown', reason: 'ScrubRunning', message: 'All copies are being compared.' };
  if (isOpen || (request !== undefined && request !== scrub?.request && array.level !== 0)) {
    const message = 'All copies will be compared once the array is whole and syncs nothing else.';
    return { status: 'Unknown', reason: 'ScrubWaiting', message };
  }
  if (!scrub) return undefined;
  const { completedAt, mismatchCount = 0 } = scrub;
  if (mismatchCount === 0)
    return {
      status: 'True',
      reason: 'ScrubClean',
      message: `No difference was found; completed at ${completedAt}.`,
    };
  const message =
    `${mismatchCount} sectors differ between copies or parities; found at ${completedAt}. ` +
    'Nothing was repaired, as the kernel cannot know which copy is right: compare the data with a ' +
    'backup and look at the disks. On mirrors, sectors that no file uses may differ harmlessly.';
  return { status: 'False', reason: 'MismatchesFound', message };
}

function formatted({ situation, entry }: Observation): Judgement {
  const found = 'filesystem' in situation.facts ? situation.facts.filesystem : undefined;
  const isDone = entry?.filesystem === 'made' || entry?.active === true;
  if (found?.type === 'found' && isDone)
    return { status: 'True', reason: 'AsExpected', message: `${found.filesystem} is in place.` };
  const message = 'There is no finished filesystem.';
  return { status: 'False', reason: 'Progressing', message };
}

function prerequisites({ situation }: Observation): Judgement {
  const { missing } = situation.facts;
  if (missing.length === 0)
    return { status: 'True', reason: 'AsExpected', message: 'The node has all that is needed.' };
  const message = `The node lacks ${missing.join(', ')}.`;
  return { status: 'False', reason: 'PrerequisitesMissing', message };
}

function mounted({ situation, error, plan }: Observation): Judgement {
  const { mountPoint } = situation.facts;
  const own = mountPoint.mounts.find(({ isOurs }) => isOurs);
  if (own && plan.type === 'unanswered')
    return { status: 'Unknown', reason: plan.reason, message: plan.message };
  if (own && situation.type === 'local' && plan.type === 'refuse')
    return { status: 'False', reason: plan.reason, message: plan.message };
  if (own)
    return {
      status: 'True',
      reason: 'AsExpected',
      message:
        situation.type === 'local'
          ? `The directory lies on ${own.source}.`
          : `${own.source} is mounted at ${mountPoint.path}.`,
    };
  if (error !== undefined && plan.type === 'step' && plan.step.type === 'mount')
    return { status: 'False', reason: 'MountFailed', message: messageOf(error) };
  return { status: 'False', reason: 'Progressing', message: 'It is not mounted.' };
}

function cleanedUp({ plan, error }: Observation): Judgement {
  if (plan.type === 'cleanedUp')
    return {
      status: 'True',
      reason: plan.kept === undefined ? 'CleanedUp' : 'AsExpected',
      message: plan.kept ?? 'Nothing of it is left on the node.',
    };
  if (plan.type === 'blocked')
    return { status: 'False', reason: plan.reason, message: plan.message };
  if (error !== undefined) {
    const isHeld = error instanceof PoolkeeperError && error.code === 'CleanupBlocked';
    const reason = isHeld ? 'CleanupBlocked' : 'CleanupFailed';
    return { status: 'False', reason, message: messageOf(error) };
  }
  return { status: 'False', reason: 'Progressing', message: 'It is being undone.' };
}
