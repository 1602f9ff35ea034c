// Disks of ours on a VM that are not meant for it (any more): somebody let go of them while Azure was
// attaching them, or a crash came in between. Taking a disk away is for ever, so the records are read
// live: a cache that is a moment behind must never cost a claim its disk.
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { instanceClaims, poolVolumes } from '../../api/resources.ts';
import type { ObservedInstance } from '../../azure/port.ts';
import { isOver } from '../../plan/instance-claim.ts';
import type { AttachedVolume } from '../../plan/pool-instance.ts';
import type { ControllerContext } from '../context.ts';

/** What hangs on the VM and may be taken off it. */
export async function findStrays(
  context: ControllerContext,
  instance: PoolInstance,
  live: ObservedInstance,
  wanted: readonly PoolVolume[],
): Promise<AttachedVolume[]> {
  const wantedIds = new Set(wanted.map(({ status }) => status?.azure?.resourceId.toLowerCase()));
  // Let go of by its pool, it has no record and stays all the same.
  for (const { orphaned, resourceId } of instance.status?.volumes ?? []) {
    if (orphaned) wantedIds.add(resourceId.toLowerCase());
  }
  const strays: AttachedVolume[] = [];
  for (const { diskId, lun } of live.dataDisks) {
    if (wantedIds.has(diskId.toLowerCase())) continue;
    const volume = recordOf(context, instance, diskId);
    if (volume && !(await isMeantFor(context, instance, volume))) {
      strays.push({ name: volume.name, uid: volume.uid, resourceId: diskId, lun });
    }
  }
  return strays;
}

/**
 * Volumes for this instance of a claim that neither owns the instance nor exists any more, and those
 * attached ahead of time whose record was retired before anybody claimed them.
 */
export async function findAbandoned(
  { client }: ControllerContext,
  { spec: { claimRef } }: PoolInstance,
  volumes: readonly PoolVolume[],
): Promise<PoolVolume[]> {
  const abandoned: PoolVolume[] = [];
  for (const volume of volumes) {
    const owner = volume.spec.claimRef;
    if (!owner && !claimRef && volume.metadata.deletionTimestamp !== undefined) {
      abandoned.push(volume);
    }
    if (!owner || owner.uid === claimRef?.uid) continue;
    const { namespace, name } = owner;
    const claim = await client.get(instanceClaims, { namespace, name });
    if (claim?.metadata.uid !== owner.uid || isOver(claim)) abandoned.push(volume);
  }
  return abandoned;
}

function recordOf(
  { stores }: ControllerContext,
  { metadata, status }: PoolInstance,
  diskId: string,
): { readonly name: string; readonly uid: string } | undefined {
  const id = diskId.toLowerCase();
  const held = status?.volumes.find(({ resourceId }) => resourceId.toLowerCase() === id);
  if (held) return held;
  const recorded = stores.poolVolumes
    .list(metadata.namespace)
    .find((volume) => volume.status?.azure?.resourceId.toLowerCase() === id);
  return recorded?.metadata;
}

async function isMeantFor(
  { client }: ControllerContext,
  { metadata: { namespace, uid } }: PoolInstance,
  volume: { readonly name: string; readonly uid: string },
): Promise<boolean> {
  const live = await client.get(poolVolumes, { namespace, name: volume.name });
  return live?.metadata.uid === volume.uid && live.spec.instanceRef?.uid === uid;
}
