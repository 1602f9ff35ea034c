// Everything a pooled disk's plan is made from. Azure is asked only when the plan depends on it.
import { namespaces } from '../../api/built-in.ts';
import type { LeasedVolume } from '../../api/leased-volume.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { volumePools } from '../../api/resources.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import { type CallContext, computeResourceId } from '../../azure/port.ts';
import { isOfBuild } from '../../plan/golden-snapshot-recipe.ts';
import { isKnownAs } from '../../plan/member.ts';
import { isVolumeAtWork } from '../../plan/operation-wait.ts';
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
  const { stores, installation, pollPace } = context;
  const { namespace } = volume.metadata;
  const { poolRef, instanceRef } = volume.spec;
  const pool = stores.volumePools.get(namespace, poolRef.name);
  const holder = instanceRef && stores.poolInstances.byUid(instanceRef.uid);
  const isDoubted = context.discovery.isDoubted(volume.metadata.uid);
  const isAtWork = !isDoubted && isVolumeAtWork(volume, context.runtime.clock.now());
  const { disk, operation } =
    volumeNeedsLook(volume, holder) || isDoubted
      ? await lookAtDisk(context, volume, isAtWork, call)
      : UNREAD;
  const ownPool = pool?.metadata.uid === poolRef.uid ? pool : undefined;
  return {
    volume,
    pool: ownPool,
    swept:
      volume.metadata.deletionTimestamp !== undefined &&
      keepsBytes(volume, ownPool) &&
      (await isSwept(context, volume)),
    lease: leaseOf(context, volume),
    holder,
    disk,
    operation,
    installation,
    pollPace,
    refusal: ownPool && disk === 'absent' ? refuseCreation(context, volume, ownPool) : undefined,
  };
}

/** A StoragePool tells in its status where its disks are attached. */
function leaseOf({ stores }: ControllerContext, volume: PoolVolume): LeasedVolume | undefined {
  const { node, claimRef } = volume.spec;
  if (!node || !claimRef) return undefined;
  const pool = stores.storagePools.byUid(claimRef.uid);
  return pool?.status?.volumes.find(({ uid }) => isKnownAs(volume, uid));
}

const UNREAD = { disk: 'unread', operation: undefined } as const;

/** Before its operation has ended there is nothing to be seen of the disk that would matter. */
async function lookAtDisk(
  { cloud }: ControllerContext,
  volume: PoolVolume,
  isAtWork: boolean,
  call: CallContext,
): Promise<Pick<PoolVolumeSnapshot, 'disk' | 'operation'>> {
  const { operation } = volume.status ?? {};
  const asking = operation?.url ? cloud.poll(operation, call) : undefined;
  if (isAtWork) {
    const state = await asking;
    if (state?.state === 'InProgress') return { ...UNREAD, operation: state };
  }
  const [disk, state] = await Promise.all([cloud.get('volume', volumeId(volume), call), asking]);
  return { disk: disk ?? 'absent', operation: state };
}

/** The disk is not there and may not be made: for its pool's sake, or for that of the copied snapshot. */
function refuseCreation(
  context: ControllerContext,
  { metadata, spec }: PoolVolume,
  pool: VolumePool,
): Refusal | undefined {
  const { snapshotId } = spec.source;
  const refused = refusalOf(context, pool);
  if (snapshotId === undefined) return refused;
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
