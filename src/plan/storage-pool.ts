// What a storage pool does next: ask the agents of its nodes for mounts, keep what it asks for in step
// with its spec, and on deletion let go of each mount once its agent has undone it.
import { childrenFinalizer } from '../api/names.ts';
import type { NodeMount, NodeMountSpec } from '../api/node-mount.ts';
import type { ObjectMeta } from '../api/object.ts';
import type { StoragePool, StoragePoolStatus } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import { branchOf } from './storage-pool-branch.ts';
import {
  mountChanges,
  type NodeSeen,
  nodeMountName,
  nodeMountSpec,
  refusalOf,
  targetNodes,
} from './storage-pool-children.ts';
import { type PoolDeletion, storagePoolConditions } from './storage-pool-conditions.ts';
import {
  type ExposurePlan,
  type ExposureSeen,
  type ExposureStep,
  planExposure,
} from './storage-pool-exposure.ts';
import {
  exposureDeletion,
  exposureStall,
  hasVolumes,
  heldByClaim,
  isOffered,
} from './storage-pool-exposure-effects.ts';
import {
  disksClaimed,
  leaseDeletion,
  leaseStall,
  leaseStatus,
  withLease,
} from './storage-pool-lease.ts';
import { findNode, isMountNamed, mountOn } from './storage-pool-lookup.ts';
import { planMove } from './storage-pool-move.ts';
import {
  describeDeletion,
  describeLeaving,
  type MountRelease,
  planReleases,
} from './storage-pool-releases.ts';
import { EMPTY_STORAGE_POOL_STATUS, phaseOf, rollUp } from './storage-pool-rollup.ts';
import type { StorageSources } from './storage-pool-sources.ts';
import { judgeMount, type MountVerdict } from './storage-pool-verdict.ts';
import { planLease } from './volume-lease.ts';
import type { LeaseSnapshot } from './volume-lease-facts.ts';
import { planLeaseRelease } from './volume-lease-release.ts';
import type { LeasePlan, LeaseStep } from './volume-lease-step.ts';

export { type MountRelease, planOrphans } from './storage-pool-releases.ts';

export interface StoragePoolSnapshot {
  readonly pool: StoragePool;
  /** All that name this pool or stand where it wants one, also those of a former pool. */
  readonly mounts: readonly NodeMount[];
  /** Every node that may be concerned: of the spec and of the mounts. */
  readonly nodes: readonly NodeSeen[];
  readonly sources: StorageSources;
  /** What pods see of it; absent when nothing of it was ever offered to them. */
  readonly exposure?: ExposureSeen | undefined;
  /** The disks that it has from a VolumePool; absent where it takes none from there. */
  readonly lease?: LeaseSnapshot | undefined;
}

export type StoragePoolStep =
  | { readonly type: 'holdPool' }
  | {
      readonly type: 'createMount';
      readonly name: string;
      readonly spec: NodeMountSpec;
      readonly because: string;
    }
  /** `changes` is a merge patch of the spec; refused unless the mount is still this version. */
  | {
      readonly type: 'updateMount';
      readonly mount: NodeMount;
      readonly changes: Record<string, unknown>;
      readonly because: string;
    }
  /** DELETE with preconditions; the finalizer keeps it until its agent has cleaned up. */
  | { readonly type: 'deleteMount'; readonly mount: NodeMount; readonly because: string }
  | MountRelease
  | ExposureStep
  | LeaseStep
  | { readonly type: 'releasePool' };

export interface StoragePoolPlan {
  /** In this order. */
  readonly steps: readonly StoragePoolStep[];
  readonly because: string;
  readonly status: StoragePoolStatus;
  readonly waitMilliseconds?: number;
}

/** After what was left behind is on record, the next pass lets go of the mount. */
const RECORDED_MILLISECONDS = 50;

export function planStoragePool(snapshot: StoragePoolSnapshot, now: number): StoragePoolPlan {
  return isDeleting(snapshot.pool.metadata)
    ? planDeletion(snapshot, now)
    : planPresence(snapshot, now);
}

