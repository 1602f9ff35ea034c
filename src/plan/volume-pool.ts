// What a warm pool of disks does next: resolve its scope, check its golden snapshot, then keep the
// number of free disks within bounds.
import { snapshotFinalizer } from '../api/names.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { VolumePool, VolumePoolStatus } from '../api/volume-pool.ts';
import type { PoolDiscovery } from './discovery.ts';
import {
  judgeSnapshot,
  type SnapshotSeen,
  type SnapshotVerdict,
  withSnapshotCondition,
} from './golden-snapshot-verdict.ts';
import { decidePool, type PoolDecision, type PoolStep } from './pool.ts';
import { poolConditions, type Stall } from './pool-conditions.ts';
import {
  type InstallationDefaults,
  type Refusal,
  recordedScope,
  resolveScope,
} from './pool-scope.ts';

export type { SnapshotSeen } from './golden-snapshot-verdict.ts';

export interface VolumePoolSnapshot {
  readonly pool: VolumePool;
  readonly members: readonly PoolVolume[];
  /** Claims that ask for a fresh volume of this pool and have none. */
  readonly waitingClaims: number;
  /** `unread`: this pass had no need to look. */
  readonly goldenSnapshot: SnapshotSeen | 'absent' | 'unread';
  readonly defaults: InstallationDefaults;
  /** What the installation's configuration says against it. */
  readonly refusal?: Refusal | undefined;
  readonly discovery?: PoolDiscovery | undefined;
}

export interface PoolPlan<Status> {
  readonly steps: readonly PoolStep[];
  readonly because: string;
  readonly status: Status;
  readonly waitMilliseconds?: number;
}

export const EMPTY_VOLUME_POOL_STATUS: VolumePoolStatus = {
  conditions: [],
  free: 0,
  creating: 0,
  attaching: 0,
  attached: 0,
  detaching: 0,
  retained: 0,
  deleting: 0,
  failed: 0,
  quarantined: 0,
  total: 0,
  outdated: 0,
  builtSnapshots: [],
  recentActions: [],
};

/** A snapshot that was not usable is looked at again after this long: somebody may have mended it. */
const SNAPSHOT_RETRY_MILLISECONDS = 30_000;

/** True when the recorded snapshot isn't the one asked for, or wasn't usable when last seen. */
export function snapshotNeedsLook(pool: VolumePool): boolean {
  if (pool.metadata.deletionTimestamp !== undefined) return false;
  const golden = pool.status?.goldenSnapshot;
  const asked = pool.spec.goldenSnapshot;
  return (
    asked.type === 'Existing' && (golden?.phase !== 'Ready' || golden.id !== asked.existing.id)
  );
}

export function planVolumePool(
  snapshot: VolumePoolSnapshot,
  now: number,
): PoolPlan<VolumePoolStatus> {
  const { pool, members, waitingClaims } = snapshot;
  const before = pool.status ?? EMPTY_VOLUME_POOL_STATUS;
  const resolved = resolveScope(pool.spec.azure, before.scope, snapshot.defaults);
  const golden = judgeSeen(snapshot, before);
  const stall: Stall | undefined =
    'scope' in resolved ? (snapshot.refusal ?? golden.stall) : resolved;
  const decided = decidePool(
    {
      metadata: pool.metadata,
      scaling: pool.spec.scaling,
      memory: before,
      members,
      waitingClaims,
      zones: 'scope' in resolved ? resolved.scope.zones : [],
      blocked: stall !== undefined || golden.waitsFor !== undefined,
      paused: pool.spec.paused,
      deletionPolicy: pool.spec.deletionPolicy,
      outdated: outdatedMembers(snapshot, golden.status),
      discovery: snapshot.discovery,
    },
    now,
  );
  const decision = { ...decided, ...whatElseHolds(pool, members) };
  const conditions = poolConditions(
    {
      metadata: pool.metadata,
      before: before.conditions,
      scaling: pool.spec.scaling,
      decision,
      waitingClaims,
      paused: pool.spec.paused,
      stall,
      waitsFor: golden.waitsFor,
      discovery: snapshot.discovery,
    },
    now,
  );
  const waits = [decision.waitMilliseconds, golden.stall && SNAPSHOT_RETRY_MILLISECONDS].filter(
    (wait) => wait !== undefined,
  );
  return {
    steps: decision.steps,
    because: decision.scaling.because,
    status: {
      ...before,
      ...decision.memory,
      ...countMembers(members, decision),
      outdated: decision.outdated,
      conditions: withSnapshotCondition(conditions, golden, pool.metadata.generation, now),
      observedGeneration: pool.metadata.generation,
      ...recordedScope(before.scope, resolved, snapshot.refusal),
      ...(golden.status === undefined ? {} : { goldenSnapshot: golden.status }),
    },
    ...(waits.length > 0 ? { waitMilliseconds: Math.min(...waits) } : {}),
  };
}

/** One that was seen and may not be copied stays unfit on record, so that it is looked at until it may. */
function judgeSeen(
  { pool, goldenSnapshot, refusal }: VolumePoolSnapshot,
  before: VolumePoolStatus,
): SnapshotVerdict {
  const verdict = judgeSnapshot(pool, before, goldenSnapshot);
  if (!refusal || typeof goldenSnapshot === 'string' || !verdict.status) return verdict;
  return { ...verdict, ...refusal, status: { ...verdict.status, phase: 'Failed' }, stall: refusal };
}

/** The last thing that a pool under deletion waits for. */
function whatElseHolds(
  { metadata }: VolumePool,
  members: readonly PoolVolume[],
): Pick<PoolDecision, 'deletion'> {
  const isHeld = metadata.finalizers?.includes(snapshotFinalizer) ?? false;
  if (metadata.deletionTimestamp === undefined || !isHeld || members.length > 0) return {};
  return {
    deletion: { message: 'waits for what it built to be deleted: machine, disks, snapshots' },
  };
}

/** Names of disks that are not what a new one would be. */
function outdatedMembers(
  { pool, members }: VolumePoolSnapshot,
  golden: VolumePoolStatus['goldenSnapshot'],
): Set<string> {
  const { sizeGiB, sku } = pool.spec.volume;
  // Another size makes another snapshot: replaced once that is there, and not twice.
  const isBuilding = pool.spec.goldenSnapshot.type === 'Build' && golden?.sizeGiB !== sizeGiB;
  if (isBuilding) return new Set();
  const isOutdated = ({ spec }: PoolVolume): boolean =>
    spec.sizeGiB !== sizeGiB ||
    spec.sku !== sku ||
    (golden?.version !== undefined && spec.source.version !== golden.version);
  return new Set(members.filter(isOutdated).map(({ metadata }) => metadata.name));
}

function countMembers(
  members: readonly PoolVolume[],
  decision: PoolDecision,
): Partial<VolumePoolStatus> {
  const count = (phase: string): number =>
    members.filter(
      ({ status, metadata }) => status?.phase === phase && metadata.deletionTimestamp === undefined,
    ).length;
  const roles = decision.roles;
  return {
    free: roles.get('free') ?? 0,
    creating: roles.get('creating') ?? 0,
    attaching: count('Attaching'),
    attached: count('Attached'),
    detaching: count('Detaching'),
    retained: roles.get('retained') ?? 0,
    deleting: roles.get('deleting') ?? 0,
    failed: roles.get('failed') ?? 0,
    quarantined: roles.get('quarantined') ?? 0,
    total: members.length,
  };
}
