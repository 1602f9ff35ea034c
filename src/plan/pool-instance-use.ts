// A VM at rest or in use: its attached disks are made those that are meant for it.
import { timestamp } from '../api/conditions.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import { POLL_ATTACH, POLL_INSTANCE } from './backoff.ts';
import { planDataDisks } from './data-disks.ts';
import { planHook, planRunningHook } from './hooks.ts';
import { carriesTags, inPhase, withoutOperation } from './member.ts';
import type { MachineSeen, PoolInstancePlan, PoolInstanceSnapshot } from './pool-instance.ts';
import { isOn, orphansOn } from './pool-instance-orphan.ts';
import {
  failed,
  polled,
  rest,
  retried,
  tagsFor,
  withError,
  withMachine,
} from './pool-instance-status.ts';
import { disappearance, evictionOf, isWatched, nextLookMilliseconds } from './spot.ts';
import { isInWarmState, stepToWarmState } from './warm-state.ts';

/** Free or claimed: make the attached disks those that are meant for it. */
export function planUse(
  snapshot: PoolInstanceSnapshot,
  before: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation } = snapshot;
  const { claimRef } = instance.spec;
  let status = before;
  if (claimRef && status.phase !== 'Claimed') {
    status = inPhase(
      status,
      'Claimed',
      `bound to claim ${claimRef.namespace}/${claimRef.name}`,
      now,
    );
    status = { ...status, claimedAt: timestamp(now) };
  }
  if (machine === 'unread') return rest(status, claimRef ? 'is claimed' : 'is free');
  if (machine === 'absent') {
    const gone = disappearance(instance);
    if (!claimRef) return failed(status, gone, now);
    const { powerState: _, ...azure } = status.azure ?? { name: '', resourceId: '' };
    const lost = { ...withError(status, gone, now), ...(status.azure ? { azure } : {}) };
    return rest(lost, gone.message);
  }
  const seen = withMachine(status, machine);
  // A script's operation is the hook's to judge: its failure is no failure of the machine.
  const isScript = status.operation?.type === 'RunCommand';
  if (!isScript && operation?.state === 'InProgress')
    return polled(snapshot, seen, POLL_ATTACH, now);
  if (!isScript && operation?.state === 'Failed') return retried(seen, operation, now);
  // The machine counts as updating while a script runs in it: its time must be judged all the same.
  const running = planRunningHook(snapshot, seen, 'onClaim', now);
  if (running) return running;
  if (machine.provisioningState === 'Updating') return polled(snapshot, seen, POLL_ATTACH, now);
  if (machine.provisioningState === 'Failed' && !claimRef) {
    const message = `VM ${machine.name} is in the provisioning state Failed`;
    return failed(seen, machine.failure ?? { code: 'ForeignChange', message }, now);
  }
  // Nothing of a hibernated machine can be changed before it is started.
  if (claimRef && machine.hibernated) return wake(snapshot, seen, machine, now);
  const claimed = { ...snapshot, instance: { ...instance, status } };
  const tags = tagsFor(claimed, claimRef ? 'connected' : 'free');
  const { strays = [] } = snapshot;
  const abandoned = [
    ...(snapshot.abandoned ?? []),
    ...snapshot.volumes.filter((volume) => volume.spec.orphan && !isOn(machine, volume)),
  ];
  const wanted = snapshot.volumes.filter((volume) => !abandoned.includes(volume));
  const orphans = wanted.filter(({ spec }) => spec.orphan !== undefined);
  const disks = planDataDisks(machine.dataDisks, wanted, strays);
  if (disks.change) {
    const operationType = disks.change.attach.length > 0 ? 'Attach' : 'Detach';
    const step = {
      type: 'changeDataDisks',
      operation: operationType,
      ...disks.change,
      tags,
    } as const;
    return { step, because: disks.because, status: seen };
  }
  const stays = orphansOn(machine, orphans, seen);
  const ours = disks.attached.filter(({ uid }) => !stays.some((orphan) => orphan.uid === uid));
  const settled = { ...withoutOperation(seen), volumes: [...ours, ...stays] };
  if (!carriesTags(machine.tags, tags)) {
    return {
      step: { type: 'tagInstance', id: machine.id, tags },
      because: 'tags follow',
      status: settled,
    };
  }
  if (abandoned.length > 0) {
    const step = { type: 'releaseVolumes', volumes: abandoned } as const;
    return { step, because: 'their claim is over', status: settled };
  }
  if (disks.waiting) return rest(settled, disks.because);
  if (!claimRef) return restFree(snapshot, settled, machine, now);
  if (machine.powerState !== 'running') {
    const evicted = evictionOf(instance, machine);
    const woken = wake(snapshot, settled, machine, now);
    return evicted ? { ...woken, status: withError(woken.status, evicted, now) } : woken;
  }
  const hook = planHook(snapshot, settled, 'onClaim', now);
  if (hook) return hook;
  const atRest = rest(settled, 'is claimed');
  if (!isWatched(instance)) return atRest;
  return { ...atRest, waitMilliseconds: nextLookMilliseconds(snapshot.pool, snapshot.pollPace) };
}

/** A machine that waited switched off is started for its claim. */
function wake(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  machine: MachineSeen,
  now: number,
): PoolInstancePlan {
  const step = stepToWarmState(machine, 'Running');
  // Failed attempts count until it runs: each makes the next wait longer.
  const attempts = snapshot.instance.status?.attempts ?? 0;
  const counted = { ...status, attempts };
  if (!step) return polled(snapshot, counted, POLL_INSTANCE, now);
  const because = 'its claim needs it running';
  return { step, because, status: { ...withoutOperation(counted), attempts } };
}

/** Switched on or off by hand it isn't free until it waits again as the pool says. */
function restFree(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  machine: MachineSeen,
  now: number,
): PoolInstancePlan {
  const warmState = snapshot.pool?.spec.warmState ?? 'Running';
  if (isInWarmState(machine, warmState)) return rest(status, 'is free');
  const evicted = evictionOf(snapshot.instance, machine);
  if (evicted) return failed(status, evicted, now);
  const because = `it is ${machine.powerState}, not as warmState ${warmState} wants it`;
  const waiting = inPhase(status, 'Creating', because, now);
  return { step: undefined, because, status: waiting, waitMilliseconds: 0 };
}
