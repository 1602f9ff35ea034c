// What becomes of disks when a write is accepted, when its operation ends, and when the machine's
// power changes. The attach itself is what makes a disk exclusive.
import { randomUuid } from '../../../runtime/random.ts';
import type { Cloud } from '../calls.ts';
import type { DataDisk, DiskRecord, DiskState, VirtualMachineRecord } from '../records.ts';
import { sameId } from '../resource-ids.ts';
import type { DataDiskChange } from './data-disks.ts';

/** Takes hold of the disks: from here nobody else can attach them. */
export function beginDataDisks(
  cloud: Cloud,
  machine: VirtualMachineRecord,
  change: DataDiskChange,
  at: number,
): void {
  machine.dataDisks = change.disks;
  for (const wanted of change.attach) {
    const disk =
      cloud.resources.get('disk', wanted.diskId) ?? emptyDisk(cloud, machine, wanted, at);
    disk.transition = { phase: 'attaching', vmId: machine.id };
    cloud.resources.save(disk, at);
  }
  for (const kept of change.disks) {
    const disk = cloud.resources.get('disk', kept.diskId);
    // A detach that failed earlier is taken back by listing the disk again.
    if (!kept.toBeDetached && disk?.transition?.phase === 'detaching') delete disk.transition;
  }
  for (const leaving of change.detach) {
    const disk = cloud.resources.get('disk', leaving.diskId);
    if (!disk) continue;
    disk.transition = { phase: 'detaching', vmId: machine.id };
    cloud.resources.save(disk, at);
  }
}

function emptyDisk(
  cloud: Cloud,
  machine: VirtualMachineRecord,
  wanted: DataDisk,
  at: number,
): DiskRecord {
  return {
    kind: 'disk',
    id: wanted.diskId,
    name: wanted.name,
    subscriptionId: machine.subscriptionId,
    resourceGroup: machine.resourceGroup,
    location: machine.location,
    tags: {},
    ...(machine.zones && { zones: machine.zones }),
    createdAt: at,
    provisioningState: 'Succeeded',
    sku: wanted.storageAccountType,
    sizeGigabytes: wanted.sizeGigabytes,
    creationData: { createOption: 'Empty' },
    uniqueId: randomUuid(cloud.runtime.random),
    diskState: 'Unattached',
    content: { origin: 'empty', writes: [] },
    echoed: {},
  };
}

/** Ends every attach and detach under way on the machine, as done or as failed. */
export function finishDataDisks(
  cloud: Cloud,
  machine: VirtualMachineRecord,
  at: number,
  outcome: 'done' | 'failed',
): void {
  const remaining: DataDisk[] = [];
  for (const entry of machine.dataDisks) {
    const disk = cloud.resources.get('disk', entry.diskId);
    const phase = sameId(disk?.transition?.vmId, machine.id) ? disk?.transition?.phase : undefined;
    if (disk && phase === 'attaching' && outcome === 'done') own(machine, disk, at);
    else if (disk && phase === 'attaching') delete disk.transition;
    else if (disk && phase === 'detaching' && outcome === 'done') release(disk, at);
    const stays =
      phase === undefined ||
      (phase === 'attaching' && outcome === 'done') ||
      // A failed detach leaves the disk attached, marked, and of no use to anyone else.
      (phase === 'detaching' && outcome === 'failed');
    if (stays) remaining.push(entry);
    if (disk && phase) cloud.resources.save(disk, at);
  }
  machine.dataDisks = remaining;
}

function own(machine: VirtualMachineRecord, disk: DiskRecord, at: number): void {
  delete disk.transition;
  disk.managedBy = machine.id;
  disk.lastOwnershipUpdateAt = at;
  disk.diskState = attachedState(machine);
  if (machine.powerState === 'running') disk.content.writes.push({ by: machine.vmId, at });
}

/** The disk belongs to nobody any more. */
export function release(disk: DiskRecord, at: number): void {
  delete disk.transition;
  delete disk.managedBy;
  disk.diskState = 'Unattached';
  disk.lastOwnershipUpdateAt = at;
}

export function attachedState(machine: VirtualMachineRecord): DiskState {
  if (machine.hibernated) return 'Frozen';
  return machine.powerState === 'deallocated' ? 'Reserved' : 'Attached';
}

/** After the machine stopped, started or hibernated its disks change state with it. */
export function followPowerState(cloud: Cloud, machine: VirtualMachineRecord, at: number): void {
  const ids = [machine.osDisk.diskId, ...machine.dataDisks.map((disk) => disk.diskId)];
  for (const id of ids) {
    const disk = cloud.resources.get('disk', id);
    if (!disk || !sameId(disk.managedBy, machine.id)) continue;
    disk.diskState = attachedState(machine);
    if (machine.powerState === 'running') disk.content.writes.push({ by: machine.vmId, at });
    cloud.resources.save(disk, at);
  }
}
