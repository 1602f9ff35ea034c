// A VM whose pool was deleted with deletionPolicy Orphan while a claim had it. The machine and the disks on
// it are not touched: our tags come off, the claim is told, and only then the record goes, so that there is
// no moment in which the machine looks like something that was lost.
import { resourceFinalizer } from '../api/names.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { POLL_INSTANCE } from './backoff.ts';
import { planDataDisks } from './data-disks.ts';
import { inPhase, isOrphanTagged, orphanTags, withoutOperation } from './member.ts';
import type { MachineSeen, PoolInstancePlan, PoolInstanceSnapshot } from './pool-instance.ts';
import { polled, rest, withMachine } from './pool-instance-status.ts';

const BECAUSE = 'its pool is deleted with deletionPolicy Orphan';

export function planOrphan(
  snapshot: PoolInstanceSnapshot,
  before: PoolInstanceStatus,
  now: number,
): PoolInstancePlan {
  const { instance, machine, operation, volumes } = snapshot;
  const isDeleted = instance.metadata.deletionTimestamp !== undefined;
  if (isDeleted && !instance.metadata.finalizers?.includes(resourceFinalizer)) {
    return rest(before, 'is gone');
  }
  if (machine === 'unread') return rest(before, 'waits for a look at Azure');
  const status = inPhase(before, 'Releasing', BECAUSE, now);
  if (machine === 'absent') {
    if (volumes.length > 0) {
      return { step: { type: 'releaseVolumes', volumes }, because: 'the VM is gone', status };
    }
    return letGo(snapshot, status);
  }
  const seen = withMachine(status, machine);
  // What Azure is doing to it is brought to its end first: nothing is left half attached.
  if (operation?.state === 'InProgress' || machine.provisioningState === 'Updating') {
    return polled(snapshot, seen, POLL_INSTANCE, now);
  }
  const settled = { ...withoutOperation(seen), volumes: orphansOn(machine, volumes, before) };
  const disks = planDisks(machine, volumes, settled);
  if (disks) return disks;
  if (!isOrphanTagged(machine.tags)) {
    const tags = orphanTags(instance, snapshot.installation, machine.tags);
    const parts = { networkInterfaceIds: machine.networkInterfaceIds, osDiskId: machine.osDiskId };
    const step = { type: 'orphanMachine', id: machine.id, tags, parts } as const;
    return { step, because: BECAUSE, status: settled };
  }
  return letGo(snapshot, settled);
}

/** The disks on it stay on it and are let go of with it; one that never got there is not. */
function planDisks(
  machine: MachineSeen,
  volumes: readonly PoolVolume[],
  status: PoolInstanceStatus,
): PoolInstancePlan | undefined {
  const elsewhere = volumes.filter((volume) => !isOn(machine, volume));
  if (elsewhere.length > 0) {
    const step = { type: 'releaseVolumes', volumes: elsewhere } as const;
    return { step, because: 'they never got to the machine', status };
  }
  const unmarked = volumes.filter(({ spec }) => spec.orphan === undefined);
  if (unmarked.length > 0) {
    const step = { type: 'orphanVolumes', volumes: unmarked } as const;
    return { step, because: 'they stay on the machine, which is let go of', status };
  }
  return volumes.length > 0 ? rest(status, 'waits for the records of its disks to go') : undefined;
}

/** The claim is told first: afterwards there is nothing that could tell it. */
function letGo(
  { instance, isClaimTold }: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
): PoolInstancePlan {
  const { claimRef } = instance.spec;
  if (claimRef && isClaimTold !== true) {
    return rest(status, `waits until claim ${claimRef.name} has been told`);
  }
  const isDeleted = instance.metadata.deletionTimestamp !== undefined;
  const step = { type: isDeleted ? 'releaseRecord' : 'retire' } as const;
  return { step, because: 'the machine is no business of ours any more', status };
}

export function isOn({ dataDisks }: MachineSeen, { status }: PoolVolume): boolean {
  const id = status?.azure?.resourceId.toLowerCase();
  return dataDisks.some(({ diskId, toBeDetached }) => !toBeDetached && diskId.toLowerCase() === id);
}

/**
 * Disks on the machine that their pool has let go of, whether their records are still there or not. They are
 * left where they are while the machine is in use, and taken off when it is released.
 */
export function orphansOn(
  machine: MachineSeen,
  volumes: readonly PoolVolume[],
  { volumes: noted }: Pick<PoolInstanceStatus, 'volumes'>,
): PoolInstanceStatus['volumes'] {
  const present = new Set(machine.dataDisks.map(({ diskId }) => diskId.toLowerCase()));
  const known = new Set(volumes.map(({ metadata }) => metadata.uid));
  const recorded = planDataDisks(machine.dataDisks, volumes, []).attached;
  const gone = noted.filter(
    ({ orphaned, uid, resourceId }) =>
      orphaned === true && !known.has(uid) && present.has(resourceId.toLowerCase()),
  );
  return [...recorded.map((entry) => ({ ...entry, orphaned: true })), ...gone];
}
