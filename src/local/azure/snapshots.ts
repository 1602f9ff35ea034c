// Snapshots of disks: a moment of their bytes under an id of its own.

import { z } from 'zod';
import { randomUuid } from '../../runtime/random.ts';
import { copiedPercent, drawCopy } from './background-copy.ts';
import { asJson, checkName, checkTags, readBody, tagsSchema, withoutKeys } from './bodies.ts';
import {
  accepted,
  type Call,
  type Cloud,
  formatMoment,
  hiddenUntil,
  lingerUntil,
  startOperation,
  targetId,
} from './calls.ts';
import { viewAccepted } from './disk-view.ts';
import {
  concurrentRequest,
  propertyChangeNotAllowed,
  referenceNotFound,
  resourceNotFound,
} from './errors.ts';
import type { JsonObject } from './json.ts';
import { listPage } from './list-pages.ts';
import type { Reply } from './messages.ts';
import type { Operation } from './operations.ts';
import { type DiskRecord, resourceTypes, type SnapshotRecord } from './records.ts';
import { normalizeLocation, parseResourceId, sameId } from './resource-ids.ts';
import { defaultLocation, type SeedSnapshot } from './settings.ts';

const snapshotSchema = z.looseObject({
  location: z.string(),
  tags: tagsSchema.optional(),
  sku: z.looseObject({ name: z.string() }).optional(),
  properties: z.looseObject({
    incremental: z.boolean().optional(),
    creationData: z.looseObject({
      createOption: z.enum(['Copy', 'CopyStart']),
      sourceResourceId: z.string(),
    }),
  }),
});

type SnapshotBody = z.infer<typeof snapshotSchema>;

const interpretedProperties = ['creationData', 'incremental', 'diskSizeGB', 'provisioningState'];
const MAX_NAME_LENGTH = 80;
const POLL_HINT_SECONDS = 2;

export function putSnapshot(cloud: Cloud, call: Call): Reply {
  checkName(call.name, MAX_NAME_LENGTH);
  const body = readBody(snapshotSchema, call.body);
  checkTags(body.tags);
  const existing = cloud.resources.get('snapshot', targetId(call));
  if (existing) {
    if (existing.provisioningState === 'Deleting') throw concurrentRequest();
    const source = existing.creationData['sourceResourceId'];
    if (!sameId(String(source), body.properties.creationData.sourceResourceId))
      throw propertyChangeNotAllowed('creationData.sourceResourceId');
    existing.tags = { ...body.tags };
  }
  const snapshot = existing ?? createSnapshot(cloud, call, body);
  return writeSnapshot(cloud, call, snapshot);
}

function createSnapshot(cloud: Cloud, call: Call, body: SnapshotBody): SnapshotRecord {
  const { creationData } = body.properties;
  const sourceId = creationData.sourceResourceId;
  const source: DiskRecord | SnapshotRecord | undefined =
    cloud.resources.get('disk', sourceId) ?? cloud.resources.get('snapshot', sourceId);
  if (!source) throw referenceNotFound(sourceId);
  return {
    kind: 'snapshot',
    id: targetId(call),
    name: call.name,
    subscriptionId: call.subscriptionId,
    resourceGroup: call.resourceGroup,
    location: normalizeLocation(body.location),
    tags: { ...body.tags },
    createdAt: call.now,
    provisioningState: 'Updating',
    ...hiddenUntil(call),
    sku: body.sku?.name ?? 'Standard_LRS',
    sizeGigabytes: source.sizeGigabytes,
    incremental: body.properties.incremental ?? false,
    creationData: {
      ...(asJson(creationData) as JsonObject),
      sourceUniqueId: source.uniqueId,
    },
    uniqueId: randomUuid(cloud.runtime.random),
    ...(source.osType && { osType: source.osType }),
    ...(creationData.createOption === 'CopyStart' && {
      copy: drawCopy(cloud, 'snapshotCopy', call.now),
    }),
    content: structuredClone(source.content),
    echoed: withoutKeys(asJson(body.properties) as JsonObject, interpretedProperties),
  };
}

export function patchSnapshot(cloud: Cloud, call: Call): Reply {
  const body = readBody(z.looseObject({ tags: tagsSchema.optional() }), call.body);
  checkTags(body.tags);
  const snapshot = cloud.resources.get('snapshot', targetId(call));
  if (!snapshot) throw resourceNotFound(call);
  if (snapshot.provisioningState === 'Deleting') throw concurrentRequest();
  if (body.tags) snapshot.tags = { ...body.tags };
  return writeSnapshot(cloud, call, snapshot);
}

