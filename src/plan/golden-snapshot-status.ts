// How a build of a golden snapshot is told: the step it is at, its progress, its scripts, its end.
import { type CommandRecord, outputMaximumLength } from '../api/command-record.ts';
import { timestamp } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import type { SnapshotBuild, SnapshotBuildStep } from '../api/golden-snapshot.ts';
import type { VolumePool, VolumePoolStatus } from '../api/volume-pool.ts';
import { backoffMilliseconds } from './backoff.ts';

/** The part of a volume pool's status that the building of golden snapshots reads and writes. */
export interface GoldenStatus {
  readonly goldenSnapshot?: VolumePoolStatus['goldenSnapshot'];
  readonly snapshotBuild?: SnapshotBuild | undefined;
  readonly builtSnapshots: VolumePoolStatus['builtSnapshots'];
}

type InUse = NonNullable<VolumePoolStatus['goldenSnapshot']>;

export interface BuildFailure {
  readonly code: string;
  readonly message: string;
}

const MINUTE = 60_000;

interface StepFacts {
  readonly words: string;
  /** How much of a whole build is done when the step begins, by the durations of ordinary builds. */
  readonly percent: number;
  /** Ample: what takes longer than this in Azure has been lost. */
  readonly limitMilliseconds?: number;
}

const STEPS: Readonly<Record<SnapshotBuildStep, StepFacts>> = {
  Checking: {
    words: 'looking whether it exists already',
    percent: 0,
    limitMilliseconds: 10 * MINUTE,
  },
  CreatingDisk: {
    words: 'creating an empty data disk',
    percent: 2,
    limitMilliseconds: 10 * MINUTE,
  },
  CreatingMachine: {
    words: 'creating the builder machine',
    percent: 5,
    limitMilliseconds: 20 * MINUTE,
  },
  AttachingDisk: { words: 'attaching the data disk', percent: 20, limitMilliseconds: 10 * MINUTE },
  Preparing: {
    words: 'formatting and mounting the data disk',
    percent: 25,
    limitMilliseconds: 15 * MINUTE,
  },
  RunningScript: { words: 'running the script', percent: 30 },
  WaitingUntilReady: { words: 'waiting until the machine is ready', percent: 55 },
  Finishing: { words: 'unmounting the data disk', percent: 65, limitMilliseconds: 10 * MINUTE },
  Deallocating: {
    words: 'shutting the builder machine down',
    percent: 70,
    limitMilliseconds: 20 * MINUTE,
  },
  Snapshotting: {
    words: 'taking the snapshot of the data disk',
    percent: 85,
    limitMilliseconds: 60 * MINUTE,
  },
  Validating: { words: 'checking the snapshot', percent: 90, limitMilliseconds: 60 * MINUTE },
  CleaningUp: { words: 'deleting the builder machine and its disks', percent: 92 },
  Waiting: { words: 'waiting before it is tried again', percent: 0 },
};

/** A recipe that fails costs a machine each time: an hour at most between attempts is soon enough. */
const BUILD_BACKOFF = { firstMilliseconds: MINUTE, maxMilliseconds: 60 * MINUTE };

const COMMANDS_KEPT = 8;

export function goldenStatusOf({ status }: VolumePool): GoldenStatus {
  return {
    goldenSnapshot: status?.goldenSnapshot,
    snapshotBuild: status?.snapshotBuild,
    builtSnapshots: status?.builtSnapshots ?? [],
  };
}

/** The status with the build at another step. */
export function atStep(
  status: GoldenStatus,
  pool: VolumePool,
  step: SnapshotBuildStep,
  now: number,
): GoldenStatus {
  const { operation: _, nextAttemptTime: __, deadline: ___, ...build } = status.snapshotBuild!;
  const deadline = deadlineOf(status, pool, step, now);
  const snapshotBuild: SnapshotBuild = {
    ...build,
    step,
    stepStartedAt: timestamp(now),
    attempts: 0,
    ...(deadline === undefined ? {} : { deadline }),
  };
  return withProgress({ ...status, snapshotBuild });
}

function deadlineOf(
  { snapshotBuild: build }: GoldenStatus,
  { spec }: VolumePool,
  step: SnapshotBuildStep,
  now: number,
): string | undefined {
  const isUsers = step === 'RunningScript' || step === 'WaitingUntilReady';
  if (!isUsers || spec.goldenSnapshot.type !== 'Build') {
    const limit = STEPS[step].limitMilliseconds;
    return limit === undefined ? undefined : timestamp(now + limit);
  }
  // One time limit for both: the machine must be ready by then, whatever its script does.
  if (build?.step === 'RunningScript' && build.deadline !== undefined) return build.deadline;
  return timestamp(now + parseDuration(spec.goldenSnapshot.build.ready.timeout));
}

