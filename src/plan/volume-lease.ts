// What a storage pool does to have its disks from a VolumePool: take as many empty ones as it asks for,
// all or none; attach them to the VM of its node in one write; and let go of those that the array is done
// with. Everything is judged by what Azure shows, so that a crash between any two steps changes nothing.
import { reasonOfError } from './azure-reasons.ts';
import { planDataDisks } from './data-disks.ts';
import { isSameResource, machineOfNode } from './node-machine.ts';
import { failedAttachment, heldUntilNextAttempt, pollLease } from './volume-lease-attempts.ts';
import { planClaiming } from './volume-lease-claiming.ts';
import { type LeaseSnapshot, machineIdOf, type NodeMachineSeen } from './volume-lease-facts.ts';
import { refuseForeign } from './volume-lease-guard.ts';
import {
  type HeldLease,
  type LeaseOrder,
  orderLeases,
  volumesWanted,
} from './volume-lease-order.ts';
import type { LeasePlan, LeaseStep } from './volume-lease-step.ts';
import { isInUse } from './volume-lease-use.ts';
import { devicesFor, viewOf } from './volume-lease-view.ts';

type Decision = Omit<LeasePlan, 'volumes' | 'devices'>;

export function planLease(snapshot: LeaseSnapshot, now: number): LeasePlan {
  const order = orderLeases(snapshot.pool, snapshot.leased);
  const volumes = viewOf(snapshot, order);
  const devices = devicesFor(snapshot, order, volumes);
  return { ...decide(snapshot, order, now), volumes, devices };
}

function decide(snapshot: LeaseSnapshot, order: LeaseOrder, now: number): Decision {
  const { node, pool } = snapshot;
  const { attachment } = pool.status ?? {};
  const nothing = { steps: [], attachment };
  if (snapshot.trouble) return { ...nothing, ...troubled(snapshot.trouble) };
  // Its mount says what is known of a node that is gone.
  if (!node) return nothing;
  const machine = machineOfNode(node.name, node.providerId);
  if (machine.type === 'unsupported')
    return { ...nothing, stall: { reason: 'UnsupportedNode', message: machine.message } };
  const claiming = planClaiming(snapshot, order);
  // Without all of them an array that isn't made yet can't be: none is attached for nothing.
  const isEarly = claiming && !snapshot.hasMount && order.lacking > 0;
  if (claiming && (isEarly || claiming.steps.length > 0)) return { ...nothing, ...claiming };
  return { ...claiming, ...planAttaching(snapshot, order, now) };
}

function planAttaching(snapshot: LeaseSnapshot, order: LeaseOrder, now: number): Decision {
  const { pool, machine, operation } = snapshot;
  const { attachment } = pool.status ?? {};
  if (operation?.state === 'InProgress') return working(snapshot, order, now);
  if (machine === 'unread') return { steps: [], attachment };
  if (machine === 'absent') {
    const name = machineIdOf(snapshot)?.split('/').at(-1);
    const message = `Azure has no VM ${name}, on which node ${snapshot.node?.name} is to run`;
    const stall = { reason: 'NodeNotFound', message } as const;
    return { steps: [], attachment, stall, waitMilliseconds: ABSENT_MILLISECONDS };
  }
  if (operation?.state === 'Failed' && attachment)
    return failedAttachment(attachment, operation, now);
  const foreign = refuseForeign(snapshot, order, machine);
  if (foreign) return { steps: [], attachment, ...foreign };
  const moves = planMoves(snapshot, order, machine);
  if (moves.length > 0) return { steps: moves, attachment };
  if (machine.provisioningState === 'Updating') return working(snapshot, order, now);
  const step = planChange(snapshot, order, machine);
  if (step) {
    const held = heldUntilNextAttempt(attachment, now);
    return held ?? { ...working(snapshot, order, now), steps: [step] };
  }
  const releases = planReleases(snapshot, order, machine);
  const isSettled =
    attachedCount(snapshot, order) === order.kept.length && order.leaving.length === 0;
  if (releases.length === 0 && !isSettled) return working(snapshot, order, now);
  return { steps: releases, attachment: undefined };
}

/** Azure could not be asked: what it said last is shown. */
export function troubled(trouble: { readonly code: string; readonly message: string }) {
  const message = `Azure could not be asked for the disks of the node: ${trouble.message}`;
  const said = { reason: reasonOfError(trouble), message };
  return said.reason === 'AuthorizationFailed' ? { stall: said } : { waits: said };
}

/** Until somebody makes the VM anew, there is nothing to be done. */
const ABSENT_MILLISECONDS = 30_000;

function working(snapshot: LeaseSnapshot, order: LeaseOrder, now: number): Decision {
  const { pool } = snapshot;
  const total = volumesWanted(pool);
  const attached = attachedCount(snapshot, order);
  const waitMilliseconds = pollLease(snapshot, now);
  const { attachment } = pool.status ?? {};
  if (attached === order.kept.length) return { steps: [], attachment, waitMilliseconds };
  const message = `${attached} of ${total} disks are attached to node ${snapshot.node?.name}`;
  const percent = Math.floor((100 * attached) / total);
  return {
    steps: [],
    attachment,
    waits: { reason: 'AttachingVolume', message },
    progress: { step: 'AttachDisks', percent, message },
    waitMilliseconds,
  };
}