function planPresence(given: StoragePoolSnapshot, now: number): StoragePoolPlan {
  const lease = given.lease && planLease(given.lease, now);
  const sources = { ...given.sources, devices: lease?.devices };
  const snapshot = { ...given, sources };
  const { pool, mounts, nodes } = snapshot;
  const before = pool.status ?? EMPTY_STORAGE_POOL_STATUS;
  const own = mounts.filter((mount) => isOwn(mount, pool));
  const wasActive = before.activeSince !== undefined || own.some(hasBeenMounted);
  const targets = targetNodes(pool, nodes);
  const refusal = refusalOf(pool);
  const move = planMove(pool, own, { targets, nodes });
  const shown = refusal
    ? own.map(nodeOf(nodes))
    : move.keeps.length > 0
      ? move.keeps.map(nodeOf(nodes))
      : [...targets, ...strays(pool, own, targets, nodes)];
  const stall =
    refusal ??
    move.stall ??
    missingNodes(pool, nodes, shown) ??
    occupied(snapshot, targets) ??
    leaseStall(lease, own) ??
    branchOf(pool.spec).waitsFor?.(pool, snapshot.sources);
  const steps: StoragePoolStep[] = pool.metadata.finalizers?.includes(childrenFinalizer)
    ? []
    : [{ type: 'holdPool' }];
  const verdicts = shown.map((seen) =>
    withLease(judgeMount(mountOn(own, seen.name), seen, wasActive), lease),
  );
  const exposure = exposureOf(snapshot, verdicts);
  const leaving = own.filter(
    ({ metadata, spec }) => isDeleting(metadata) && !findNode(shown, spec.nodeName),
  );
  steps.push(...(exposure?.steps ?? []), ...(refusal ? [] : (lease?.steps ?? [])));
  if (!refusal) {
    const wanted = move.mayCreate ? targets : [];
    for (const seen of wanted) steps.push(...planMount(snapshot, own, { seen, wasActive }));
    for (const mount of own)
      if (
        !isDeleting(mount.metadata) &&
        // What pods of other nodes may have of an export they have mounted themselves.
        !exposure?.keptNodes.has(mount.spec.nodeName) &&
        !findNode(shown, mount.spec.nodeName)
      )
        steps.push({ type: 'deleteMount', mount, because: 'its node is not asked for any more' });
  }
  const releases = planReleases(snapshot, mounts);
  const numbers = rollUp(pool, verdicts, releases.leftBehind);
  const hasNotBegun = stall !== undefined && refusal === undefined && own.length === 0;
  const status: StoragePoolStatus = {
    phase: hasNotBegun
      ? 'Pending'
      : (phaseOf(verdicts, wasActive) ?? (refusal ? 'Failed' : 'Pending')),
    ...numbers,
    ...leaseStatus(lease, numbers),
    conditions: storagePoolConditions(
      {
        pool,
        verdicts,
        stall: stall ?? heldByClaim(move, exposure) ?? exposureStall(exposure),
        deletion: undefined,
        leaving: describeLeaving(snapshot, leaving),
        exposed: exposure?.condition,
        disksClaimed: disksClaimed(lease),
      },
      now,
    ),
    ...observed(pool),
  };
  return finish([...steps, ...releases.steps], status, wait(releases.isRecording, lease));
}

function planDeletion(snapshot: StoragePoolSnapshot, now: number): StoragePoolPlan {
  const { pool, mounts, nodes, sources } = snapshot;
  const before = pool.status ?? EMPTY_STORAGE_POOL_STATUS;
  const own = mounts.filter((mount) => isOwn(mount, pool));
  const wasActive = before.activeSince !== undefined || own.some(hasBeenMounted);
  const verdicts = own.map((mount) => judgeMount(mount, nodeOf(nodes)(mount), wasActive));
  const exposure = exposureOf(snapshot, verdicts);
  const steps: StoragePoolStep[] = [...(exposure?.steps ?? [])];
  for (const mount of own) {
    const changes = mountChanges(mount, { pool, wasActive, sources });
    // First what it shall do to the bytes, then in the next pass that it shall do it.
    if (changes)
      steps.push({ type: 'updateMount', mount, changes, because: 'the deletion policy decides' });
    else if (!isDeleting(mount.metadata) && !isOffered(mount, exposure))
      steps.push({ type: 'deleteMount', mount, because: 'the pool is being deleted' });
  }
  const releases = planReleases(snapshot, mounts);
  const lease = snapshot.lease && planLeaseRelease(snapshot.lease, wasActive, now);
  steps.push(...(lease?.steps ?? []));
  const isLeased = snapshot.lease !== undefined && snapshot.lease.leased.length > 0;
  const isOver = own.length === 0 && !hasVolumes(exposure) && !isLeased;
  if (isOver && pool.metadata.finalizers?.includes(childrenFinalizer))
    steps.push({ type: 'releasePool' });
  const deletion: PoolDeletion =
    exposureDeletion(exposure) ?? leaseDeletion(lease, own) ?? describeDeletion(snapshot, own);
  const { nodes: _, progress: __, ...numbers } = rollUp(pool, verdicts, releases.leftBehind);
  const progress = own.find(({ status }) => status?.progress)?.status?.progress;
  const status: StoragePoolStatus = {
    ...numbers,
    ...(before.nodes ? { nodes: before.nodes } : {}),
    ...(progress ? { progress } : {}),
    ...leaseStatus(lease, { progress, summary: numbers.summary }),
    phase: 'Deleting',
    conditions: storagePoolConditions(
      { pool, verdicts, stall: undefined, deletion, exposed: exposure?.condition },
      now,
    ),
    ...observed(pool),
  };
  return finish([...steps, ...releases.steps], status, wait(releases.isRecording, lease));
}

