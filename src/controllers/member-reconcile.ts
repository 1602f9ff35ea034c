// The end of every member's pass: write the status once, tell about transitions, say when to look again.
import type { AnyObject, Resource } from '../api/object.ts';
import type { PoolInstance, PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import { type Result, statusPatch } from '../kube/index.ts';
import { MIN_POLL_MILLISECONDS } from '../plan/backoff.ts';
import { memberCondition } from '../plan/member-conditions.ts';
import type { Log } from '../runtime/log.ts';
import type { EffectOutcome } from './cloud-effect.ts';
import type { ControllerContext } from './context.ts';
import { reportTransition, subjectOf } from './report-transition.ts';
import { writeStatus } from './write-status.ts';

type MemberStatus = PoolInstanceStatus | PoolVolumeStatus;
type MemberSpec = PoolInstance['spec'];

interface Member extends AnyObject {
  spec: Pick<MemberSpec, 'poolRef' | 'claimRef'>;
  status?: MemberStatus;
}

interface Pass<M extends Member> {
  readonly resource: Resource<M>;
  readonly member: M;
  readonly plan: {
    readonly step: unknown;
    readonly because: string;
    readonly waitMilliseconds?: number;
  };
  readonly outcome: EffectOutcome<MemberStatus>;
  /** Ties this pass's log lines, history and calls to Azure together. */
  readonly correlationId?: string;
  /** The record itself is gone: there is no status to write any more. */
  readonly gone: boolean;
}

export async function finishPass<M extends Member>(
  context: ControllerContext,
  log: Log,
  pass: Pass<M>,
): Promise<Result> {
  const { resource, member, plan, outcome } = pass;
  if (pass.gone) return { type: 'done' };
  const now = context.runtime.clock.now();
  const status = memberCondition(outcome.status, member.metadata.generation, now);
  // Nothing but the generation is new, and the pass that looks at the step's effect writes again anyway.
  const generation = member.status?.observedGeneration;
  const isOnlySeen = plan.step !== undefined && isSame(member, outcome.status, generation, now);
  if (!isOnlySeen) await writeStatus(context.client, resource, latest(context, member), status);
  reportPhase(context, log, pass, status);
  reportEviction(context, pass, status);
  recordEffect(context, pass, status);
  if (outcome.error) return { type: 'retry', error: outcome.error };
  if (plan.waitMilliseconds !== undefined) {
    return { type: 'wait', afterMilliseconds: plan.waitMilliseconds, why: plan.because };
  }
  // A step's effect is looked at in the next pass, also when it changed nothing that a watch would show.
  if (plan.step !== undefined) {
    return { type: 'wait', afterMilliseconds: MIN_POLL_MILLISECONDS, why: plan.because };
  }
  return { type: 'done' };
}

function isSame(
  { status }: Member,
  after: MemberStatus,
  generation: number | undefined,
  now: number,
): boolean {
  if (!status) return false;
  return statusPatch({ status }, memberCondition(after, generation, now)) === undefined;
}

/** At the version that our own step left behind, so that the status is not refused first. */
function latest<M extends Member>({ stores }: ControllerContext, member: M): M {
  const { uid } = member.metadata;
  const known = stores.poolInstances.byUid(uid) ?? stores.poolVolumes.byUid(uid);
  const resourceVersion = known?.metadata.resourceVersion;
  return resourceVersion === undefined
    ? member
    : { ...member, metadata: { ...member.metadata, resourceVersion } };
}

function reportPhase<M extends Member>(
  context: ControllerContext,
  log: Log,
  { member, correlationId }: Pass<M>,
  after: MemberStatus,
): void {
  const from = member.status?.phase ?? 'Pending';
  if (after.phase === from) return;
  reportTransition(context, log, {
    object: member,
    pool: member.spec.poolRef.name,
    from,
    to: after.phase,
    because: after.history[0]?.because ?? '',
    since: member.status?.history[0]?.time ?? member.metadata.creationTimestamp,
    isBad: after.phase === 'Failed' || after.phase === 'Quarantined',
    // The claim's own Events name the machine, and bindings and releases are what must be cheap.
    hasOtherEvent: after.phase === 'Claimed' || (after.phase === 'Releasing' && isOfClaim(member)),
    claim: claimOf(member),
    correlationId,
  });
}

/** Told to whoever uses the machine as well: nobody else will. */
function reportEviction<M extends Member>(
  { events, stores }: ControllerContext,
  { member }: Pass<M>,
  { lastError }: MemberStatus,
): void {
  const before = member.status?.lastError;
  if (lastError?.code !== 'Evicted' || before?.time === lastError.time) return;
  const claim = member.spec.claimRef && stores.instanceClaims.byUid(member.spec.claimRef.uid);
  for (const object of claim ? [member, claim] : [member]) {
    events.event(object, 'Warning', 'Evicted', 'Observe', lastError.message);
  }
}

/** What Azure accepted or refused in this pass. Losing a race or waiting for budget is no news. */
function recordEffect<M extends Member>(
  { history, runtime }: ControllerContext,
  { member, outcome, plan, correlationId }: Pass<M>,
  { operation }: MemberStatus,
): void {
  if (!history) return;
  const about = {
    ...subjectOf(member, member.spec.poolRef.name),
    time: runtime.clock.now(),
    ...(member.spec.claimRef && { claim: claimOf(member)! }),
    ...(correlationId !== undefined && { correlationId }),
  };
  const { error } = outcome;
  if (error && error.class !== 'Throttled' && error.class !== 'PreconditionFailed') {
    history.record({ ...about, event: 'Failure', what: error.code, because: error.message });
  }
  if (operation && operation.url !== member.status?.operation?.url) {
    history.record({ ...about, event: 'Operation', what: operation.type, because: plan.because });
  }
}

function isOfClaim({ kind, spec }: Member): boolean {
  return kind === 'PoolInstance' && spec.claimRef !== undefined;
}

function claimOf({ spec: { claimRef } }: Member): string | undefined {
  return claimRef && `${claimRef.namespace}/${claimRef.name}`;
}