/** Phase and progress follow the build; id and version stay those of the snapshot in use. */
export function withProgress(status: GoldenStatus): GoldenStatus {
  const { snapshotBuild: build } = status;
  const before: InUse = status.goldenSnapshot ?? { phase: 'Pending' };
  if (!build) {
    const { progress: _, ...rest } = before;
    const phase = before.id === undefined ? 'Pending' : 'Ready';
    return { ...status, goldenSnapshot: { ...rest, phase } };
  }
  const { words, percent } = STEPS[build.step];
  const subject = `version ${build.version}, attempt ${build.attempt}`;
  const failure = build.outcome === 'Failed' ? `; it failed: ${build.lastError?.message}` : '';
  const refusal =
    build.attempts > 0 && build.outcome !== 'Failed'
      ? `; refused ${build.attempts} times: ${build.lastError?.message}`
      : '';
  const again = build.step === 'Waiting' ? ` at ${build.nextAttemptTime}` : '';
  const message = `${subject}: ${words}${again}${failure}${refusal}`;
  return {
    ...status,
    goldenSnapshot: {
      ...before,
      phase: phaseOf(build),
      progress: { step: build.step, percent, message: message.slice(0, 1024) },
    },
  };
}

function phaseOf({ step, outcome }: SnapshotBuild): InUse['phase'] {
  if (outcome === 'Succeeded') return 'Ready';
  if (outcome === 'Failed') return 'Failed';
  return step === 'Snapshotting' || step === 'Validating' ? 'Validating' : 'Building';
}

/** The attempt is over: whatever it made is deleted, and later it is tried again. */
export function failed(
  status: GoldenStatus,
  pool: VolumePool,
  failure: BuildFailure,
  now: number,
): GoldenStatus {
  const before = status.snapshotBuild!;
  const text = `${STEPS[before.step].words}: ${failure.message}`;
  const delay = backoffMilliseconds(before.attempt, BUILD_BACKOFF);
  const ended = atStep(
    { ...status, snapshotBuild: { ...before, outcome: 'Failed' } },
    pool,
    'CleaningUp',
    now,
  );
  const build = ended.snapshotBuild!;
  return withProgress({
    ...ended,
    snapshotBuild: {
      ...build,
      lastError: { code: failure.code, message: text.slice(0, 4096), time: timestamp(now) },
      nextAttemptTime: timestamp(now + delay),
      ...unsettled(before),
    },
  });
}

/** On record as soon as they are seen: Azure may take the machine away and leave them. */
export function withNetworkInterfaces(status: GoldenStatus, seen: readonly string[]): GoldenStatus {
  if (seen.length === 0) return status;
  const networkInterfaceIds = seen.slice(0, 4);
  return { ...status, snapshotBuild: { ...status.snapshotBuild!, networkInterfaceIds } };
}

/** Nobody wants this version any more. */
export function superseded(status: GoldenStatus, pool: VolumePool, now: number): GoldenStatus {
  const before = status.snapshotBuild!;
  const build: SnapshotBuild = { ...before, outcome: 'Superseded' };
  const ended = atStep({ ...status, snapshotBuild: build }, pool, 'CleaningUp', now);
  return { ...ended, snapshotBuild: { ...ended.snapshotBuild!, ...unsettled(before) } };
}

/** A creation that Azure accepted may still bring something into being: its end is waited for. */
function unsettled({ operation }: SnapshotBuild): Pick<SnapshotBuild, 'operation'> {
  return operation?.type === 'Create' ? { operation } : {};
}

export interface CommandEnd {
  readonly exitCode?: number | undefined;
  readonly output: string;
  readonly state: 'Succeeded' | 'Failed' | 'Unknown';
}

/** A script of the same name that ran before is replaced: what is asked again and again is told once. */
export function commandBegun(status: GoldenStatus, command: string, now: number): GoldenStatus {
  const { goldenSnapshot, snapshotBuild } = status;
  const others = (goldenSnapshot?.commands ?? []).filter((record) => record.command !== command);
  const record: CommandRecord = {
    command,
    state: 'Running',
    startedAt: timestamp(now),
    node: snapshotBuild!.machine,
  };
  const commands = [...others, record].slice(-COMMANDS_KEPT);
  return { ...status, goldenSnapshot: { phase: 'Building', ...goldenSnapshot, commands } };
}

export function commandEnded(
  status: GoldenStatus,
  command: string,
  end: CommandEnd,
  now: number,
): GoldenStatus {
  const { goldenSnapshot } = status;
  const tail = end.output.slice(-outputMaximumLength);
  const commands = (goldenSnapshot?.commands ?? []).map((record) =>
    record.command !== command
      ? record
      : {
          ...record,
          state: end.state,
          output: tail,
          truncated: tail.length < end.output.length,
          durationSeconds: Math.max(0, (now - Date.parse(record.startedAt)) / 1000),
          ...(end.exitCode === undefined ? {} : { exitCode: Math.min(255, end.exitCode) }),
        },
  );
  return { ...status, goldenSnapshot: { phase: 'Building', ...goldenSnapshot, commands } };
}
