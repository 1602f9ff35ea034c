// A storage pool that is deleted gives its disks back: once its mounts are undone they are detached, and
// only when Azure shows each of them detached does it go back to its pool.

import { annotations } from '../api/names.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { isSameResource, nameOfResource } from './node-machine.ts';
import { troubled } from './volume-lease.ts';
import { failedAttachment, heldUntilNextAttempt, pollLease } from './volume-lease-attempts.ts';
import { isOn, type LeaseSnapshot, type NodeMachineSeen } from './volume-lease-facts.ts';
import { orderLeases } from './volume-lease-order.ts';
import type { LeasePlan, LeaseStep } from './volume-lease-step.ts';
import { viewOf } from './volume-lease-view.ts';

type Decision = Omit<LeasePlan, 'volumes' | 'devices'>;

/** `wasActive`: somebody's bytes may be on the disks. */
export function planLeaseRelease(
  snapshot: LeaseSnapshot,
  wasActive: boolean,
  now: number,
): LeasePlan {
  const volumes = viewOf(snapshot, orderLeases(snapshot.pool, snapshot.leased));
  return { ...decide(snapshot, wasActive, now), volumes, devices: undefined };
}

function decide(snapshot: LeaseSnapshot, wasActive: boolean, now: number): Decision {
  const { pool, leased, hasMount, machine, operation } = snapshot;
  const { attachment } = pool.status ?? {};
  const machineId = leased[0]?.spec.node?.machineId;
  if (hasMount || machineId === undefined) return { steps: [], attachment };
  if (snapshot.trouble) return { steps: [], attachment, ...troubled(snapshot.trouble) };
  const name = nameOfResource(machineId);
  const waits = (message: string): Decision => ({
    steps: [],
    attachment,
    waits: { reason: 'DeletionRequested', message },
    waitMilliseconds: pollLease(snapshot, now),
  });
  if (operation?.state === 'InProgress')
    return waits(`its disks are being detached from VM ${name}`);
  if (machine === 'unread') return waits(`waits for a look at VM ${name}`);
  if (operation?.state === 'Failed' && attachment)
    return failedAttachment(attachment, operation, now);
  if (machine !== 'absent') {
    if (machine.provisioningState === 'Updating')
      return waits(`waits until Azure has changed VM ${name}`);
    const detach = listedOn(snapshot, machine);
    if (detach.length > 0) {
      const held = refuseRunning(snapshot, machine) ?? heldUntilNextAttempt(attachment, now);
      if (held) {
        const waitMilliseconds = RUNNING_MILLISECONDS / snapshot.pollPace;
        return { steps: [], attachment, waitMilliseconds, ...held };
      }
      const because = `detach ${detach.length} disks from ${name}`;
      const step = {
        type: 'changeNodeDisks',
        operation: 'Detach',
        attach: [],
        detach,
        because,
      } as const;
      return { ...waits(because), steps: [step] };
    }
  }
  const here = leased.filter((volume) => isOn(volume, machineId));
  const steps = here.flatMap((volume) => releaseOf(snapshot, volume, wasActive));
  const holder = here.flatMap((volume) => holderOf(snapshot, volume))[0];
  if (steps.length > 0 || holder === undefined)
    return { ...waits('its disks go back to their pool'), steps, attachment: undefined };
  return waits(`waits until Azure shows its disks detached from VM ${nameOfResource(holder)}`);
}

/** Nobody tells when a machine is switched off. */
const RUNNING_MILLISECONDS = 30_000;

/** Our disks on the VM, also those of which a detach failed. */
function listedOn({ leased }: LeaseSnapshot, machine: NodeMachineSeen): string[] {
  const ours = leased.flatMap(({ status }) => status?.azure?.resourceId ?? []);
  return machine.dataDisks
    .map(({ diskId }) => diskId)
    .filter((id) => ours.some((one) => isSameResource(one, id)));
}

/** Nobody could unmount them: under a machine that runs, writes would be lost. */
function refuseRunning(
  { pool, leased }: LeaseSnapshot,
  machine: NodeMachineSeen,
): Pick<Decision, 'waits'> | undefined {
  const nodeName = leased[0]?.spec.node?.name ?? '';
  const wasAbandoned = pool.status?.leftBehind.some((words) => words.startsWith(`${nodeName}: `));
  const isOff = machine.powerState === 'deallocated' || machine.powerState === 'stopped';
  const forgotten = (pool.metadata.annotations?.[annotations.forgetNode] ?? '').split(',');
  if (!wasAbandoned || isOff || forgotten.some((name) => name.trim() === nodeName))
    return undefined;
  const message =
    `VM ${machine.name} still has its disks and runs, and nobody has unmounted them; deallocate or ` +
    `delete the VM, or set the annotation ${annotations.forgetNode}=${nodeName} on the pool`;
  return { waits: { reason: 'CleanupBlocked', message } };
}

function releaseOf(snapshot: LeaseSnapshot, volume: PoolVolume, wasActive: boolean): LeaseStep[] {
  const live = snapshot.disks.get(volume.metadata.uid);
  if (!live || holderOf(snapshot, volume).length > 0) return [];
  const releasedAs = policyFor(snapshot, wasActive);
  const because = live === 'absent' ? 'Azure has it no more' : 'Azure shows it detached';
  return [{ type: 'releaseVolume', volume, releasedAs, because }];
}

/** The VM that has it, or is about to. */
function holderOf({ disks }: LeaseSnapshot, volume: PoolVolume): string[] {
  const live = disks.get(volume.metadata.uid);
  if (!live || live === 'absent') return [];
  if (live.managedBy !== undefined) return [live.managedBy];
  return live.diskState === 'Unattached' ? [] : [volume.spec.node?.machineId ?? ''];
}

/**
 * The storage pool's deletionPolicy goes first: what it retains no reclaimPolicy deletes. Of a pool that
 * was never Active nothing is anybody's. What was destroyed at its user's word is the VolumePool's matter.
 */
function policyFor(
  { pool }: LeaseSnapshot,
  wasActive: boolean,
): VolumePool['spec']['reclaimPolicy'] | undefined {
  if (!wasActive) return 'Delete';
  const { deletionPolicy, confirmDestroy } = pool.spec;
  const isDestroyed = deletionPolicy === 'Destroy' && confirmDestroy === pool.metadata.name;
  return isDestroyed ? undefined : 'Retain';
}
