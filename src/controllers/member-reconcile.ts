// The end of every member's pass: write the status once, tell about transitions, say when to look again.
import type { AnyObject, Resource } from '../api/object.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import type { Result } from '../kube/index.ts';
import { MIN_POLL_MILLISECONDS } from '../plan/backoff.ts';
import { memberCondition } from '../plan/member-conditions.ts';
import type { Log } from '../runtime/log.ts';
import type { EffectOutcome } from './cloud-effect.ts';
import type { ControllerContext } from './context.ts';
import { writeStatus } from './write-status.ts';

type MemberStatus = PoolInstanceStatus | PoolVolumeStatus;

interface Member extends AnyObject {
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
  const status = memberCondition(
    outcome.status,
    member.metadata.generation,
    context.runtime.clock.now(),
  );
  await writeStatus(context.client, resource, member, status);
  reportTransition(context, log, member, status);
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

function reportTransition(
  { events, runtime }: ControllerContext,
  log: Log,
  member: Member,
  after: MemberStatus,
): void {
  const from = member.status?.phase ?? 'Pending';
  if (after.phase === from) return;
  const because = after.history[0]?.because ?? '';
  const since = member.status?.history[0]?.time ?? member.metadata.creationTimestamp;
  const seconds = Math.max(0, Math.round((runtime.clock.now() - Date.parse(since)) / 1000));
  log.info('phase changed', { kind: member.kind, from, to: after.phase, because, seconds });
  const bad = after.phase === 'Failed' || after.phase === 'Quarantined';
  events.event(
    member,
    bad ? 'Warning' : 'Normal',
    after.phase,
    'Transition',
    because || after.phase,
  );
}
