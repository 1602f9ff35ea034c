// Which data disks a write attaches and detaches, and whether Azure would allow it.

import type { Call, Cloud } from '../calls.ts';
import {
  diskBeingDetached,
  diskOwnedElsewhere,
  invalidParameter,
  operationNotAllowed,
  propertyChangeNotAllowed,
  referenceNotFound,
  refuse,
} from '../errors.ts';
import {
  type DataDisk,
  type DiskRecord,
  resourceTypes,
  type VirtualMachineRecord,
} from '../records.ts';
import { formatResourceId, parseResourceId, sameId } from '../resource-ids.ts';
import { findSize } from '../sizes.ts';
import type { DataDiskBody } from './bodies.ts';

export interface DataDiskChange {
  /** The list as the write's answer shows it: with what is being attached and detached. */
  readonly disks: DataDisk[];
  readonly attach: readonly DataDisk[];
  readonly detach: readonly DataDisk[];
}

/** Whether the disk comes to be by this change. */
export function makesDisk(change: DataDiskChange | undefined, id: string): boolean {
  return (
    change?.attach.some((disk) => disk.diskId === id && disk.createOption === 'Empty') ?? false
  );
}

/** Compares the wanted list with the machine's; nothing is changed yet. */
export function planDataDisks(
  cloud: Cloud,
  call: Call,
  machine: VirtualMachineRecord,
  wanted: readonly DataDiskBody[],
): DataDiskChange {
  const luns = wanted.filter((disk) => !disk.toBeDetached).map((disk) => disk.lun);
  if (new Set(luns).size !== luns.length)
    throw invalidParameter('dataDisks.lun', 'Two data disks ask for the same LUN.');
  const kept: DataDisk[] = [];
  const attach: DataDisk[] = [];
  for (const body of wanted) {
    const existing = machine.dataDisks.find((disk) => isSameDisk(disk, body));
    if (existing) {
      if (existing.lun !== body.lun) throw propertyChangeNotAllowed('dataDisk.lun');
      if (!body.toBeDetached) kept.push({ ...existing, ...chosenDeleteOption(body) });
    } else if (!body.toBeDetached) attach.push(newDataDisk(cloud, call, machine, body));
  }
  const detach = machine.dataDisks.filter(
    (disk) => !kept.some((other) => sameId(other.diskId, disk.diskId)),
  );
  const leaving = detach.map((disk) => ({ ...disk, toBeDetached: true }));
  const change = { disks: [...kept, ...attach, ...leaving], attach, detach };
  checkChange(machine, change);
  return change;
}

function checkChange(machine: VirtualMachineRecord, change: DataDiskChange): void {
  if (change.attach.length + change.detach.length === 0) return;
  if (machine.hibernated)
    throw operationNotAllowed(
      `The disks of VM '${machine.name}' can't be changed while the VM is hibernated.`,
      'dataDisks',
    );
  // Whether Azure frees a LUN early enough to reuse it in the same write isn't known: refusing is
  // the answer that never misleads a client.
  const leaving = new Set(change.detach.map((disk) => disk.lun));
  const clash = change.attach.find((disk) => leaving.has(disk.lun));
  if (clash)
    throw invalidParameter('dataDisks.lun', `LUN ${clash.lun} is still used by another disk.`);
  const max = findSize(machine.size)?.maxDataDisks ?? 64;
  const after = change.disks.filter((disk) => !disk.toBeDetached).length;
  if (after > max)
    throw operationNotAllowed(
      `The maximum number of data disks allowed to be attached to a VM of this size is ${max}.`,
      'dataDisks',
    );
}

function isSameDisk(disk: DataDisk, body: DataDiskBody): boolean {
  if (body.managedDisk?.id) return sameId(disk.diskId, body.managedDisk.id);
  return body.name !== undefined && body.name.toLowerCase() === disk.name.toLowerCase();
}

function chosenDeleteOption(body: DataDiskBody): Partial<DataDisk> {
  return { toBeDetached: false, ...(body.deleteOption && { deleteOption: body.deleteOption }) };
}

function newDataDisk(
  cloud: Cloud,
  call: Call,
  machine: VirtualMachineRecord,
  body: DataDiskBody,
): DataDisk {
  const id = body.managedDisk?.id;
  if (body.createOption !== 'Attach') return implicitDisk(call, machine, body);
  if (!id) throw invalidParameter('dataDisk.managedDisk.id', 'A disk to attach needs an id.');
  const disk = cloud.resources.get('disk', id);
  if (!disk) throw referenceNotFound(id);
  checkAttachable(disk, machine);
  return {
    lun: body.lun,
    name: disk.name,
    createOption: 'Attach',
    caching: body.caching ?? 'None',
    diskId: disk.id,
    storageAccountType: disk.sku,
    sizeGigabytes: disk.sizeGigabytes,
    deleteOption: body.deleteOption ?? 'Detach',
    toBeDetached: false,
  };
}

/** @throws ArmError when the disk can't go to this machine */
export function checkAttachable(disk: DiskRecord, machine: VirtualMachineRecord): void {
  const address = parseResourceId(disk.id)!;
  if (disk.transition?.phase === 'detaching') throw diskBeingDetached(address, machine.name);
  const owner = disk.managedBy ?? disk.transition?.vmId;
  if (owner) throw diskOwnedElsewhere(disk.id, owner);
  if (disk.provisioningState === 'Deleting' || disk.creationFailed)
    throw refuse(409, 'Conflict', `Disk ${disk.id} is not in a state to be attached.`);
  if (disk.location !== machine.location)
    throw refuse(
      400,
      'BadRequest',
      `Disk ${disk.id} is in ${disk.location}, the VM is in ${machine.location}.`,
    );
  const [diskZone, vmZone] = [disk.zones?.[0], machine.zones?.[0]];
  const zoneRedundant = disk.sku.endsWith('_ZRS');
  if (!zoneRedundant && diskZone !== vmZone)
    throw refuse(
      400,
      'BadRequest',
      `Disk ${disk.id} cannot be attached to the VM because it is not in the same zone as the ` +
        `VM. VM zone: '${vmZone ?? ''}'. Disk zone: '${diskZone ?? ''}'.`,
    );
  if (disk.sku.startsWith('Premium') && findSize(machine.size)?.premiumStorage === false)
    throw invalidParameter(
      'osDisk.managedDisk.storageAccountType',
      `Requested operation cannot be performed because the VM size ${machine.size} does not ` +
        `support the storage account type ${disk.sku} of disk '${disk.name}'.`,
    );
}

/** A disk that exists because a machine's body asks for an empty one. */
function implicitDisk(call: Call, machine: VirtualMachineRecord, body: DataDiskBody): DataDisk {
  const name = body.name ?? `${machine.name}_DataDisk_${body.lun}`;
  const { subscriptionId, resourceGroup } = call;
  if (body.diskSizeGB === undefined)
    throw invalidParameter('dataDisk.diskSizeGB', 'An empty disk needs a size.');
  return {
    lun: body.lun,
    name,
    createOption: 'Empty',
    caching: body.caching ?? 'None',
    diskId: formatResourceId({ subscriptionId, resourceGroup, type: resourceTypes.disk, name }),
    storageAccountType: body.managedDisk?.storageAccountType ?? defaultStorage(machine),
    sizeGigabytes: body.diskSizeGB,
    deleteOption: body.deleteOption ?? 'Detach',
    toBeDetached: false,
  };
}

function defaultStorage(machine: VirtualMachineRecord): string {
  return findSize(machine.size)?.premiumStorage === false ? 'Standard_LRS' : 'Premium_LRS';
}
