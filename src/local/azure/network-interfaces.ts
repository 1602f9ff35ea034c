// Network interfaces: made with a machine or on their own, reserved for a while after a machine's
// creation failed. Subnets are taken on trust, by id.

import { z } from 'zod';
import { randomUuid } from '../../runtime/random.ts';
import { asJson, jsonObjectSchema, readBody, referenceSchema, tagsSchema } from './bodies.ts';
import {
  accepted,
  type Call,
  type Cloud,
  hiddenUntil,
  lingerUntil,
  startOperation,
  targetId,
} from './calls.ts';
import { invalidParameter, refuse, resourceNotFound } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { Reply } from './messages.ts';
import type { Operation } from './operations.ts';
import { type NetworkInterfaceRecord, resourceTypes } from './records.ts';
import { formatResourceId, idKey, normalizeLocation, sameId } from './resource-ids.ts';

const interfaceSchema = z.looseObject({
  location: z.string(),
  tags: tagsSchema.optional(),
  properties: z.looseObject({
    ipConfigurations: z
      .array(
        z.looseObject({
          name: z.string(),
          properties: z.looseObject({ subnet: referenceSchema }),
        }),
      )
      .min(1),
  }),
});

const RESERVED_SECONDS = 180;
/** Azure keeps the first addresses of every subnet for itself. */
const FIRST_HOST = 4;

export interface NewInterface {
  readonly name: string;
  readonly location: string;
  readonly subnetId: string;
  readonly ipConfigurationName: string;
  readonly tags: Record<string, string>;
  readonly echoed: JsonObject;
}

export function createInterface(
  cloud: Cloud,
  call: Call,
  wanted: NewInterface,
): NetworkInterfaceRecord {
  const { name, location, subnetId, ipConfigurationName, tags, echoed } = wanted;
  const { subscriptionId, resourceGroup } = call;
  const address = { subscriptionId, resourceGroup, type: resourceTypes.networkInterface, name };
  const mac = Buffer.from(cloud.runtime.random.bytes(3)).toString('hex').toUpperCase();
  const created: NetworkInterfaceRecord = {
    kind: 'networkInterface',
    id: formatResourceId(address),
    name,
    subscriptionId,
    resourceGroup,
    location,
    tags,
    createdAt: call.now,
    provisioningState: 'Succeeded',
    etag: randomUuid(cloud.runtime.random),
    privateAddress: freeAddress(cloud, subnetId),
    subnetId,
    ipConfigurationName,
    macAddress: `00-0D-3A-${mac.slice(0, 2)}-${mac.slice(2, 4)}-${mac.slice(4)}`,
    echoed,
  };
  cloud.resources.save(created, call.now);
  return created;
}

function freeAddress(cloud: Cloud, subnetId: string): string {
  const used = new Set<string>();
  for (const record of cloud.resources.all())
    if (record.kind === 'networkInterface' && sameId(record.subnetId, subnetId))
      used.add(record.privateAddress);
  for (let host = FIRST_HOST; host < 2 ** 16; host++) {
    const address = `10.0.${host >> 8}.${host & 255}`;
    if (!used.has(address)) return address;
  }
  throw refuse(400, 'SubnetIsFull', `Subnet ${subnetId} does not have enough capacity.`);
}

export function putInterface(cloud: Cloud, call: Call): Reply {
  const body = readBody(interfaceSchema, call.body);
  const existing = cloud.resources.get('networkInterface', targetId(call));
  if (existing) {
    existing.tags = { ...body.tags };
    cloud.resources.save(existing, call.now);
    return { status: 200, body: viewInterface(existing) };
  }
  const configuration = body.properties.ipConfigurations[0]!;
  const created = createInterface(cloud, call, {
    name: call.name,
    location: normalizeLocation(body.location),
    subnetId: configuration.properties.subnet.id,
    ipConfigurationName: configuration.name,
    tags: { ...body.tags },
    echoed: {},
  });
  Object.assign(created, hiddenUntil(call));
  return { status: 201, body: viewInterface(created) };
}

export function getInterface(cloud: Cloud, call: Call): Reply {
  const found = cloud.resources.read('networkInterface', targetId(call), call.now);
  if (!found) throw resourceNotFound(call);
  return { status: 200, headers: { etag: `W/"${found.etag}"` }, body: viewInterface(found) };
}

export function listInterfaces(cloud: Cloud, call: Call): Reply {
  const found = cloud.resources.list('networkInterface', call);
  return { status: 200, body: { value: found.map(viewInterface) } };
}

export function deleteInterface(cloud: Cloud, call: Call): Reply {
  const found = cloud.resources.get('networkInterface', targetId(call));
  if (!found) return { status: 204 };
  if (found.reservedUntil !== undefined && found.reservedUntil > call.now)
    throw reservedForAnother(found);
  if (found.virtualMachineId)
    throw refuse(
      400,
      'NicInUse',
      `Network Interface ${found.id} is used by existing resource ${found.virtualMachineId}. ` +
        'In order to delete the network interface, it must be dissociated from the resource.',
    );
  found.provisioningState = 'Deleting';
  const operation = startOperation(cloud, call, {
    kind: 'networkInterface.delete',
    resource: found,
    duration: 'networkInterfaceDelete',
  });
  cloud.resources.save(found, call.now);
  return accepted(cloud, operation, { status: 202, headers: 'both', retryAfterSeconds: 10 });
}

