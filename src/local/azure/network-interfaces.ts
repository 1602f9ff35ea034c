// Network interfaces over REST: made on their own, read, listed, deleted when nothing holds them.
// Subnets are taken on trust, by id.
import { z } from 'zod';
import { checkTags, readBody, referenceSchema, tagsSchema } from './bodies.ts';
import {
  accepted,
  type Call,
  type Cloud,
  hiddenUntil,
  lingerUntil,
  startOperation,
  targetId,
} from './calls.ts';
import { refuse, resourceNotFound } from './errors.ts';
import { viewInterface } from './interface-view.ts';
import { listPage } from './list-pages.ts';
import { createInterface, reservedForAnother } from './machine-interfaces.ts';
import type { Reply } from './messages.ts';
import type { Operation } from './operations.ts';
import { normalizeLocation } from './resource-ids.ts';

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

export function putInterface(cloud: Cloud, call: Call): Reply {
  const body = readBody(interfaceSchema, call.body);
  checkTags(body.tags);
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

export function patchInterface(cloud: Cloud, call: Call): Reply {
  const { tags } = readBody(z.looseObject({ tags: tagsSchema.optional() }), call.body);
  checkTags(tags);
  const found = cloud.resources.get('networkInterface', targetId(call));
  if (!found) throw resourceNotFound(call);
  if (tags) found.tags = { ...tags };
  cloud.resources.save(found, call.now);
  return { status: 200, body: viewInterface(found) };
}

export function getInterface(cloud: Cloud, call: Call): Reply {
  const found = cloud.resources.read('networkInterface', targetId(call), call.now);
  if (!found) throw resourceNotFound(call);
  return { status: 200, headers: { etag: `W/"${found.etag}"` }, body: viewInterface(found) };
}

export function listInterfaces(cloud: Cloud, call: Call): Reply {
  const found = cloud.resources.list('networkInterface', call);
  return listPage(cloud, call, found.map(viewInterface));
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
