// Managed disks: created empty or from a snapshot, retagged, resized, deleted. No ETags, as in
// Azure: whoever attaches a disk has it.

import { z } from 'zod';
import { randomUuid } from '../../runtime/random.ts';
import { copiedPercent, drawCopy } from './background-copy.ts';
import {
  asJson,
  checkName,
  checkTags,
  jsonObjectSchema,
  readBody,
  tagsSchema,
  withoutKeys,
} from './bodies.ts';
import {
  accepted,
  type Call,
  type Cloud,
  hiddenUntil,
  lingerUntil,
  startOperation,
  targetId,
} from './calls.ts';
import { viewAccepted, viewDisk } from './disk-view.ts';
import {
  concurrentRequest,
  invalidParameter,
  operationNotAllowed,
  propertyChangeNotAllowed,
  referenceNotFound,
  resourceNotFound,
} from './errors.ts';
import type { JsonObject } from './json.ts';
import { listPage } from './list-pages.ts';
import type { Reply } from './messages.ts';
import type { Operation } from './operations.ts';
import type { DiskRecord, SnapshotRecord } from './records.ts';
import { normalizeLocation, sameId } from './resource-ids.ts';

const creationDataSchema = z.looseObject({
  createOption: z.enum(['Empty', 'Copy', 'CopyStart', 'FromImage', 'Attach']),
  sourceResourceId: z.string().optional(),
});

const diskSchema = z.looseObject({
  location: z.string(),
  zones: z.array(z.string()).max(1).optional(),
  tags: tagsSchema.optional(),
  sku: z.looseObject({ name: z.string() }).optional(),
  properties: z.looseObject({
    creationData: creationDataSchema,
    diskSizeGB: z.number().int().min(1).max(65_536).optional(),
    osType: z.string().optional(),
  }),
});

type DiskBody = z.infer<typeof diskSchema>;

const diskUpdateSchema = z.looseObject({
  tags: tagsSchema.optional(),
  sku: z.looseObject({ name: z.string() }).optional(),
  properties: jsonObjectSchema.optional(),
});

const interpretedProperties = ['creationData', 'diskSizeGB', 'osType', 'provisioningState'];
const MAX_NAME_LENGTH = 80;
const POLL_HINT_SECONDS = 2;

export function putDisk(cloud: Cloud, call: Call): Reply {
  checkName(call.name, MAX_NAME_LENGTH);
  const body = readBody(diskSchema, call.body);
  checkTags(body.tags);
  const existing = cloud.resources.get('disk', targetId(call));
  if (existing && !existing.creationFailed) return replaceDisk(cloud, call, existing, body);
  const disk = createDisk(cloud, call, body);
  const fromSnapshot = disk.copy !== undefined;
  const operation = startOperation(cloud, call, {
    kind: 'disk.write',
    resource: disk,
    input: { creates: true },
    duration: fromSnapshot ? 'diskCreateFromSnapshot' : 'diskCreate',
  });
  cloud.resources.save(disk, call.now);
  return writeAccepted(cloud, call, operation, disk);
}

function createDisk(cloud: Cloud, call: Call, body: DiskBody): DiskRecord {
  const { creationData } = body.properties;
  const location = normalizeLocation(body.location);
  const snapshot =
    creationData.createOption === 'Empty' ? undefined : sourceSnapshot(cloud, call, body);
  const sizeGigabytes = body.properties.diskSizeGB ?? snapshot?.sizeGigabytes;
  if (sizeGigabytes === undefined)
    throw invalidParameter('disk.diskSizeGB', "Required parameter 'disk.diskSizeGB' is missing.");
  if (snapshot && sizeGigabytes < snapshot.sizeGigabytes)
    throw invalidParameter(
      'disk.diskSizeGB',
      `The disk size ${sizeGigabytes} GB is smaller than its source's ${snapshot.sizeGigabytes}.`,
    );
  return {
    kind: 'disk',
    id: targetId(call),
    name: call.name,
    subscriptionId: call.subscriptionId,
    resourceGroup: call.resourceGroup,
    location,
    tags: { ...body.tags },
    ...(body.zones && { zones: body.zones }),
    createdAt: call.now,
    provisioningState: 'Updating',
    ...hiddenUntil(call),
    sku: body.sku?.name ?? 'Standard_LRS',
    sizeGigabytes,
    creationData: asJson(creationData) as JsonObject,
    uniqueId: randomUuid(cloud.runtime.random),
    ...(snapshot?.osType && { osType: snapshot.osType }),
    diskState: 'Unattached',
    ...(snapshot && { copy: drawCopy(cloud, 'diskHydration', call.now) }),
    content: {
      origin: snapshot?.content.origin ?? 'empty',
      writes: [...(snapshot?.content.writes ?? [])],
    },
    echoed: withoutKeys(asJson(body.properties) as JsonObject, interpretedProperties),
  };
}

function sourceSnapshot(cloud: Cloud, call: Call, body: DiskBody): SnapshotRecord {
  const sourceId = body.properties.creationData.sourceResourceId;
  if (!sourceId)
    throw invalidParameter(
      'creationData.sourceResourceId',
      "Required parameter 'creationData.sourceResourceId' is missing (null).",
    );
  const snapshot = cloud.resources.get('snapshot', sourceId);
  if (!snapshot) throw referenceNotFound(sourceId);
  if (snapshot.location !== normalizeLocation(body.location))
    throw invalidParameter(
      'location',
      `The source ${sourceId} is in ${snapshot.location}, the disk would be elsewhere.`,
    );
  if (snapshot.provisioningState === 'Failed' || copiedPercent(snapshot.copy, call.now) < 100)
    throw operationNotAllowed(
      `The source snapshot ${sourceId} is not ready: its copy has not completed.`,
    );
  return snapshot;
}

