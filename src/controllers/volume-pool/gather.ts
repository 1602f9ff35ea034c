// Everything a volume pool's plan is made from, read once.
import type { VolumePool } from '../../api/volume-pool.ts';
import type { CallContext } from '../../azure/port.ts';
import { isWaiting } from '../../plan/instance-claim.ts';
import { snapshotNeedsLook, type VolumePoolSnapshot } from '../../plan/volume-pool.ts';
import type { ControllerContext } from '../context.ts';
import { BY_CLAIM, BY_POOL, BY_VOLUME_POOL } from '../stores.ts';

export async function gather(
  { stores, cloud, defaults }: ControllerContext,
  pool: VolumePool,
  call: CallContext,
): Promise<VolumePoolSnapshot> {
  const key = `${pool.metadata.namespace}/${pool.metadata.name}`;
  const waiting = stores.instanceClaims.byIndex(BY_VOLUME_POOL, key).filter((claim) => {
    const [volume] = stores.poolVolumes.byIndex(BY_CLAIM, claim.metadata.uid);
    const [instance] = stores.poolInstances.byIndex(BY_CLAIM, claim.metadata.uid);
    return volume === undefined && isWaiting(claim, instance, undefined);
  });
  return {
    pool,
    members: stores.poolVolumes.byIndex(BY_POOL, key),
    waitingClaims: waiting.length,
    goldenSnapshot: await lookAtSnapshot(cloud, pool, call),
    defaults,
  };
}

async function lookAtSnapshot(
  cloud: ControllerContext['cloud'],
  pool: VolumePool,
  call: CallContext,
): Promise<VolumePoolSnapshot['goldenSnapshot']> {
  const { goldenSnapshot } = pool.spec;
  if (goldenSnapshot.type !== 'Existing' || !snapshotNeedsLook(pool)) return 'unread';
  return (await cloud.get('snapshot', goldenSnapshot.existing.id, call)) ?? 'absent';
}
