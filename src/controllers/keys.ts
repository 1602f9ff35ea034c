// Which keys an event concerns: the object's own, its pool's, its claim's; and whether it concerns anybody.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import type { AnyObject, DeepReadonly } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { changedBeyondStatus, type Key, keyOfObject } from '../kube/index.ts';
import { isFreshVolume } from '../plan/allocation.ts';
import type { View } from './context.ts';

type Member = DeepReadonly<PoolInstance | PoolVolume>;
type Claim = DeepReadonly<InstanceClaim>;

/** The group of a member's key: its pool. */
export function poolOf(members: View<PoolInstance | PoolVolume>): (key: Key) => string {
  return (key) => {
    const member = members.byKey(key);
    return member ? `${member.metadata.namespace}/${member.spec.poolRef.name}` : key;
  };
}

export function ownKey(object: DeepReadonly<AnyObject>): Key[] {
  return [keyOfObject(object as AnyObject)];
}

export function poolKey({ metadata, spec }: Member): Key[] {
  return [`${metadata.namespace}/${spec.poolRef.name}`];
}

export function instancePoolKey({ metadata, spec }: Claim): Key[] {
  return [`${metadata.namespace}/${spec.instancePoolRef.name}`];
}

export function volumePoolKey({ metadata, spec }: Claim): Key[] {
  return spec.volume?.type === 'New'
    ? [`${metadata.namespace}/${spec.volume.new.poolRef.name}`]
    : [];
}

/** The pools whose free machines may get this disk ahead of time. */
export function prewarmingPools(pools: View<InstancePool>) {
  return (volume: DeepReadonly<PoolVolume>): Key[] => {
    if (!isFreshVolume(volume as PoolVolume)) return [];
    const { metadata, spec } = volume;
    return pools
      .list(metadata.namespace)
      .filter((pool) => pool.spec.prewarm?.volumePoolRef.name === spec.poolRef.name)
      .map(keyOfObject);
  };
}

export function claimKey({ spec }: Member): Key[] {
  return spec.claimRef ? [`${spec.claimRef.namespace}/${spec.claimRef.name}`] : [];
}

/** What a pool counts a member as, and what an allocation sees of it. */
export function roleMayDiffer(member: Member, old: Member): boolean {
  return (
    member.status?.phase !== old.status?.phase ||
    member.metadata.uid !== old.metadata.uid ||
    member.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
    member.metadata.generation !== old.metadata.generation ||
    ('volumes' in (member.status ?? {}) && volumeCount(member) !== volumeCount(old))
  );
}

export function volumeCount({ status }: Member): number {
  return status && 'volumes' in status ? status.volumes.length : 0;
}

/** A member's own status write wakes it only where the write moved its life on. */
export function mayNeedStep(member: Member, old: Member): boolean {
  return changedBeyondStatus(member, old) || roleMayDiffer(member, old);
}
