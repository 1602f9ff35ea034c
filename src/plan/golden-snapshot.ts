// The golden snapshots that a volume pool builds: which version is wanted, which is in use, what is built,
// what is kept, what goes. One attempt at a time: the next begins when nothing of the last is left.
import { timestamp } from '../api/conditions.ts';
import { builtSnapshotsMaximum, type SnapshotBuild } from '../api/golden-snapshot.ts';
import { snapshotFinalizer } from '../api/names.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { nextPollDelay, POLL_DISK } from './backoff.ts';
import { LOOKS, planBuild, snapshotFault } from './golden-snapshot-build.ts';
import { planCleanUp } from './golden-snapshot-cleanup.ts';
import { builderName, buildTags, type Recipe, wantedVersion } from './golden-snapshot-recipe.ts';
import {
  atStep,
  type GoldenStatus,
  goldenStatusOf,
  superseded,
  withProgress,
} from './golden-snapshot-status.ts';
import {
  type BuildInput,
  type BuildPart,
  type BuildSeen,
  type GoldenPlan,
  type GoldenSnapshotSeen,
  isOurs,
  proceed,
} from './golden-snapshot-step.ts';
import { carriesTags } from './member.ts';
import type { Refusal } from './pool-scope.ts';
import type { OperationSeen } from './pool-volume.ts';

export interface GoldenInput {
  readonly pool: VolumePool;
  /** The user data's text, or what keeps it from being read. */
  readonly userData: string | undefined | { readonly problem: string };
  /** What a floating image means now; undefined when the recipe names a version. */
  readonly imageVersion?: string | undefined | { readonly problem: string };
  readonly seen: BuildSeen;
  /** The snapshot in use; `unread`: it was not time for a look. */
  readonly inUse: GoldenSnapshotSeen | 'absent' | 'unread';
  readonly operation: OperationSeen | undefined;
  readonly port: 'open' | 'closed' | 'unread';
  /** Ids of snapshots, lower-cased, that disks are being copied from right now. */
  readonly copied: ReadonlySet<string>;
  readonly installation: string;
  readonly pollPace: number;
  /** What the installation's configuration says against making anything for the pool. */
  readonly refusal?: Refusal | undefined;
}

interface Problem {
  readonly problem: string;
}

/** True for pools that build a golden snapshot or have something left of having done so. */
export function concernsGoldenSnapshots({ metadata, spec }: VolumePool): boolean {
  const holds = metadata.finalizers?.includes(snapshotFinalizer) ?? false;
  return holds || (spec.goldenSnapshot.type === 'Build' && !metadata.deletionTimestamp);
}

/** What the next pass must see of Azure. */
export function partsToLookAt({ spec, status }: VolumePool): readonly BuildPart[] {
  const { snapshotBuild: build } = status ?? {};
  if (!build) return [];
  const golden = spec.goldenSnapshot;
  const isPort = golden.type === 'Build' && golden.build.ready.type === 'Tcp';
  if (build.step === 'WaitingUntilReady' && isPort) return ['machine'];
  return LOOKS[build.step];
}

export function planGoldenSnapshot(input: GoldenInput, now: number): GoldenPlan {
  const { pool } = input;
  const { metadata, spec } = pool;
  const build = pool.status?.snapshotBuild;
  if (metadata.deletionTimestamp !== undefined || spec.goldenSnapshot.type !== 'Build') {
    return build ? planEnd(input, build, now) : planFarewell(input);
  }
  if (!metadata.finalizers?.includes(snapshotFinalizer)) {
    return { step: { type: 'holdPool' }, because: 'it builds snapshots', ...unchanged(pool) };
  }
  if (pool.status?.scope === undefined) return rest(pool, 'waits for its Azure scope');
  if (input.refusal) return holdBack(input, input.refusal, now);
  const { userData, imageVersion } = input;
  if (typeof userData === 'object' || typeof imageVersion === 'object') {
    const { problem } = (typeof userData === 'object' ? userData : imageVersion) as Problem;
    return build ? planWith(input, build, now) : { ...rest(pool, problem), ...told(pool, problem) };
  }
  const version = wantedVersion(pool, userData, imageVersion)!;
  if (build) {
    if (build.version !== version) return planEnd(input, build, now);
    return planWith(input, build, now);
  }
  if (pool.status.goldenSnapshot?.version === version && pool.status.goldenSnapshot.id)
    return planUse(input, version, now);
  return begin(pool, { version, attempt: 1, cause: causeOf(pool) }, now);
}