/** A PUT on a disk that exists: the same again is fine, what can't change must not differ. */
function replaceDisk(cloud: Cloud, call: Call, disk: DiskRecord, body: DiskBody): Reply {
  const { creationData } = body.properties;
  if (normalizeLocation(body.location) !== disk.location)
    throw propertyChangeNotAllowed('location');
  if (String(body.zones ?? []) !== String(disk.zones ?? []))
    throw propertyChangeNotAllowed('zones');
  if (creationData.createOption !== disk.creationData['createOption'])
    throw propertyChangeNotAllowed('creationData.createOption');
  const source = disk.creationData['sourceResourceId'];
  if (creationData.sourceResourceId && !sameId(String(source), creationData.sourceResourceId))
    throw propertyChangeNotAllowed('creationData.sourceResourceId');
  return changeDisk(cloud, call, disk, {
    tags: body.tags ?? {},
    sku: body.sku?.name,
    sizeGigabytes: body.properties.diskSizeGB,
  });
}

export function patchDisk(cloud: Cloud, call: Call): Reply {
  const body = readBody(diskUpdateSchema, call.body);
  checkTags(body.tags);
  const disk = existingDisk(cloud, call);
  const size = body.properties?.['diskSizeGB'];
  return changeDisk(cloud, call, disk, {
    tags: body.tags,
    sku: body.sku?.name,
    sizeGigabytes: typeof size === 'number' ? size : undefined,
  });
}

function changeDisk(
  cloud: Cloud,
  call: Call,
  disk: DiskRecord,
  change: {
    readonly tags: Readonly<Record<string, string>> | undefined;
    readonly sku: string | undefined;
    readonly sizeGigabytes: number | undefined;
  },
): Reply {
  if (change.sizeGigabytes !== undefined && change.sizeGigabytes < disk.sizeGigabytes)
    throw operationNotAllowed(
      `The size ${change.sizeGigabytes} GB is smaller than the disk's present size.`,
      'diskSizeGB',
    );
  if (disk.provisioningState === 'Deleting') throw concurrentRequest();
  if (change.tags) disk.tags = { ...change.tags };
  disk.sku = change.sku ?? disk.sku;
  disk.sizeGigabytes = change.sizeGigabytes ?? disk.sizeGigabytes;
  disk.provisioningState = 'Updating';
  const operation = startOperation(cloud, call, {
    kind: 'disk.write',
    resource: disk,
    duration: 'diskUpdate',
  });
  cloud.resources.save(disk, call.now);
  return writeAccepted(cloud, call, operation, disk);
}

function writeAccepted(cloud: Cloud, call: Call, operation: Operation, disk: DiskRecord): Reply {
  return accepted(cloud, operation, {
    status: 202,
    body: viewAccepted(viewDisk(disk, call.now), disk.echoed),
    headers: 'both',
    retryAfterSeconds: POLL_HINT_SECONDS,
  });
}

export function finishDiskWrite(cloud: Cloud, operation: Operation, at: number): void {
  const disk = cloud.resources.get('disk', operation.resourceId);
  if (!disk || disk.operationId !== operation.id) return;
  delete disk.operationId;
  disk.provisioningState = operation.failure ? 'Failed' : 'Succeeded';
  if (operation.failure && operation.input['creates']) disk.creationFailed = true;
  operation.output = viewDisk(disk, at);
  operation.result = { status: 200, body: operation.output };
  cloud.resources.save(disk, at);
}

export function getDisk(cloud: Cloud, call: Call): Reply {
  const disk = cloud.resources.read('disk', targetId(call), call.now);
  if (!disk) throw resourceNotFound(call);
  return { status: 200, body: viewDisk(disk, call.now) };
}

export function listDisks(cloud: Cloud, call: Call): Reply {
  const disks = cloud.resources.list('disk', call);
  return listPage(
    cloud,
    call,
    disks.map((disk) => viewDisk(disk, call.now)),
  );
}

export function deleteDisk(cloud: Cloud, call: Call): Reply {
  const disk = cloud.resources.get('disk', targetId(call));
  if (!disk) return { status: 204 };
  const owner = disk.managedBy ?? disk.transition?.vmId;
  if (disk.provisioningState === 'Deleting') throw concurrentRequest();
  if (owner) throw operationNotAllowed(`Disk ${disk.name} is attached to VM ${owner}.`);
  disk.provisioningState = 'Deleting';
  const operation = startOperation(cloud, call, {
    kind: 'disk.delete',
    resource: disk,
    duration: 'diskDelete',
  });
  cloud.resources.save(disk, call.now);
  return accepted(cloud, operation, {
    status: 202,
    headers: 'both',
    retryAfterSeconds: POLL_HINT_SECONDS,
  });
}

export function finishDiskDelete(cloud: Cloud, operation: Operation, at: number): void {
  operation.result = { status: 204 };
  const disk = cloud.resources.get('disk', operation.resourceId);
  if (!disk) return;
  if (operation.failure) {
    disk.provisioningState = 'Succeeded';
    cloud.resources.save(disk, at);
    return;
  }
  cloud.resources.remove(disk.id, at, lingerUntil(operation, at));
}

function existingDisk(cloud: Cloud, call: Call): DiskRecord {
  const disk = cloud.resources.get('disk', targetId(call));
  if (!disk) throw resourceNotFound(call);
  return disk;
}
