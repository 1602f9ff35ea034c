// Making a machine: its interface and OS disk appear with it, the rest of the story (success,
// no room, a guest that never answers) is told when the operation ends.
import { randomUuid } from '../../../runtime/random.ts';
import { asJson, withoutKeys } from '../bodies.ts';
import {
  accepted,
  type Call,
  type Cloud,
  hiddenUntil,
  startOperation,
  targetId,
} from '../calls.ts';
import { invalidParameter, operationNotAllowed } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { createInlineInterface, usableInterface } from '../machine-interfaces.ts';
import type { Reply } from '../messages.ts';
import {
  type NetworkInterfaceReference,
  resourceTypes,
  type VirtualMachineRecord,
} from '../records.ts';
import { formatResourceId, normalizeLocation } from '../resource-ids.ts';
import { findSize, type MachineSize, zones } from '../sizes.ts';
import { interpretedProperties, type VirtualMachineBody } from './bodies.ts';
import { makesDisk, planDataDisks } from './data-disks.ts';
import { beginDataDisks } from './disk-ownership.ts';
import { etagOf } from './etags.ts';
import { viewVirtualMachine, withoutArrivingIds } from './view.ts';

const DEFAULT_OS_DISK_GIGABYTES = 30;

export function createVirtualMachine(cloud: Cloud, call: Call, body: VirtualMachineBody): Reply {
  const size = checkedSize(body);
  const location = normalizeLocation(body.location);
  const spot = body.properties.priority === 'Spot' || body.properties.priority === 'Low';
  const request = { size, location, zone: body.zones?.[0], spot };
  const machines = cloud.resources
    .list('virtualMachine', { subscriptionId: call.subscriptionId })
    .filter((machine) => machine.location === location);
  cloud.capacity.checkOffer(request, machines);
  const machine = newMachine(cloud, call, body, size);
  const wanted = body.properties.storageProfile?.dataDisks ?? [];
  const change = planDataDisks(cloud, call, machine, wanted);
  machine.networkInterfaces = takeInterfaces(cloud, call, body, location);
  createOsDisk(cloud, machine, call.now);
  beginDataDisks(cloud, machine, change, call.now);
  const operation = startOperation(cloud, call, {
    kind: 'virtualMachine.create',
    resource: machine,
    duration: 'virtualMachineCreate',
    failure: cloud.capacity.allocationFailure(request, machines),
  });
  cloud.resources.save(machine, call.now);
  return accepted(cloud, operation, {
    status: 201,
    body: withoutArrivingIds(
      viewVirtualMachine(machine, call.now),
      (id) => id === machine.osDisk.diskId || makesDisk(change, id),
    ),
    headers: 'asyncOperation',
    etag: etagOf(machine),
  });
}

function checkedSize(body: VirtualMachineBody): MachineSize {
  const name = body.properties.hardwareProfile?.vmSize;
  const size = name === undefined ? undefined : findSize(name);
  if (!size)
    throw invalidParameter('vmSize', `The value ${name} provided for the VM size is not valid.`);
  const zone = body.zones?.[0];
  if (zone !== undefined && !zones.includes(zone))
    throw invalidParameter('zones', `The zone(s) '${zone}' for resource is not supported.`);
  const hibernates = body.properties.additionalCapabilities?.hibernationEnabled === true;
  const ephemeral = body.properties.storageProfile?.osDisk?.diffDiskSettings !== undefined;
  if (hibernates && (!size.hibernation || ephemeral || body.properties.priority === 'Spot'))
    throw operationNotAllowed(
      `Hibernation is not supported for VM size ${size.name} with these settings.`,
    );
  if (ephemeral && size.cacheGigabytes === 0)
    throw operationNotAllowed(`OS disk of Ephemeral VM is not supported by size ${size.name}.`);
  return size;
}

