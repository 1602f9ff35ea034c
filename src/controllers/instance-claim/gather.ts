// Everything a claim's status is made from, read from the caches.
import type { InstanceClaim } from '../../api/instance-claim.ts';
import { annotations } from '../../api/names.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import type { Reason } from '../../api/reasons.ts';
import { formerUid } from '../../plan/adoption-recovery.ts';
import { isClaimable } from '../../plan/allocation.ts';
import { holdingsOf } from '../../plan/claim-holdings.ts';
import { type InstanceClaimSnapshot, isOver } from '../../plan/instance-claim.ts';
import type { PortSeen } from '../../plan/instance-claim-judgements.ts';
import { isKnownAs } from '../../plan/member.ts';
import { INSTANCE_SHELVES, VOLUME_SHELVES } from '../../plan/stock.ts';
import type { ControllerContext } from '../context.ts';
import { BY_CLAIM, BY_POOL_CLAIMED, BY_SHELF, shelfKey } from '../stores.ts';
import type { PortProbes } from './port-probes.ts';

export function gather(
  { stores }: ControllerContext,
  claim: InstanceClaim,
  { firstSeenAt, probes }: GatherOptions,
): InstanceClaimSnapshot {
  const { namespace, uid } = claim.metadata;
  const { instance, volume } = holdingsOf(
    claim,
    stores.poolInstances.byIndex(BY_CLAIM, uid),
    stores.poolVolumes.byIndex(BY_CLAIM, uid),
  );
  const pool = stores.instancePools.get(namespace, claim.spec.instancePoolRef.name);
  return {
    claim,
    pool,
    instance,
    volume,
    port: instance ? lookAtPort(claim, instance, probes) : 'unread',
    waitsFor: instance ? whyLacking(stores, claim, volume) : whyWaiting(stores, claim),
    firstSeenAt,
  };
}

export interface GatherOptions {
  readonly firstSeenAt: number;
  readonly probes: PortProbes;
}

function lookAtPort(claim: InstanceClaim, instance: PoolInstance, probes: PortProbes): PortSeen {
  const { ready } = claim.spec;
  const { privateAddress, powerState } = instance.status?.azure ?? {};
  if (!ready || claim.status?.readyAt !== undefined || isOver(claim)) return 'unread';
  if (privateAddress === undefined || powerState !== 'running') return 'unread';
  return probes.look(claim, privateAddress, ready.tcp.port);
}

interface Why {
  readonly reason: Reason;
  readonly message: string;
}

/** Why a claim that has its instance has no volume yet; nothing to say where it has all it asked for. */
function whyLacking(
  stores: ControllerContext['stores'],
  claim: InstanceClaim,
  volume: PoolVolume | undefined,
): Why {
  const why = volume ? undefined : whyNoVolume(stores, claim);
  return why ?? { reason: 'Bound', message: '' };
}

/** The first thing in the way, as a sentence. */
function whyWaiting(stores: ControllerContext['stores'], claim: InstanceClaim): Why {
  const { namespace } = claim.metadata;
  const poolName = claim.spec.instancePoolRef.name;
  const pool = stores.instancePools.get(namespace, poolName);
  if (!pool) {
    const message = `spec.instancePoolRef.name: no InstancePool ${poolName} in namespace ${namespace}`;
    return { reason: 'PoolNotFound', message };
  }
  if (pool.metadata.deletionTimestamp !== undefined) {
    return { reason: 'PoolDeleting', message: `InstancePool ${poolName} is being deleted` };
  }
  const uid = formerUid(claim);
  if (uid !== undefined) {
    const message = `nothing remembers claim uid ${uid}; without the annotation ${annotations.recoverUid} it is served afresh`;
    return { reason: 'WaitingForInstance', message };
  }
  const volume = whyNoVolume(stores, claim);
  if (volume) return volume;
  // Hundreds of claims may wait at once: none of them goes through all members.
  const key = `${namespace}/${poolName}`;
  const { maxTotal } = pool.spec.scaling;
  const claimed = stores.poolInstances.byIndex(BY_POOL_CLAIMED, key).length;
  if (claimed >= maxTotal) {
    return {
      reason: 'PoolExhausted',
      message: `${claimed} of ${maxTotal} instances of ${poolName} are claimed`,
    };
  }
  if (pool.spec.paused)
    return { reason: 'PoolPaused', message: `InstancePool ${poolName} is paused` };
  const hasFree = INSTANCE_SHELVES.some(
    (shelf) => stores.poolInstances.byIndex(BY_SHELF, shelfKey(key, shelf)).length > 0,
  );
  if (hasFree) {
    const message = `no free instance of ${poolName} is in the zone of the volume`;
    if (claim.spec.volume) return { reason: 'NoInstanceInZone', message };
    const kept = `what is free in ${poolName} is kept for claims that came before`;
    return { reason: 'WaitingForInstance', message: kept };
  }
  return waiting(poolName);
}

function waiting(poolName: string): Why {
  return {
    reason: 'WaitingForInstance',
    message: `InstancePool ${poolName} is making an instance`,
  };
}

function whyNoVolume(stores: ControllerContext['stores'], claim: InstanceClaim): Why | undefined {
  const { namespace } = claim.metadata;
  const asked = claim.spec.volume;
  if (asked?.type === 'New') {
    const { name } = asked.new.poolRef;
    if (!stores.volumePools.get(namespace, name)) {
      const message = `spec.volume.new.poolRef.name: no VolumePool ${name} in namespace ${namespace}`;
      return { reason: 'PoolNotFound', message };
    }
    const hasFresh = VOLUME_SHELVES.some(
      (shelf) =>
        stores.poolVolumes.byIndex(BY_SHELF, shelfKey(`${namespace}/${name}`, shelf)).length > 0,
    );
    if (hasFresh) return undefined;
    return { reason: 'VolumePoolExhausted', message: `VolumePool ${name} has no free volume` };
  }
  if (asked?.type === 'Existing') {
    const { name, uid } = asked.existing;
    const volume = stores.poolVolumes.get(namespace, name);
    if (!volume || !isKnownAs(volume, uid)) {
      const message = `spec.volume.existing: no volume ${name} with uid ${uid} in namespace ${namespace}`;
      return { reason: 'VolumeNotFound', message };
    }
    if (isClaimable(volume, uid)) return undefined;
    const owner = volume.spec.claimRef;
    const message = owner
      ? `volume ${name} is held by claim ${owner.namespace}/${owner.name}`
      : `volume ${name} is ${volume.status?.phase ?? 'Pending'}`;
    return { reason: 'VolumeInUse', message };
  }
  return undefined;
}
