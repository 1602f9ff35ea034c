// Managed disks. They have no ETag: a disk's exclusivity is its attachment, tags are last-one-wins.
import type { Disk } from '@azure/arm-compute';
import { parseArmId } from './arm-id.ts';
import type { ArmCall } from './calls.ts';
import type { ObservedVolume, VolumeIntent } from './port.ts';
import {
  type AdapterMaker,
  known,
  orAbsent,
  resourceMissing,
  timeText,
} from './resource-adapter.ts';
import { mergeTags } from './tags.ts';

export const volumes: AdapterMaker<'volume'> = (client) => ({
  async get(id, context) {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'volume');
    const call = diskCall('disks.get', 'GET', subscriptionId, name);
    const found = await orAbsent(
      client.run(call, context, (options) =>
        client.compute(subscriptionId).disks.get(resourceGroup, name, options),
      ),
    );
    return found && readDisk(found.value, id);
  },

  create(intent, context) {
    const { subscriptionId, resourceGroup } = intent.scope;
    const call = diskCall('disks.createOrUpdate', 'PUT', subscriptionId, intent.name);
    const { disks } = client.compute(subscriptionId);
    return client.start(call, context, (options) =>
      disks.createOrUpdate(resourceGroup, intent.name, writeDisk(intent), options),
    );
  },

  delete(id, context) {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'volume');
    const call = diskCall('disks.delete', 'DELETE', subscriptionId, name);
    const { disks } = client.compute(subscriptionId);
    return orAbsent(
      client.start(call, context, (options) => disks.delete(resourceGroup, name, options)),
    );
  },

  async tag(id, wanted, context) {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'volume');
    const { disks } = client.compute(subscriptionId);
    const call = diskCall('disks.update', 'PATCH', subscriptionId, name);
    const seen = await this.get(id, context);
    if (!seen) throw resourceMissing(call);
    const tags = mergeTags(seen.tags, wanted);
    if (!tags) return;
    await client.start(call, context, (options) =>
      disks.update(resourceGroup, name, { tags }, options),
    );
  },
});

function diskCall(
  operation: string,
  method: ArmCall['method'],
  subscriptionId: string,
  name: string,
): ArmCall {
  return { operation, method, subscriptionId, target: `disks/${name}` };
}

function writeDisk(intent: VolumeIntent): Disk {
  const { scope, zone, sourceSnapshotId } = intent;
  return {
    location: scope.location,
    tags: { ...intent.tags },
    sku: { name: intent.sku },
    diskSizeGB: intent.sizeGiB,
    ...(zone !== undefined && { zones: [zone] }),
    creationData: sourceSnapshotId
      ? { createOption: 'Copy', sourceResourceId: sourceSnapshotId }
      : { createOption: 'Empty' },
  };
}

export function readDisk(disk: Disk, id: string): ObservedVolume {
  const { creationData } = disk;
  return known({
    id: disk.id ?? id,
    name: disk.name ?? parseArmId(id).name,
    provisioningState: disk.provisioningState ?? 'Unknown',
    tags: disk.tags ?? {},
    location: disk.location,
    zone: disk.zones?.[0],
    uniqueId: disk.uniqueId ?? '',
    sizeGiB: disk.diskSizeGB ?? 0,
    sku: disk.sku?.name ?? '',
    diskState: disk.diskState ?? 'Unknown',
    managedBy: readOwner(disk),
    sourceSnapshotId:
      creationData?.createOption === 'Copy' ? creationData.sourceResourceId : undefined,
    timeCreated: timeText(disk.timeCreated),
    lastOwnershipUpdateTime: timeText(disk.lastOwnershipUpdateTime),
    completionPercent: disk.completionPercent,
  });
}

/** A shared disk lists its owners elsewhere: one owner is enough for it not to be free. */
function readOwner(disk: Disk): string | undefined {
  const owner = disk.managedBy || disk.managedByExtended?.[0];
  return owner ? owner.toLowerCase() : undefined;
}