function newMachine(
  cloud: Cloud,
  call: Call,
  body: VirtualMachineBody,
  size: MachineSize,
): VirtualMachineRecord {
  const { properties } = body;
  const osDisk = properties.storageProfile?.osDisk;
  const suffix = Buffer.from(cloud.runtime.random.bytes(16)).toString('hex');
  const spot = properties.priority === 'Spot' || properties.priority === 'Low';
  return {
    kind: 'virtualMachine',
    id: targetId(call),
    name: call.name,
    subscriptionId: call.subscriptionId,
    resourceGroup: call.resourceGroup,
    location: normalizeLocation(body.location),
    tags: { ...body.tags },
    ...(body.zones && { zones: body.zones }),
    createdAt: call.now,
    provisioningState: 'Creating',
    ...hiddenUntil(call),
    etag: 1,
    vmId: randomUuid(cloud.runtime.random),
    size: size.name,
    priority: spot ? 'Spot' : 'Regular',
    ...(spot && { evictionPolicy: properties.evictionPolicy ?? 'Deallocate' }),
    hibernationEnabled: properties.additionalCapabilities?.hibernationEnabled ?? false,
    hibernated: false,
    powerState: 'starting',
    ...(body.identity && { identity: identityOf(cloud, body.identity) }),
    ...(properties.userData !== undefined && { userData: properties.userData }),
    ...(properties.storageProfile?.imageReference && {
      imageReference: exactImage(properties.storageProfile.imageReference),
    }),
    osDisk: {
      name: osDisk?.name ?? `${call.name}_OsDisk_1_${suffix}`,
      storageAccountType: osDisk?.managedDisk?.storageAccountType ?? 'Premium_LRS',
      sizeGigabytes: osDisk?.diskSizeGB ?? DEFAULT_OS_DISK_GIGABYTES,
      caching: osDisk?.caching ?? 'ReadWrite',
      // Azure's default is to leave it behind.
      deleteOption: osDisk?.deleteOption ?? 'Detach',
      ephemeral: osDisk?.diffDiskSettings !== undefined,
    },
    dataDisks: [],
    networkInterfaces: [],
    ...(properties.osProfile && { osProfile: properties.osProfile }),
    echoed: withoutKeys(asJson(properties) as JsonObject, interpretedProperties),
  };
}

function exactImage(image: JsonObject): JsonObject {
  return image['version'] === 'latest' ? { ...image, exactVersion: '24.04.202601010' } : image;
}

/** The principal is Azure's to name. */
export function identityOf(cloud: Cloud, identity: JsonObject): JsonObject {
  const isSystem = String(identity['type'] ?? '').includes('SystemAssigned');
  if (!isSystem) return identity;
  const { tenantId } = cloud.settings;
  return { ...identity, principalId: randomUuid(cloud.runtime.random), tenantId };
}

function takeInterfaces(
  cloud: Cloud,
  call: Call,
  body: VirtualMachineBody,
  location: string,
): NetworkInterfaceReference[] {
  const profile = body.properties.networkProfile;
  const existing = profile?.networkInterfaces ?? [];
  const inline = profile?.networkInterfaceConfigurations ?? [];
  if (existing.length + inline.length === 0)
    throw invalidParameter(
      'networkProfile',
      'Required parameter networkProfile is missing (null).',
    );
  const usable = existing.map(({ id }) => usableInterface(cloud, call, id));
  const made = inline.map((entry) => createInlineInterface(cloud, call, entry, location));
  for (const record of [...usable, ...made]) {
    record.virtualMachineId = targetId(call);
    cloud.resources.save(record, call.now);
  }
  const options = [
    ...existing.map((entry) => entry.properties),
    ...inline.map((entry) => entry.properties),
  ];
  return [...usable, ...made].map((record, i) => ({
    id: record.id,
    primary: options[i]?.primary ?? i === 0,
    deleteOption: options[i]?.deleteOption ?? 'Detach',
  }));
}

function createOsDisk(cloud: Cloud, machine: VirtualMachineRecord, at: number): void {
  if (machine.osDisk.ephemeral) return;
  const { subscriptionId, resourceGroup, osDisk } = machine;
  const address = { subscriptionId, resourceGroup, type: resourceTypes.disk, name: osDisk.name };
  osDisk.diskId = formatResourceId(address);
  cloud.resources.save(
    {
      kind: 'disk',
      id: osDisk.diskId,
      name: osDisk.name,
      subscriptionId,
      resourceGroup,
      location: machine.location,
      tags: {},
      ...(machine.zones && { zones: machine.zones }),
      createdAt: at,
      provisioningState: 'Succeeded',
      sku: osDisk.storageAccountType,
      sizeGigabytes: osDisk.sizeGigabytes,
      creationData: { createOption: 'FromImage' },
      uniqueId: randomUuid(cloud.runtime.random),
      osType: 'Linux',
      diskState: 'Attached',
      managedBy: machine.id,
      lastOwnershipUpdateAt: at,
      content: { origin: 'image', writes: [{ by: machine.vmId, at }] },
      echoed: {},
    },
    at,
  );
}