/** Nothing is made any more; what was begun stays as it is, but for what is being cleaned up. */
function holdBack(input: GoldenInput, { message }: Refusal, now: number): GoldenPlan {
  const { pool } = input;
  const build = pool.status?.snapshotBuild;
  if (build?.step === 'CleaningUp') return planWith(input, build, now);
  return {
    ...rest(pool, message),
    ...told(pool, message),
    waitMilliseconds: HELD_BACK_MILLISECONDS,
  };
}

/** How often it looks whether it may go on, if nothing else wakes it. */
const HELD_BACK_MILLISECONDS = 60_000;

function planWith(input: GoldenInput, build: SnapshotBuild, now: number): GoldenPlan {
  const { pool } = input;
  if (build.step === 'CleaningUp') return planCleanUp(buildInput(input, build), now);
  if (build.step === 'Waiting') {
    const { version, attempt, cause, nextAttemptTime } = build;
    const due = nextAttemptTime ? Date.parse(nextAttemptTime) - now : 0;
    if (due > 0) return { ...rest(pool, 'waits after a failure'), waitMilliseconds: due };
    return begin(pool, { version, attempt: attempt + 1, cause, build }, now);
  }
  const golden = pool.spec.goldenSnapshot as { readonly build: Recipe };
  return planBuild(buildInput(input, build), golden.build, now);
}

/** Nobody wants what is being built: it is stopped, and everything it made goes. */
function planEnd(input: GoldenInput, build: SnapshotBuild, now: number): GoldenPlan {
  const { pool } = input;
  const status = goldenStatusOf(pool);
  if (build.step === 'CleaningUp') return planCleanUp(buildInput(input, build), now);
  if (build.step === 'Waiting') {
    const dropped = withProgress({ ...status, snapshotBuild: undefined });
    return proceed(dropped, 'it is not wanted any more');
  }
  return proceed(superseded(status, pool, now), 'it is not wanted any more');
}

/** No build any more, and none to come: the built snapshots go, then the pool may. */
function planFarewell(input: GoldenInput): GoldenPlan {
  const { pool } = input;
  const { metadata, spec } = pool;
  const status = goldenStatusOf(pool);
  if (!metadata.finalizers?.includes(snapshotFinalizer)) return rest(pool, 'it builds none');
  const [first] = status.builtSnapshots;
  if (first === undefined) {
    return { step: { type: 'releasePool' }, because: 'nothing is left of it', status };
  }
  const { goldenSnapshot } = spec;
  const isPinned =
    goldenSnapshot.type === 'Existing' && sameId(goldenSnapshot.existing.id, first.id);
  if (isPinned) {
    // The user has taken it over by name: it isn't ours to delete any more.
    const builtSnapshots = status.builtSnapshots.slice(1);
    return proceed({ ...status, builtSnapshots }, 'the spec names it');
  }
  return removeBuilt(input, first);
}

/** The wanted version is in use: look after it, and let older ones go. */
function planUse(input: GoldenInput, version: string, now: number): GoldenPlan {
  const { pool, inUse } = input;
  const status = goldenStatusOf(pool);
  const { goldenSnapshot, builtSnapshots } = status;
  if (inUse === 'absent') {
    const known = builtSnapshots.filter((one) => one.version !== version);
    const gone = { ...status, builtSnapshots: known };
    return begin(pool, { version, attempt: 1, cause: 'SnapshotNotFound', status: gone }, now);
  }
  if (inUse !== 'unread') {
    const fault = snapshotFault(inUse, pool);
    if (fault) return begin(pool, { version, attempt: 1, cause: 'SnapshotInvalid' }, now);
    const startedAt = goldenSnapshot?.createdAt ?? timestamp(now);
    const { installation } = input;
    const tags = buildTags(pool, { version, startedAt }, { installation, role: 'golden' });
    const isRecorded = builtSnapshots.some(({ id }) => sameId(id, inUse.id));
    if (isRecorded && !(isOurs(inUse, pool) && carriesTags(inUse.tags, essential(tags)))) {
      const step = { type: 'tagSnapshot', id: inUse.id, tags } as const;
      return { step, because: 'its tags were lost', status };
    }
  }
  const { keepVersions } = (pool.spec.goldenSnapshot as { readonly build: Recipe }).build;
  const others = builtSnapshots.filter((one) => one.version !== version);
  const surplus = others.slice(Math.max(0, keepVersions - 1)).at(-1);
  if (surplus) return removeBuilt(input, surplus);
  const because = 'its snapshot is in use';
  return { step: undefined, because, status: withProgress(status) };
}

