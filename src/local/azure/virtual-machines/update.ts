// Changing a machine: PUT and PATCH on one that exists, and the attach/detach action. One operation
// at a time; disks are taken when the write is accepted and settled when its operation ends.
import { checkName, checkTags, readBody } from '../bodies.ts';
import { accepted, type Call, type Cloud, startOperation, targetId } from '../calls.ts';
import {
  concurrentRequest,
  invalidParameter,
  propertyChangeNotAllowed,
  resourceNotFound,
} from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Reply } from '../messages.ts';
import type { Operation } from '../operations.ts';
import type { VirtualMachineRecord } from '../records.ts';
import { normalizeLocation, sameId } from '../resource-ids.ts';
import { findSize } from '../sizes.ts';
import {
  attachDetachSchema,
  type DataDiskBody,
  type VirtualMachineBody,
  type VirtualMachineUpdateBody,
  virtualMachineSchema,
  virtualMachineUpdateSchema,
} from './bodies.ts';
import { createVirtualMachine, identityOf } from './create.ts';
import { type DataDiskChange, makesDisk, planDataDisks } from './data-disks.ts';
import { beginDataDisks, finishDataDisks } from './disk-ownership.ts';
import { checkPreconditions, etagOf } from './etags.ts';
import { sameModel, viewStorageProfile, viewVirtualMachine, withoutArrivingIds } from './view.ts';

const MAX_NAME_LENGTH = 64;

export function putVirtualMachine(cloud: Cloud, call: Call): Reply {
  checkName(call.name, MAX_NAME_LENGTH);
  const body = readBody(virtualMachineSchema, call.body);
  checkTags(body.tags);
  const machine = cloud.resources.get('virtualMachine', targetId(call));
  checkPreconditions(call.headers, machine);
  if (!machine) return createVirtualMachine(cloud, call, body);
  checkFree(machine);
  checkImmutable(machine, body);
  const { tags = {}, identity, properties } = body;
  return write(cloud, call, machine, { tags, ...(identity && { identity }), properties });
}

export function patchVirtualMachine(cloud: Cloud, call: Call): Reply {
  const body = readBody(virtualMachineUpdateSchema, call.body);
  checkTags(body.tags);
  const machine = existingMachine(cloud, call);
  checkPreconditions(call.headers, machine);
  checkFree(machine);
  return write(cloud, call, machine, body);
}

export function existingMachine(cloud: Cloud, call: Call): VirtualMachineRecord {
  const machine = cloud.resources.get('virtualMachine', targetId(call));
  if (!machine) throw resourceNotFound(call);
  return machine;
}

/** @throws ArmError 409 while another operation runs on the machine */
export function checkFree(machine: VirtualMachineRecord): void {
  if (machine.operationId !== undefined) throw concurrentRequest();
}

function checkImmutable(machine: VirtualMachineRecord, body: VirtualMachineBody): void {
  const { properties } = body;
  if (normalizeLocation(body.location) !== machine.location)
    throw propertyChangeNotAllowed('location');
  if (body.zones && String(body.zones) !== String(machine.zones ?? []))
    throw propertyChangeNotAllowed('zones');
  for (const key of ['computerName', 'adminUsername', 'customData']) {
    const wanted = properties.osProfile?.[key];
    if (wanted !== undefined && wanted !== machine.osProfile?.[key])
      throw propertyChangeNotAllowed(`osProfile.${key}`);
  }
  const image = properties.storageProfile?.imageReference;
  for (const key of ['publisher', 'offer', 'sku', 'version', 'id'])
    if (image?.[key] !== undefined && image[key] !== machine.imageReference?.[key])
      throw propertyChangeNotAllowed('imageReference');
  const osDiskName = properties.storageProfile?.osDisk?.name;
  if (osDiskName !== undefined && osDiskName !== machine.osDisk.name)
    throw propertyChangeNotAllowed('osDisk.name');
  const priority = properties.priority === 'Low' ? 'Spot' : properties.priority;
  if (priority !== undefined && priority !== machine.priority)
    throw propertyChangeNotAllowed('priority');
}

