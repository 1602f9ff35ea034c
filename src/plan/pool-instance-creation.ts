// A VM on its way: asked for once, looked at until it runs, tagged as free.
import { timestamp } from '../api/conditions.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import { planAdoptedInstance } from './adoption-instance.ts';
import { POLL_INSTANCE } from './backoff.ts';
import { carriesTags, heldBack, inPhase, ownsTags, withoutOperation } from './member.ts';
import { machineName, type PoolInstancePlan, type PoolInstanceSnapshot } from './pool-instance.ts';
import { failed, polled, rest, tagsFor, withMachine } from './pool-instance-status.ts';
import { isInWarmState, stepToWarmState } from './warm-state.ts';

/** An accepted creation whose VM does not show after this long is asked for again. */
const CREATION_VISIBLE_MILLISECONDS = 300_000;

export function planCreation(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation, pool } = snapshot;
  const adopted = planAdoptedInstance(snapshot, status, now);
  if (adopted) return adopted;
  if (operation?.state === 'Failed') return failed(status, operation, now);
  if (machine === 'unread') return rest(status, 'waits for a look at Azure');
  if (machine === 'absent') {
    const startedAt = status.operation && Date.parse(status.operation.startedAt);
    const accepted = startedAt !== undefined && operation?.state !== 'Unknown';
    if (accepted && now - startedAt < CREATION_VISIBLE_MILLISECONDS) {
      return polled(snapshot, status, POLL_INSTANCE, now);
    }
    if (!pool) return rest(status, 'its pool is gone');
    if (snapshot.refusal) return heldBack(status, snapshot.refusal, now);
    const because = 'the record exists, the VM does not';
    const tags = tagsFor(snapshot, 'creating');
    const step = { type: 'createInstance', name: machineName(instance), tags } as const;
    return { step, because, status: inPhase(status, 'Creating', because, now) };
  }
  if (!ownsTags(instance, machine.tags)) {
    const message = `VM ${machine.name} is not tagged as ours`;
    return failed(status, { code: 'ForeignChange', message }, now);
  }
  const seen = withMachine(status, machine);
  if (machine.provisioningState === 'Failed') {
    const message = `Azure failed to create VM ${machine.name}`;
    return failed(seen, machine.failure ?? { code: 'CreateFailed', message }, now);
  }
  const warmState = pool?.spec.warmState ?? 'Running';
  const creating = inPhase(seen, 'Creating', 'Azure is making it', now);
  if (machine.provisioningState !== 'Succeeded' || operation?.state === 'InProgress') {
    return polled(snapshot, creating, POLL_INSTANCE, now);
  }
  // Bound already: this status is late, and the machine is not ours to stop or to call free.
  const isBound = instance.spec.claimRef !== undefined;
  if (!isBound && !isInWarmState(machine, warmState)) {
    const step = stepToWarmState(machine, warmState);
    if (!step) return polled(snapshot, creating, POLL_INSTANCE, now);
    return { step, because: `warmState is ${warmState}`, status: withoutOperation(creating) };
  }
  const tags = tagsFor(snapshot, 'free');
  const because = warmState === 'Running' ? 'it runs' : `it is ${warmState.toLowerCase()}`;
  const done = inPhase(withoutOperation(seen), 'Free', because, now);
  const time = timestamp(now);
  return {
    step:
      isBound || carriesTags(machine.tags, tags)
        ? undefined
        : { type: 'tagInstance', id: machine.id, tags },
    because,
    status: { ...done, createdAt: done.createdAt ?? time, freeSince: time },
  };
}
