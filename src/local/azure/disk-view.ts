// A disk as ARM shows it.
import { copiedPercent } from './background-copy.ts';
import { formatMoment } from './calls.ts';
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
