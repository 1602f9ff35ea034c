// What a storage pool knows of the disks that it has, or is to have, from a VolumePool. Azure is asked only
// where the next step depends on it.
import type { InstanceClaim } from '../../api/instance-claim.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import type { StorageNode } from '../../api/storage-node.ts';
import type { StoragePool } from '../../api/storage-pool.ts';
import { CloudError } from '../../azure/errors.ts';
import type { CallContext, ObservedInstance } from '../../azure/port.ts';
import { isOlder } from '../../plan/age.ts';
import type { KeptVolumes } from '../../plan/allocation.ts';
import { isWaiting } from '../../plan/instance-claim.ts';
import { longestFreeFirst } from '../../plan/stock.ts';
import type { StoragePoolSnapshot } from '../../plan/storage-pool.ts';
import { branchOf } from '../../plan/storage-pool-branch.ts';
import { type LeaseLook, type LeaseSnapshot, lookForLease } from '../../plan/volume-lease-facts.ts';
import { awaitedVolumes, isEmptyVolume, volumePoolNameOf } from '../../plan/volume-lease-order.ts';
import type { ControllerContext } from '../context.ts';
import { volumeId } from '../pool-volume/gather.ts';
import { BY_CLAIM, BY_POOL, BY_VOLUME_POOL } from '../stores.ts';

type Stores = ControllerContext['stores'];

export interface GatheredLease {
  readonly snapshot: LeaseSnapshot;
  /** As Azure showed it, for the write that depends on it. */
  readonly live: ObservedInstance | undefined;
  /** Azure could not be asked: the pass is tried again. */
  readonly error?: CloudError;
}

/** Undefined for a pool that takes no disks from a VolumePool. */
export async function gatherLease(
  context: ControllerContext,
  pool: StoragePool,
  seen: Pick<StoragePoolSnapshot, 'mounts' | 'nodes'>,
  call: CallContext,
): Promise<GatheredLease | undefined> {
  if (volumePoolNameOf(pool) === undefined) return undefined;
  return await lookAtLease(context, gatherKnown(context, pool, seen), call);
}

/** Asks Azure for what the next step depends on, if it depends on anything. */
export async function lookAtLease(
  context: ControllerContext,
  known: Known,
  call: CallContext,
): Promise<GatheredLease> {
  const look = lookForLease(known);
  if (!look) return { snapshot: { ...known, ...UNREAD }, live: undefined };
  try {
    return await lookAtAzure(context, known, look, call);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    const trouble = { code: error.code, message: error.message };
    return { snapshot: { ...known, ...UNREAD, trouble }, live: undefined, error };
  }
}

const UNREAD = { machine: 'unread', disks: new Map(), operation: undefined } as const;

type Known = Omit<LeaseSnapshot, 'machine' | 'disks' | 'operation'>;

async function lookAtAzure(
  { cloud }: ControllerContext,
  known: Known,
  look: LeaseLook,
  call: CallContext,
): Promise<GatheredLease> {
  const under = known.pool.status?.attachment?.operation;
  const operation = under?.url ? await cloud.poll(under, call) : undefined;
  if (operation?.state === 'InProgress')
    return { snapshot: { ...known, ...UNREAD, operation }, live: undefined };
  const [live, ...disks] = await Promise.all([
    cloud.get('instance', look.machineId, call),
    ...look.disks.map((volume) => cloud.get('volume', volumeId(volume), call)),
  ]);
  const byUid = look.disks.map(
    ({ metadata }, index) => [metadata.uid, disks[index] ?? 'absent'] as const,
  );
  const machine = live ?? 'absent';
  return { snapshot: { ...known, machine, disks: new Map(byUid), operation }, live };
}

