// Network interfaces from a machine's side: made inline with it, taken by id, reserved for it after
// its creation failed.
import { z } from 'zod';
import { randomUuid } from '../../runtime/random.ts';
import { asJson, jsonObjectSchema, referenceSchema, tagsSchema } from './bodies.ts';
import { type Call, type Cloud, targetId } from './calls.ts';
import { invalidParameter, refuse } from './errors.ts';
import type { JsonObject } from './json.ts';
import { type NetworkInterfaceRecord, resourceTypes } from './records.ts';
import { formatResourceId, sameId } from './resource-ids.ts';

const RESERVED_SECONDS = 180;

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
    privateAddress: cloud.addresses.freeAddress(subnetId),
    subnetId,
    ipConfigurationName,
    macAddress: `00-0D-3A-${mac.slice(0, 2)}-${mac.slice(2, 4)}-${mac.slice(4)}`,
    echoed,
  };
  cloud.resources.save(created, call.now);
  return created;
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

export function reservedForAnother(found: NetworkInterfaceRecord): Error {
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
