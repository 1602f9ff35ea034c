// Snapshots: incremental, of one disk; golden ones are the source of pooled volumes.
import type { Snapshot } from '@azure/arm-compute';
import { parseArmId } from './arm-id.ts';
import type { ArmCall } from './calls.ts';
import type { ObservedSnapshot, SnapshotIntent } from './port.ts';
import {
  type AdapterMaker,
  known,
  orAbsent,
  resourceMissing,
  timeText,
} from './resource-adapter.ts';
import { mergeTags } from './tags.ts';

export const snapshots: AdapterMaker<'snapshot'> = (client) => ({
  async get(id, context) {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'snapshot');
    const call = snapshotCall('snapshots.get', 'GET', subscriptionId, name);
    const found = await orAbsent(
      client.run(call, context, (options) =>
        client.compute(subscriptionId).snapshots.get(resourceGroup, name, options),
      ),
    );
    return found && readSnapshot(found.value, id);
  },

  create(intent, context) {
    const { subscriptionId, resourceGroup } = intent.scope;
    const call = snapshotCall('snapshots.createOrUpdate', 'PUT', subscriptionId, intent.name);
    const { snapshots: operations } = client.compute(subscriptionId);
    return client.start(call, context, (options) =>
      operations.createOrUpdate(resourceGroup, intent.name, writeSnapshot(intent), options),
    );
  },

  delete(id, context) {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'snapshot');
    const call = snapshotCall('snapshots.delete', 'DELETE', subscriptionId, name);
    const { snapshots: operations } = client.compute(subscriptionId);
    return orAbsent(
      client.start(call, context, (options) => operations.delete(resourceGroup, name, options)),
    );
  },

  async tag(id, wanted, context) {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'snapshot');
    const { snapshots: operations } = client.compute(subscriptionId);
    const call = snapshotCall('snapshots.update', 'PATCH', subscriptionId, name);
    const seen = await this.get(id, context);
    if (!seen) throw resourceMissing(call);
    const tags = mergeTags(seen.tags, wanted);
    if (!tags) return;
    await client.start(call, context, (options) =>
      operations.update(resourceGroup, name, { tags }, options),
    );
  },
});

function snapshotCall(
  operation: string,
  method: ArmCall['method'],
  subscriptionId: string,
  name: string,
): ArmCall {
  return { operation, method, subscriptionId, target: `snapshots/${name}` };
}

function writeSnapshot(intent: SnapshotIntent): Snapshot {
  return {
    location: intent.scope.location,
    tags: { ...intent.tags },
    // Only the blocks in use are kept and billed, and disks are made from it at once.
    incremental: true,
    creationData: { createOption: 'Copy', sourceResourceId: intent.sourceDiskId },
  };
}

function readSnapshot(snapshot: Snapshot, id: string): ObservedSnapshot {
  return known({
    id: snapshot.id ?? id,
    name: snapshot.name ?? parseArmId(id).name,
    provisioningState: snapshot.provisioningState ?? 'Unknown',
    tags: snapshot.tags ?? {},
    location: snapshot.location,
    zone: undefined,
    sizeGiB: snapshot.diskSizeGB ?? 0,
    timeCreated: timeText(snapshot.timeCreated),
    completionPercent: snapshot.completionPercent,
  });
}
