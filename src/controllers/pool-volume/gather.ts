// Everything a pooled disk's plan is made from. Azure is asked only when the plan depends on it.
import { namespaces } from '../../api/built-in.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { volumePools } from '../../api/resources.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import { type CallContext, computeResourceId } from '../../azure/port.ts';
import { isOfBuild } from '../../plan/golden-snapshot-recipe.ts';
import type { Refusal } from '../../plan/pool-scope.ts';
import { diskName, type PoolVolumeSnapshot, volumeNeedsLook } from '../../plan/pool-volume.ts';
import { keepsBytes } from '../../plan/pool-volume-deletion.ts';
import { refuseSnapshot } from '../../plan/tenancy.ts';
import type { ControllerContext } from '../context.ts';
import { refusalOf } from '../tenancy.ts';

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
  const isDoubted = context.discovery.isDoubted(volume.metadata.uid);
  const [disk, state] =
    volumeNeedsLook(volume, holder) || isDoubted
      ? await Promise.all([
          cloud.get('volume', volumeId(volume), call),
          operation?.url ? cloud.poll(operation, call) : undefined,
        ])
      : (['unread', undefined] as const);
  const ownPool = pool?.metadata.uid === poolRef.uid ? pool : undefined;
  return {
    volume,
    pool: ownPool,
    swept:
      volume.metadata.deletionTimestamp !== undefined &&
      keepsBytes(volume, ownPool) &&
      (await isSwept(context, volume)),
    holder,
    disk: disk ?? 'absent',
    operation: state,
    installation,
    pollPace,
    refusal: ownPool && disk === undefined ? refuseCreation(context, volume, ownPool) : undefined,
  };
}

/** The disk is not there and may not be made: for its pool's sake, or for that of the copied snapshot. */
function refuseCreation(
  context: ControllerContext,
  { metadata, spec }: PoolVolume,
  pool: VolumePool,
): Refusal | undefined {
  const { snapshotId } = spec.source;
  const refused = refusalOf(context, pool);
  if (refused || isOfBuild(pool, snapshotId.split('/').at(-1) ?? '')) return refused;
  return refuseSnapshot(metadata.namespace, snapshotId, context.tenancy.current());
}

/** Live, because a cache that is a moment behind would cost somebody's bytes. */
async function isSwept({ client }: ControllerContext, volume: PoolVolume): Promise<boolean> {
  const { namespace } = volume.metadata;
  const { name, uid } = volume.spec.poolRef;
  const [home, pool] = await Promise.all([
    client.get(namespaces, { name: namespace }),
    client.get(volumePools, { namespace, name }),
  ]);
  const goes = pool?.metadata.uid !== uid || pool.metadata.deletionTimestamp !== undefined;
  return goes || home?.metadata.deletionTimestamp !== undefined;
}

export function volumeId(volume: PoolVolume): string {
  return (
    volume.spec.adopt?.resourceId ?? computeResourceId(volume.spec.azure, 'disks', diskName(volume))
  );
}
