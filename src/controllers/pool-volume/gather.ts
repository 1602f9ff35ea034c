// Everything a pooled disk's plan is made from. Azure is asked only when the plan depends on it.
import type { PoolVolume } from '../../api/pool-volume.ts';
import { type CallContext, computeResourceId } from '../../azure/port.ts';
import { diskName, type PoolVolumeSnapshot, volumeNeedsLook } from '../../plan/pool-volume.ts';
import type { ControllerContext } from '../context.ts';

export async function gather(
  context: ControllerContext,
  volume: PoolVolume,
  call: CallContext,
): Promise<PoolVolumeSnapshot> {
  const { stores, cloud, installation, pollPace } = context;
  const { namespace } = volume.metadata;
  const { poolRef, instanceRef } = volume.spec;
  const pool = stores.volumePools.get(namespace, poolRef.name);
  const holder = instanceRef && stores.poolInstances.byUid(instanceRef.uid);
  const operation = volume.status?.operation;
  const [disk, state] = volumeNeedsLook(volume, holder)
    ? await Promise.all([
        cloud.get('volume', volumeId(volume), call),
        operation?.url ? cloud.poll(operation, call) : undefined,
      ])
    : (['unread', undefined] as const);
  return {
    volume,
    pool: pool?.metadata.uid === poolRef.uid ? pool : undefined,
    holder,
    disk: disk ?? 'absent',
    operation: state,
    installation,
    pollPace,
  };
}

export function volumeId(volume: PoolVolume): string {
  return (
    volume.spec.adopt?.resourceId ?? computeResourceId(volume.spec.azure, 'disks', diskName(volume))
  );
}
