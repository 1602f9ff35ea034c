// Everything a volume pool's plan is made from, read once.
import type { VolumePool } from '../../api/volume-pool.ts';
import { CloudError } from '../../azure/errors.ts';
import type { CallContext } from '../../azure/port.ts';
import { isWaiting } from '../../plan/instance-claim.ts';
import type { Refusal } from '../../plan/pool-scope.ts';
import { refuseForeignSnapshot } from '../../plan/tenancy.ts';
import { snapshotNeedsLook, type VolumePoolSnapshot } from '../../plan/volume-pool.ts';
import type { ControllerContext } from '../context.ts';
import { subscriptionOf } from '../discovery/index.ts';
import type { SnapshotLooks } from '../golden-snapshot/index.ts';
import { awaitedOf } from '../storage-pool/lease.ts';
import { BY_CLAIM, BY_POOL, BY_VOLUME_POOL } from '../stores.ts';
import { refusalOf } from '../tenancy.ts';

export async function gather(
  context: ControllerContext,
  looks: SnapshotLooks,
  pool: VolumePool,
  call: CallContext,
): Promise<VolumePoolSnapshot> {
  const { stores, cloud, defaults, discovery } = context;
  const key = `${pool.metadata.namespace}/${pool.metadata.name}`;
  const waiting = stores.instanceClaims.byIndex(BY_VOLUME_POOL, key).filter((claim) => {
    const [volume] = stores.poolVolumes.byIndex(BY_CLAIM, claim.metadata.uid);
    const [instance] = stores.poolInstances.byIndex(BY_CLAIM, claim.metadata.uid);
    return volume === undefined && isWaiting(claim, instance, undefined);
  });
  const members = stores.poolVolumes.byIndex(BY_POOL, key);
  const refused = refusalOf(context, pool);
  // The operator's identity may see what the pool's author may not even ask for.
  const goldenSnapshot = refused
    ? 'unread'
    : await lookAtSnapshot(cloud, looks, { pool, members }, call);
  return {
    pool,
    members,
    waitingClaims: waiting.length + awaitedOf(stores, key),
    goldenSnapshot,
    defaults,
    refusal: refused ?? refuseSeen(context, pool, goldenSnapshot),
    discovery: discovery.ofPool('volume', key, subscriptionOf(context, pool)),
  };
}

function refuseSeen(
  { tenancy, installation }: ControllerContext,
  pool: VolumePool,
  seen: VolumePoolSnapshot['goldenSnapshot'],
): Refusal | undefined {
  if (typeof seen === 'string') return undefined;
  return refuseForeignSnapshot({ pool, snapshot: seen, installation }, tenancy.current());
}

/** Before it is first used, while it is unfit, and now and then: somebody may delete it. */
async function lookAtSnapshot(
  cloud: ControllerContext['cloud'],
  looks: SnapshotLooks,
  { pool, members }: Pick<VolumePoolSnapshot, 'pool' | 'members'>,
  call: CallContext,
): Promise<VolumePoolSnapshot['goldenSnapshot']> {
  const { goldenSnapshot } = pool.spec;
  if (goldenSnapshot.type !== 'Existing') return 'unread';
  if (pool.metadata.deletionTimestamp !== undefined) return 'unread';
  const { id } = goldenSnapshot.existing;
  const isNeeded = snapshotNeedsLook(pool);
  if (!isNeeded && !looks.isDue(pool, members)) return 'unread';
  try {
    const seen = await cloud.get('snapshot', id, call);
    looks.looked(pool, id);
    return seen ?? 'absent';
  } catch (error) {
    // Looking after what worked so far must not keep the pool from anything else.
    if (!isNeeded && error instanceof CloudError) return 'unread';
    throw error;
  }
}