function attachedCount(snapshot: LeaseSnapshot, order: LeaseOrder): number {
  const kept = new Set(order.kept.map(({ entry, volume }) => volume?.metadata.uid ?? entry?.uid));
  const attached = viewOf(snapshot, order).filter(({ state }) => state === 'Attached');
  return attached.filter(({ uid }) => kept.has(uid)).length;
}

/** Records that name the VM that the node ran on before. */
function planMoves(
  snapshot: LeaseSnapshot,
  { kept }: LeaseOrder,
  machine: NodeMachineSeen,
): LeaseStep[] {
  const { node } = snapshot;
  const machineId = machineIdOf(snapshot);
  if (!node || machineId === undefined) return [];
  return kept.flatMap(({ volume }): LeaseStep[] => {
    if (!volume || isSameResource(volume.spec.node?.machineId, machineId)) return [];
    const live = snapshot.disks.get(volume.metadata.uid);
    const isLoose = live !== undefined && live !== 'absent' && live.managedBy === undefined;
    const isHere =
      live !== undefined && live !== 'absent' && isSameResource(live.managedBy, machine.id);
    if (!isLoose && !isHere) return [];
    const because = `node ${node.name} runs on another VM now`;
    return [{ type: 'moveVolume', volume, node: { name: node.name, machineId }, because }];
  });
}

/** One write attaches all that is missing and detaches all that the array is done with. */
function planChange(
  snapshot: LeaseSnapshot,
  order: LeaseOrder,
  machine: NodeMachineSeen,
): LeaseStep | undefined {
  const proven = order.kept.flatMap(({ volume }) =>
    volume && snapshot.disks.has(volume.metadata.uid) ? [volume] : [],
  );
  const done = order.leaving.filter((lease) => !isInUse(snapshot, lease)).map(asKnown);
  const { change } = planDataDisks(machine.dataDisks, proven, done);
  const again = failedBefore(snapshot, order, machine);
  const attach = [...(change?.attach ?? []), ...again];
  const detach = [...new Set([...(change?.detach ?? []), ...halfDetached(machine, done)])];
  if (attach.length + detach.length === 0) return undefined;
  const operation = attach.length > 0 ? 'Attach' : 'Detach';
  const because =
    attach.length > 0
      ? `attach ${attach.length} disks to ${machine.name}`
      : `the array does without ${detach.length} disks`;
  return { type: 'changeNodeDisks', operation, attach, detach, because };
}

/** After a failed attach Azure may list a disk that it does not have. */
function failedBefore(
  { disks }: LeaseSnapshot,
  { kept }: LeaseOrder,
  machine: NodeMachineSeen,
): { diskId: string; lun: number }[] {
  if (machine.provisioningState !== 'Failed') return [];
  return kept.flatMap(({ volume }) => {
    const live = volume && disks.get(volume.metadata.uid);
    if (!live || live === 'absent' || live.managedBy !== undefined) return [];
    const listed = machine.dataDisks.find(({ diskId }) => isSameResource(diskId, live.id));
    return listed ? [{ diskId: live.id, lun: listed.lun }] : [];
  });
}

/** A detach that failed leaves the disk marked and attached: it is asked for again. */
export function halfDetached(
  machine: NodeMachineSeen,
  known: readonly { readonly resourceId: string }[],
): string[] {
  return machine.dataDisks
    .filter(({ toBeDetached }) => toBeDetached)
    .map(({ diskId }) => diskId)
    .filter((id) => known.some(({ resourceId }) => isSameResource(resourceId, id)));
}

export function asKnown({ volume }: HeldLease) {
  const { name, uid } = volume.metadata;
  return { name, uid, resourceId: volume.status?.azure?.resourceId ?? '', lun: 0 };
}

/** What the array is done with, and Azure shows detached, goes back to its pool. */
function planReleases(
  snapshot: LeaseSnapshot,
  { leaving }: LeaseOrder,
  machine: NodeMachineSeen,
): LeaseStep[] {
  return leaving.flatMap((lease): LeaseStep[] => {
    const { volume } = lease;
    const live = snapshot.disks.get(volume.metadata.uid);
    const isGone = live === 'absent';
    const isLoose = live !== undefined && live !== 'absent' && live.managedBy === undefined;
    const isListed = machine.dataDisks.some(({ diskId }) =>
      isSameResource(diskId, volume.status?.azure?.resourceId),
    );
    if (isInUse(snapshot, lease) || isListed || !(isGone || isLoose)) return [];
    const because = 'the array does without it, and it is detached';
    return [{ type: 'releaseVolume', volume, releasedAs: undefined, because }];
  });
}