function write(
  cloud: Cloud,
  call: Call,
  machine: VirtualMachineRecord,
  body: VirtualMachineUpdateBody,
): Reply {
  const before = viewVirtualMachine(machine, call.now, { userData: true });
  const { properties } = body;
  const size = properties?.hardwareProfile?.vmSize;
  if (size !== undefined && !findSize(size))
    throw invalidParameter('vmSize', `The value ${size} provided for the VM size is not valid.`);
  const wanted = properties?.storageProfile?.dataDisks;
  const change = wanted && planDataDisks(cloud, call, machine, wanted);
  if (size !== undefined) machine.size = findSize(size)!.name;
  if (body.tags) machine.tags = { ...body.tags };
  if (body.identity && !machine.identity) machine.identity = identityOf(cloud, body.identity);
  if (properties?.userData !== undefined) machine.userData = properties.userData;
  const hibernates = properties?.additionalCapabilities?.hibernationEnabled;
  if (hibernates !== undefined) machine.hibernationEnabled = hibernates;
  if (change) beginDataDisks(cloud, machine, change, call.now);
  machine.etag++;
  const nothingChanged = sameModel(
    before,
    viewVirtualMachine(machine, call.now, { userData: true }),
  );
  if (nothingChanged && machine.provisioningState === 'Succeeded') {
    cloud.resources.save(machine, call.now);
    const shown = viewVirtualMachine(machine, call.now);
    const properties = { ...(shown['properties'] as JsonObject), provisioningState: 'Updating' };
    return { status: 200, headers: { etag: etagOf(machine) }, body: { ...shown, properties } };
  }
  machine.provisioningState = 'Updating';
  const operation = startUpdate(cloud, call, machine, change);
  cloud.resources.save(machine, call.now);
  return accepted(cloud, operation, {
    status: 200,
    body: withoutArrivingIds(viewVirtualMachine(machine, call.now), (id) => makesDisk(change, id)),
    headers: 'asyncOperation',
    etag: etagOf(machine),
  });
}

function startUpdate(
  cloud: Cloud,
  call: Call,
  machine: VirtualMachineRecord,
  change: DataDiskChange | undefined,
): Operation {
  const attaches = (change?.attach.length ?? 0) > 0;
  const detaches = (change?.detach.length ?? 0) > 0;
  return startOperation(cloud, call, {
    kind: 'virtualMachine.update',
    resource: machine,
    duration: attaches
      ? 'virtualMachineAttach'
      : detaches
        ? 'virtualMachineDetach'
        : 'virtualMachineTags',
  });
}

export function attachDetachDataDisks(cloud: Cloud, call: Call): Reply {
  const body = readBody(attachDetachSchema, call.body);
  const machine = existingMachine(cloud, call);
  checkFree(machine);
  const leaving = (body.dataDisksToDetach ?? []).map((entry) => entry.diskId);
  const staying: DataDiskBody[] = machine.dataDisks
    .filter((disk) => !leaving.some((id) => sameId(id, disk.diskId)))
    .map((disk) => ({ lun: disk.lun, createOption: 'Attach', managedDisk: { id: disk.diskId } }));
  const used = new Set(machine.dataDisks.map((disk) => disk.lun));
  const arriving = (body.dataDisksToAttach ?? []).map((entry): DataDiskBody => {
    const lun = entry.lun ?? firstFreeLun(used);
    if (used.has(lun) && !machine.dataDisks.some((disk) => sameId(disk.diskId, entry.diskId)))
      throw invalidParameter('dataDisksToAttach.lun', `LUN ${lun} is in use.`);
    used.add(lun);
    const { diskId, lun: _, ...rest } = entry;
    return { ...rest, lun, createOption: 'Attach', managedDisk: { id: diskId } };
  });
  const change = planDataDisks(cloud, call, machine, [...staying, ...arriving]);
  beginDataDisks(cloud, machine, change, call.now);
  machine.etag++;
  machine.provisioningState = 'Updating';
  const operation = startUpdate(cloud, call, machine, change);
  cloud.resources.save(machine, call.now);
  return accepted(cloud, operation, { status: 202, headers: 'both' });
}

function firstFreeLun(used: ReadonlySet<number>): number {
  let lun = 0;
  while (used.has(lun)) lun++;
  return lun;
}

export function finishUpdate(cloud: Cloud, operation: Operation, at: number): void {
  operation.result = { status: 200 };
  const machine = cloud.resources.get('virtualMachine', operation.resourceId);
  if (!machine || machine.operationId !== operation.id) return;
  delete machine.operationId;
  machine.etag++;
  finishDataDisks(cloud, machine, at, operation.failure ? 'failed' : 'done');
  machine.provisioningState = operation.failure ? 'Failed' : 'Succeeded';
  operation.result = { status: 200, body: viewStorageProfile(machine) };
  cloud.resources.save(machine, at);
}