function exposureOf(
  { pool, nodes, sources, exposure }: StoragePoolSnapshot,
  verdicts: readonly MountVerdict[],
): ExposurePlan | undefined {
  return exposure && planExposure({ pool, verdicts, nodes, sources, seen: exposure });
}

function planMount(
  { pool, mounts, sources }: StoragePoolSnapshot,
  own: readonly NodeMount[],
  { seen, wasActive }: { seen: NodeSeen; wasActive: boolean },
): StoragePoolStep[] {
  const mount = mountOn(own, seen.name);
  if (mount) {
    const changes = mountChanges(mount, { pool, wasActive, sources });
    const because = 'the pool asks for something else';
    return changes ? [{ type: 'updateMount', mount, changes, because }] : [];
  }
  const name = nodeMountName(pool.metadata.name, seen.name);
  if (isMountNamed(mounts, name)) return [];
  const nodeUid = seen.node?.uid;
  const spec = nodeMountSpec({ pool, nodeName: seen.name, nodeUid, wasActive, sources });
  const because = `${seen.name} is to have it`;
  return spec ? [{ type: 'createMount', name, spec, because }] : [];
}

function missingNodes(
  { spec }: StoragePool,
  nodes: readonly NodeSeen[],
  shown: readonly NodeSeen[],
): Stall | undefined {
  if (shown.length > 0) return undefined;
  const nodeName = branchOf(spec).nodeName(spec);
  if (nodeName === undefined) {
    const message = 'no ready agents match the node selector';
    return { reason: 'NoMatchingNode', message };
  }
  if (findNode(nodes, nodeName)?.node)
    return {
      reason: 'AgentNotReady',
      message: `no agent has reported from node ${nodeName} yet: is the DaemonSet running there?`,
    };
  const message = `spec.${spec.type}.nodeName: no node ${nodeName}; waits for it to join the cluster`;
  return { reason: 'NodeNotFound', message };
}

/** A mount of another owner stands where ours should: it is never taken over. */
function occupied(
  { pool, mounts }: StoragePoolSnapshot,
  targets: readonly NodeSeen[],
): Stall | undefined {
  const names = new Set(targets.map(({ name }) => nodeMountName(pool.metadata.name, name)));
  const other = mounts.find((mount) => names.has(mount.metadata.name) && !isOwn(mount, pool));
  if (!other) return undefined;
  const { name, uid } = other.spec.poolRef;
  const message =
    `NodeMount ${other.metadata.name} belongs to StoragePool ${name} with uid ${uid}, which is ` +
    'another; it has to go first';
  return { reason: 'CleanupBlocked', message };
}

/** What only one node can have stays there although the node has gone missing. */
function strays(
  pool: StoragePool,
  own: readonly NodeMount[],
  targets: readonly NodeSeen[],
  nodes: readonly NodeSeen[],
): NodeSeen[] {
  if (branchOf(pool.spec).nodeName(pool.spec) === undefined || targets.length > 0) return [];
  return own.map(nodeOf(nodes));
}

function finish(
  steps: readonly StoragePoolStep[],
  status: StoragePoolStatus,
  waitMilliseconds: number | undefined,
): StoragePoolPlan {
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  return {
    steps,
    because: ready?.message ?? '',
    status,
    ...(waitMilliseconds === undefined ? {} : { waitMilliseconds }),
  };
}

function wait(isRecording: boolean, lease: LeasePlan | undefined): number | undefined {
  return isRecording ? RECORDED_MILLISECONDS : lease?.waitMilliseconds;
}

function observed({ metadata }: StoragePool): Pick<StoragePoolStatus, 'observedGeneration'> {
  return metadata.generation === undefined ? {} : { observedGeneration: metadata.generation };
}

function isOwn({ metadata, spec }: NodeMount, pool: StoragePool): boolean {
  return spec.poolRef.uid === pool.metadata.uid && metadata.namespace === pool.metadata.namespace;
}

function hasBeenMounted({ status }: NodeMount): boolean {
  return status?.firstMountedAt !== undefined;
}

/** True when the object is on its way out. */
function isDeleting(metadata: Pick<ObjectMeta, 'deletionTimestamp'>): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function nodeOf(nodes: readonly NodeSeen[]): (mount: NodeMount) => NodeSeen {
  return ({ spec }) =>
    findNode(nodes, spec.nodeName) ?? {
      name: spec.nodeName,
      node: undefined,
      hasInventory: false,
      agent: { state: 'absent' },
    };
}
