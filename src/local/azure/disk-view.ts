// A disk as ARM shows it.
import { copiedPercent } from './background-copy.ts';
import { formatMoment } from './calls.ts';
import { performanceOf } from './disk-performance.ts';
import type { JsonObject } from './json.ts';
import { type DiskRecord, resourceTypes } from './records.ts';

export function viewDisk(disk: DiskRecord, now: number): JsonObject {
  const tier = disk.sku.split('_')[0]!;
  return {
    name: disk.name,
    id: disk.id,
    type: resourceTypes.disk,
    location: disk.location,
    ...(disk.zones && { zones: [...disk.zones] }),
    tags: { ...disk.tags },
    ...(disk.managedBy && { managedBy: disk.managedBy }),
    sku: { name: disk.sku, tier },
    properties: {
      ...disk.echoed,
      ...(disk.osType && { osType: disk.osType }),
      creationData: disk.creationData,
      diskSizeGB: disk.sizeGigabytes,
      diskSizeBytes: disk.sizeGigabytes * 2 ** 30,
      encryption: { type: 'EncryptionAtRestWithPlatformKey' },
      ...performanceOf(disk),
      publicNetworkAccess: disk.echoed['publicNetworkAccess'] ?? 'Enabled',
      networkAccessPolicy: disk.echoed['networkAccessPolicy'] ?? 'AllowAll',
      timeCreated: formatMoment(disk.createdAt),
      provisioningState: disk.provisioningState,
      diskState: disk.diskState,
      uniqueId: disk.uniqueId,
      ...(disk.copy && { completionPercent: copiedPercent(disk.copy, now) }),
      ...(disk.lastOwnershipUpdateAt !== undefined && {
        LastOwnershipUpdateTime: formatMoment(disk.lastOwnershipUpdateAt),
      }),
    },
  };
}

const knownAtAcceptance = ['creationData', 'diskSizeGB', 'incremental', 'osType'];

/**
 * What the answer to an accepted write shows of a disk or snapshot: little more than what was asked
 * for. No unique id, no state of the disk: those come with the finished operation.
 */
export function viewAccepted(view: JsonObject, asked: JsonObject): JsonObject {
  const all = view['properties'] as JsonObject;
  const shown = knownAtAcceptance.filter((key) => all[key] !== undefined);
  return {
    name: view['name'],
    id: view['id'],
    type: view['type'],
    location: view['location'],
    ...(view['zones'] !== undefined && { zones: view['zones'] }),
    tags: view['tags'],
    sku: { name: (view['sku'] as JsonObject)['name'] },
    properties: {
      ...asked,
      ...Object.fromEntries(shown.map((key) => [key, all[key]])),
      provisioningState: all['provisioningState'],
    },
  };
}