function gatherKnown(
  { stores, pollPace }: ControllerContext,
  pool: StoragePool,
  { mounts, nodes }: Pick<StoragePoolSnapshot, 'mounts' | 'nodes'>,
): Known {
  const { namespace, uid } = pool.metadata;
  const nodeName = branchOf(pool.spec).nodeName(pool.spec) ?? '';
  const seen = nodes.find(({ name }) => name === nodeName);
  const own = mounts.filter(({ spec }) => spec.poolRef.uid === uid);
  const poolName = volumePoolNameOf(pool) ?? '';
  return {
    pool,
    volumePool: stores.volumePools.get(namespace, poolName),
    leased: leasedBy(stores, uid),
    stock: stockFor(stores, pool),
    node: seen?.node && { name: nodeName, providerId: seen.node.providerId },
    hasAgent: seen?.hasInventory === true && seen.agent.state === 'ready',
    hasMount: own.length > 0,
    mount: own.find(({ spec }) => spec.nodeName === nodeName),
    reserved: reservedOn(stores.storageNodes.get(undefined, nodeName)),
    pollPace,
  };
}

/** Disks whose StoragePool has this uid. */
export function leasedBy({ poolVolumes }: Stores, poolUid: string): PoolVolume[] {
  return poolVolumes.byIndex(BY_CLAIM, poolUid).filter(({ spec }) => spec.node !== undefined);
}

function reservedOn(node: StorageNode | undefined): LeaseSnapshot['reserved'] {
  return (node?.status?.devices ?? []).filter(({ claimedBy }) => claimedBy !== undefined);
}

/** The free empty disks of the pool's VolumePool, less those that older claims wait for. */
function stockFor(stores: Stores, pool: StoragePool): PoolVolume[] {
  const key = `${pool.metadata.namespace}/${volumePoolNameOf(pool)}`;
  const free = stores.poolVolumes.byIndex(BY_POOL, key).filter(isEmptyVolume);
  if (free.length === 0) return [];
  const claims = stores.instanceClaims.byIndex(BY_VOLUME_POOL, key).filter((claim) => {
    const [volume] = stores.poolVolumes.byIndex(BY_CLAIM, claim.metadata.uid);
    return !volume && isOlder(claim, pool) && isWaiting(claim, undefined, undefined);
  });
  const pools = storagePoolsOf(stores, key).filter((other) => isOlder(other, pool));
  const kept = pools.reduce(
    (sum, other) => sum + awaitedVolumes(other, leasedBy(stores, other.metadata.uid)),
    claims.length,
  );
  return free.sort(longestFreeFirst).slice(kept);
}

/** Storage pools that take disks from the VolumePool of this key. */
export function storagePoolsOf(
  { storagePools }: Stores,
  volumePoolKey: string,
): readonly StoragePool[] {
  return storagePools.byIndex(BY_VOLUME_POOL, volumePoolKey);
}

/** What storage pools wait for of the volume pools that these claims draw from. */
export function keptVolumes(stores: Stores, claims: readonly InstanceClaim[]): KeptVolumes[] {
  const keys = claims.flatMap(({ metadata, spec: { volume } }) =>
    volume?.type === 'New' ? [`${metadata.namespace}/${volume.new.poolRef.name}`] : [],
  );
  const pools = [...new Set(keys)].flatMap((key) => storagePoolsOf(stores, key));
  return pools.flatMap((pool): KeptVolumes[] => {
    const count = awaitedVolumes(pool, leasedBy(stores, pool.metadata.uid));
    const volumePool = volumePoolNameOf(pool) ?? '';
    return count > 0 ? [{ volumePool, count, metadata: pool.metadata }] : [];
  });
}

/** How many disks of the VolumePool its storage pools wait for. */
export function awaitedOf(stores: Stores, volumePoolKey: string): number {
  return storagePoolsOf(stores, volumePoolKey).reduce(
    (sum, pool) => sum + awaitedVolumes(pool, leasedBy(stores, pool.metadata.uid)),
    0,
  );
}

export function keyOfVolumePool(pool: StoragePool): string[] {
  const name = volumePoolNameOf(pool);
  return name === undefined ? [] : [`${pool.metadata.namespace}/${name}`];
}