/** Stays on record until Azure says that it is gone: asked again and again until then. */
function removeBuilt(
  { pool, copied, pollPace }: GoldenInput,
  { id }: { readonly id: string },
): GoldenPlan {
  const status = withProgress(goldenStatusOf(pool));
  if (copied.has(id.toLowerCase())) {
    return { step: undefined, because: 'disks are being copied from an old version', status };
  }
  return {
    step: { type: 'deleteBuilt', id },
    because: 'nobody needs this version any more',
    status,
    waitMilliseconds: nextPollDelay(POLL_DISK, Number.POSITIVE_INFINITY, pollPace),
  };
}

interface Beginning {
  readonly version: string;
  readonly attempt: number;
  readonly cause: SnapshotBuild['cause'];
  readonly status?: GoldenStatus;
  /** The attempt before. */
  readonly build?: SnapshotBuild;
}

/** Only the record: what it leads to begins in the next pass, when the record is safe. */
function begin(pool: VolumePool, beginning: Beginning, now: number): GoldenPlan {
  const { version, attempt, cause, build } = beginning;
  const { goldenSnapshot, builtSnapshots } = beginning.status ?? goldenStatusOf(pool);
  if (pool.spec.paused) return rest(pool, 'the pool is paused: nothing is built');
  if (builtSnapshots.length >= builtSnapshotsMaximum) {
    const message = `${builtSnapshots.length} old versions can't be deleted: nothing new is built`;
    return { ...rest(pool, message), ...told(pool, message) };
  }
  const isGone = cause === 'SnapshotNotFound' || cause === 'SnapshotInvalid';
  const { id: _, commands: __, ...without } = goldenSnapshot ?? { phase: 'Pending' as const };
  const kept = isGone ? without : { ...without, ...(_ === undefined ? {} : { id: _ }) };
  const snapshotBuild: SnapshotBuild = {
    version,
    attempt,
    cause,
    step: 'Checking',
    machine: builderName(pool, version, now),
    startedAt: timestamp(now),
    stepStartedAt: timestamp(now),
    attempts: 0,
    ...(build?.lastError === undefined ? {} : { lastError: build.lastError }),
  };
  const status = atStep(
    { goldenSnapshot: kept, snapshotBuild, builtSnapshots },
    pool,
    'Checking',
    now,
  );
  return proceed(status, `version ${version} is wanted: ${cause}`);
}

function causeOf({ status }: VolumePool): SnapshotBuild['cause'] {
  return status?.goldenSnapshot?.id === undefined ? 'Missing' : 'RecipeChanged';
}

function buildInput(input: GoldenInput, build: SnapshotBuild): BuildInput {
  const { pool, seen, operation, port, installation, pollPace } = input;
  return { pool, build, seen, operation, port, installation, pollPace };
}

function rest(pool: VolumePool, because: string): GoldenPlan {
  return { step: undefined, because, status: goldenStatusOf(pool) };
}

function unchanged(pool: VolumePool): Pick<GoldenPlan, 'status'> {
  return { status: goldenStatusOf(pool) };
}

/** What keeps it from building is said where its progress would be. */
function told(pool: VolumePool, message: string): Pick<GoldenPlan, 'status'> {
  const status = goldenStatusOf(pool);
  const goldenSnapshot = status.goldenSnapshot ?? { phase: 'Pending' as const };
  const progress = { step: 'Checking', message: message.slice(0, 1024) };
  return { status: { ...status, goldenSnapshot: { ...goldenSnapshot, progress } } };
}

/** Without the time of creation, which is told in more than one way. */
function essential(tags: Record<string, string>): Record<string, string> {
  const { 'poolkeeper:created': _, ...rest } = tags;
  return rest;
}

function sameId(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