function writeSnapshot(cloud: Cloud, call: Call, snapshot: SnapshotRecord): Reply {
  const isNew = !cloud.resources.get('snapshot', snapshot.id);
  snapshot.provisioningState = 'Updating';
  const operation = startOperation(cloud, call, {
    kind: 'snapshot.write',
    resource: snapshot,
    duration: isNew ? 'snapshotCreate' : 'diskUpdate',
  });
  cloud.resources.save(snapshot, call.now);
  return accepted(cloud, operation, {
    status: 202,
    body: viewAccepted(viewSnapshot(snapshot, call.now), snapshot.echoed),
    headers: 'both',
    retryAfterSeconds: POLL_HINT_SECONDS,
  });
}

export function finishSnapshotWrite(cloud: Cloud, operation: Operation, at: number): void {
  const snapshot = cloud.resources.get('snapshot', operation.resourceId);
  if (!snapshot || snapshot.operationId !== operation.id) return;
  delete snapshot.operationId;
  snapshot.provisioningState = operation.failure ? 'Failed' : 'Succeeded';
  operation.output = viewSnapshot(snapshot, at);
  operation.result = { status: 200, body: operation.output };
  cloud.resources.save(snapshot, at);
}

export function getSnapshot(cloud: Cloud, call: Call): Reply {
  const snapshot = cloud.resources.read('snapshot', targetId(call), call.now);
  if (!snapshot) throw resourceNotFound(call);
  return { status: 200, body: viewSnapshot(snapshot, call.now) };
}

export function listSnapshots(cloud: Cloud, call: Call): Reply {
  const snapshots = cloud.resources.list('snapshot', call);
  return listPage(
    cloud,
    call,
    snapshots.map((item) => viewSnapshot(item, call.now)),
  );
}

export function deleteSnapshot(cloud: Cloud, call: Call): Reply {
  const snapshot = cloud.resources.get('snapshot', targetId(call));
  if (!snapshot) return { status: 204 };
  if (snapshot.provisioningState === 'Deleting') throw concurrentRequest();
  snapshot.provisioningState = 'Deleting';
  const operation = startOperation(cloud, call, {
    kind: 'snapshot.delete',
    resource: snapshot,
    duration: 'diskDelete',
  });
  cloud.resources.save(snapshot, call.now);
  return accepted(cloud, operation, {
    status: 202,
    headers: 'both',
    retryAfterSeconds: POLL_HINT_SECONDS,
  });
}

export function finishSnapshotDelete(cloud: Cloud, operation: Operation, at: number): void {
  operation.result = { status: 204 };
  const snapshot = cloud.resources.get('snapshot', operation.resourceId);
  if (!snapshot) return;
  if (!operation.failure) {
    cloud.resources.remove(snapshot.id, at, lingerUntil(operation, at));
    return;
  }
  snapshot.provisioningState = 'Succeeded';
  cloud.resources.save(snapshot, at);
}

/** Puts a finished snapshot in place, as if it had been made long ago. */
export function seedSnapshot(cloud: Cloud, seed: SeedSnapshot, at: number): SnapshotRecord {
  const address = parseResourceId(seed.id);
  if (!address) throw new Error(`not a resource id: ${seed.id}`);
  const snapshot: SnapshotRecord = {
    kind: 'snapshot',
    id: seed.id,
    name: address.name,
    subscriptionId: address.subscriptionId,
    resourceGroup: address.resourceGroup,
    location: normalizeLocation(seed.location ?? defaultLocation),
    tags: { ...seed.tags },
    createdAt: at,
    provisioningState: 'Succeeded',
    sku: 'Standard_LRS',
    sizeGigabytes: seed.sizeGigabytes ?? 32,
    incremental: true,
    creationData: { createOption: 'Copy' },
    uniqueId: randomUuid(cloud.runtime.random),
    content: { origin: seed.content ?? address.name, writes: [] },
    echoed: {},
  };
  cloud.resources.save(snapshot, at);
  return snapshot;
}

export function viewSnapshot(snapshot: SnapshotRecord, now: number): JsonObject {
  return {
    name: snapshot.name,
    id: snapshot.id,
    type: resourceTypes.snapshot,
    location: snapshot.location,
    tags: { ...snapshot.tags },
    sku: { name: snapshot.sku, tier: snapshot.sku.split('_')[0]! },
    properties: {
      ...snapshot.echoed,
      ...(snapshot.osType && { osType: snapshot.osType }),
      creationData: snapshot.creationData,
      diskSizeGB: snapshot.sizeGigabytes,
      diskSizeBytes: snapshot.sizeGigabytes * 2 ** 30,
      incremental: snapshot.incremental,
      encryption: { type: 'EncryptionAtRestWithPlatformKey' },
      networkAccessPolicy: snapshot.echoed['networkAccessPolicy'] ?? 'AllowAll',
      timeCreated: formatMoment(snapshot.createdAt),
      provisioningState: snapshot.provisioningState,
      diskState: 'Unattached',
      uniqueId: snapshot.uniqueId,
      completionPercent: copiedPercent(snapshot.copy, now),
    },
  };
}
