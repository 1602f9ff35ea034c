// What the caches say of the pools this very moment: fresher than any status, and computed only when
// somebody asks (a scrape, the debug endpoint).
import type { InstanceClaim } from '../../api/instance-claim.ts';
import type { InstancePool } from '../../api/instance-pool.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import { isWaiting } from '../../plan/instance-claim.ts';
import { roleOf } from '../../plan/pool-roles.ts';
import type { MemberRole } from '../../plan/scaling.ts';
import type { Stores } from '../context.ts';
import { BY_CLAIM, BY_INSTANCE_POOL, BY_POOL, BY_VOLUME_POOL } from '../stores.ts';

export type Pool = InstancePool | VolumePool;
export type Member = PoolInstance | PoolVolume;

/** Every state is always told, so that a graph shows a zero and not a gap. */
export const MEMBER_STATES: readonly MemberRole[] = [
  'creating',
  'free',
  'claimed',
  'releasing',
  'retained',
  'deleting',
  'failed',
  'quarantined',
];

export function poolsOf(stores: Stores): readonly Pool[] {
  return [...stores.instancePools.list(), ...stores.volumePools.list()];
}

export function membersOf(stores: Stores, pool: Pool): readonly Member[] {
  const members = pool.kind === 'InstancePool' ? stores.poolInstances : stores.poolVolumes;
  return members.byIndex(BY_POOL, keyOf(pool));
}

export function countStates(members: readonly Member[]): ReadonlyMap<MemberRole, number> {
  const counts = new Map<MemberRole, number>(MEMBER_STATES.map((state) => [state, 0]));
  for (const member of members) {
    const state = roleOf(member);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

/** Claims that lack something that this pool could give them, in the order they are served. */
export function waitingClaims(stores: Stores, pool: Pool): readonly InstanceClaim[] {
  const key = keyOf(pool);
  const isForInstances = pool.kind === 'InstancePool';
  const claims = isForInstances
    ? stores.instanceClaims.byIndex(BY_INSTANCE_POOL, key)
    : stores.instanceClaims.byIndex(BY_VOLUME_POOL, key);
  const members = isForInstances ? stores.poolInstances : stores.poolVolumes;
  return claims
    .filter((claim) => members.byIndex(BY_CLAIM, claim.metadata.uid).length === 0)
    .filter((claim) => isWaiting(claim, undefined, undefined))
    .sort(
      (a, b) =>
        Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
        (a.metadata.name < b.metadata.name ? -1 : 1),
    );
}

function keyOf({ metadata: { namespace, name } }: Pool): string {
  return `${namespace}/${name}`;
}