export function finishInterfaceDelete(cloud: Cloud, operation: Operation, at: number): void {
  operation.result = { status: 204 };
  const found = cloud.resources.get('networkInterface', operation.resourceId);
  if (!found) return;
  if (!operation.failure) {
    cloud.resources.remove(found.id, at, lingerUntil(operation, at));
    return;
  }
  found.provisioningState = 'Failed';
  cloud.resources.save(found, at);
}

/** An interface of that id which a machine may use, or the refusal. */
export function usableInterface(cloud: Cloud, call: Call, id: string): NetworkInterfaceRecord {
  const found = cloud.resources.get('networkInterface', id);
  if (!found) throw refuse(400, 'InvalidResourceReference', `Resource ${id} was not found.`);
  const owner = found.virtualMachineId;
  if (owner && !sameId(owner, targetId(call)))
    throw refuse(400, 'NicInUse', `Network Interface ${id} is used by existing VM ${owner}.`);
  if (!owner && found.reservedUntil !== undefined && found.reservedUntil > call.now)
    throw reservedForAnother(found);
  return found;
}

/** After a machine's creation failed, its interface stays reserved for a machine of that name. */
export function reserveInterface(cloud: Cloud, found: NetworkInterfaceRecord, at: number): void {
  found.reservedUntil = at + (RESERVED_SECONDS * 1000) / cloud.settings.speed;
  cloud.resources.save(found, at);
}

function reservedForAnother(found: NetworkInterfaceRecord): Error {
  return refuse(
    400,
    'NicReservedForAnotherVm',
    `Nic(s) in request is reserved for another Virtual Machine for ${RESERVED_SECONDS} seconds. ` +
      `Please provide another nic(s) or retry after ${RESERVED_SECONDS} seconds. ` +
      `Reserved NIC: ${found.id}`,
  );
}

const configurationSchema = z.looseObject({
  name: z.string(),
  tags: tagsSchema.optional(),
  properties: z.looseObject({
    primary: z.boolean().optional(),
    deleteOption: z.enum(['Delete', 'Detach']).optional(),
    ipConfigurations: z
      .array(
        z.looseObject({
          name: z.string(),
          properties: z.looseObject({ subnet: referenceSchema.optional() }).optional(),
        }),
      )
      .min(1),
    networkSecurityGroup: jsonObjectSchema.optional(),
  }),
});

export type InterfaceConfiguration = z.infer<typeof configurationSchema>;
export { configurationSchema as interfaceConfigurationSchema };

/** Makes the interface that a machine's body describes inline. */
export function createInlineInterface(
  cloud: Cloud,
  call: Call,
  configuration: InterfaceConfiguration,
  location: string,
): NetworkInterfaceRecord {
  const address = configuration.properties.ipConfigurations[0]!;
  const subnetId = address.properties?.subnet?.id;
  if (!subnetId)
    throw invalidParameter(
      'networkProfile.networkInterfaceConfigurations.ipConfigurations.subnet',
      'A subnet is required.',
    );
  const suffix = Buffer.from(cloud.runtime.random.bytes(4)).toString('hex');
  const { networkSecurityGroup } = configuration.properties;
  return createInterface(cloud, call, {
    name: `${configuration.name}-${suffix}`,
    location,
    subnetId,
    ipConfigurationName: address.name,
    tags: { ...configuration.tags },
    echoed: networkSecurityGroup ? { networkSecurityGroup: asJson(networkSecurityGroup) } : {},
  });
}

export function viewInterface(record: NetworkInterfaceRecord): JsonObject {
  const state = record.provisioningState;
  return {
    name: record.name,
    id: record.id,
    etag: `W/"${record.etag}"`,
    type: resourceTypes.networkInterface,
    location: record.location,
    tags: { ...record.tags },
    properties: {
      ...record.echoed,
      provisioningState: state,
      resourceGuid: idKey(record.etag),
      ipConfigurations: [
        {
          name: record.ipConfigurationName,
          id: `${record.id}/ipConfigurations/${record.ipConfigurationName}`,
          type: 'Microsoft.Network/networkInterfaces/ipConfigurations',
          properties: {
            provisioningState: state,
            privateIPAddress: record.privateAddress,
            privateIPAllocationMethod: 'Dynamic',
            privateIPAddressVersion: 'IPv4',
            primary: true,
            subnet: { id: record.subnetId },
          },
        },
      ],
      macAddress: record.macAddress,
      nicType: 'Standard',
      ...(record.virtualMachineId && {
        primary: true,
        virtualMachine: { id: record.virtualMachineId },
      }),
    },
  };
}
