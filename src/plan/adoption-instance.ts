// The first passes over a VM that was found without its record: where it stands is read from what it
// is bound to and from the live look, never asked of Azure anew.
import { timestamp } from '../api/conditions.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import { carriesTags, inPhase, ownsTags } from './member.ts';
import type { MachineSeen, PoolInstancePlan, PoolInstanceSnapshot } from './pool-instance.ts';
import { failed, rest, tagsFor, withError, withMachine } from './pool-instance-status.ts';

/** Undefined where an adopted VM goes on as one that was made for its record: on its way to Free. */
export function planAdoptedInstance(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  now: number,
): PoolInstancePlan | undefined {
  const { instance, machine } = snapshot;
  const { adopt, claimRef } = instance.spec;
  if (!adopt || machine === 'unread') return undefined;
  if (machine === 'absent') {
    const error = { code: 'ResourceDisappeared', message: 'the VM went while it was taken over' };
    if (!claimRef) return failed(status, error, now);
    return rest(withError(inPhase(status, 'Claimed', error.message, now), error, now), '');
  }
  if (!ownsTags(instance, machine.tags)) return undefined;
  const seen = { ...withMachine(status, machine), createdAt: timestamp(now) };
  if (claimRef) return takeOverClaimed(snapshot, seen, machine, now);
  if (adopt.quarantine !== undefined) return setAside(snapshot, seen, machine, now);
  return undefined;
}

function takeOverClaimed(
  snapshot: PoolInstanceSnapshot,
  seen: PoolInstanceStatus,
  machine: MachineSeen,
  now: number,
): PoolInstancePlan {
  const { uid, namespace, name } = snapshot.instance.spec.claimRef!;
  const because = `found again, bound to claim ${namespace}/${name}`;
  // A hook is asked for after the tags say connected; asked for once, it is not asked for again.
  const wasConnected = machine.tags['poolkeeper:claim-uid'] === uid;
  const status: PoolInstanceStatus = {
    ...inPhase(seen, 'Claimed', because, now),
    claimedAt: timestamp(now),
    ...(wasConnected ? { hooks: { claimUid: uid, onClaim: 'Succeeded' } } : {}),
  };
  return tagged(machine, { status, because, tags: tagsFor(snapshot, 'connected') });
}

function setAside(
  snapshot: PoolInstanceSnapshot,
  seen: PoolInstanceStatus,
  machine: MachineSeen,
  now: number,
): PoolInstancePlan {
  const because = snapshot.instance.spec.adopt!.quarantine!;
  const status: PoolInstanceStatus = {
    ...inPhase(seen, 'Quarantined', because, now),
    lastError: { code: 'StateUnproven', message: because, time: timestamp(now) },
  };
  return tagged(machine, { status, because, tags: tagsFor(snapshot, 'quarantined') });
}

function tagged(
  machine: MachineSeen,
  plan: {
    readonly status: PoolInstanceStatus;
    readonly because: string;
    readonly tags: Record<string, string>;
  },
): PoolInstancePlan {
  const { status, because, tags } = plan;
  const step = { type: 'tagInstance', id: machine.id, tags } as const;
  // One that is busy takes no write, maybe for hours: what it is must be said all the same.
  const isReady = machine.provisioningState === 'Succeeded';
  return { step: isReady && !carriesTags(machine.tags, tags) ? step : undefined, because, status };
}
