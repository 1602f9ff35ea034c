// Everything an instance pool's plan is made from, read once from the caches.
import type { InstancePool } from '../../api/instance-pool.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { mayBeServed } from '../../plan/allocation.ts';
import { isWaiting } from '../../plan/instance-claim.ts';
import type { InstancePoolSnapshot } from '../../plan/instance-pool.ts';
import type { ControllerContext } from '../context.ts';
import { subscriptionOf } from '../discovery/index.ts';
import { awaitedOf } from '../storage-pool/lease.ts';
import { BY_CLAIM, BY_LACKING, BY_POOL } from '../stores.ts';
import { refusalOf } from '../tenancy.ts';

export function gather(context: ControllerContext, pool: InstancePool): InstancePoolSnapshot {
  const { stores, defaults, discovery } = context;
  const key = `${pool.metadata.namespace}/${pool.metadata.name}`;
  const { prewarm } = pool.spec;
  const waiting = stores.instanceClaims.byIndex(BY_LACKING, key).filter((claim) => {
    const [instance] = stores.poolInstances.byIndex(BY_CLAIM, claim.metadata.uid);
    const volumeNamed = (name: string) => stores.poolVolumes.get(claim.metadata.namespace, name);
    return (
      instance === undefined &&
      isWaiting(claim, undefined, undefined) &&
      mayBeServed(claim, volumeNamed)
    );
  });
  return {
    pool,
    members: stores.poolInstances.byIndex(BY_POOL, key),
    waitingClaims: waiting.length,
    prewarmVolumes: prewarm
      ? volumesFor(stores, `${pool.metadata.namespace}/${prewarm.volumePoolRef.name}`)
      : [],
    defaults,
    refusal: refusalOf(context, pool),
    discovery: discovery.ofPool('instance', key, subscriptionOf(context, pool)),
  };
}

/** While a StoragePool waits for free ones, none is attached ahead of time. */
function volumesFor(stores: ControllerContext['stores'], key: string): readonly PoolVolume[] {
  const volumes = stores.poolVolumes.byIndex(BY_POOL, key);
  if (awaitedOf(stores, key) === 0) return volumes;
  return volumes.filter(({ spec }) => spec.instanceRef !== undefined);
}
