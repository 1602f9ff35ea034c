// One attempt at a golden snapshot, step by step: an empty disk, a machine, the disk attached at LUN 0,
// formatted, mounted, filled by the user's script; the machine ready, stopped, the disk's snapshot taken
// and checked. A step with an effect is repeated until what it is to bring about is seen, so that it may
// be interrupted anywhere.
import { timestamp } from '../api/conditions.ts';
import type { BuiltSnapshot, SnapshotBuildStep } from '../api/golden-snapshot.ts';
import { POLL_ATTACH, POLL_DISK, POLL_INSTANCE } from './backoff.ts';
import { planCommand } from './golden-snapshot-command.ts';
import {
  builderParts,
  buildTags,
  goldenSnapshotName,
  type Recipe,
} from './golden-snapshot-recipe.ts';
import { finishScript, prepareScript, userScript } from './golden-snapshot-scripts.ts';
import {
  atStep,
  failed,
  type GoldenStatus,
  goldenStatusOf,
  withNetworkInterfaces,
} from './golden-snapshot-status.ts';
import {
  type BuildInput,
  type BuildPart,
  type GoldenPlan,
  type GoldenSnapshotSeen,
  isOurs,
  mayStillAppear,
  proceed,
  waiting,
} from './golden-snapshot-step.ts';

/** What each step must see of Azure, besides its operation. */
export const LOOKS: Readonly<Record<SnapshotBuildStep, readonly BuildPart[]>> = {
  Checking: ['snapshot'],
  CreatingDisk: ['dataDisk'],
  CreatingMachine: ['machine'],
  AttachingDisk: ['machine'],
  Preparing: [],
  RunningScript: [],
  WaitingUntilReady: [],
  Finishing: [],
  Deallocating: ['machine'],
  Snapshotting: ['snapshot'],
  Validating: ['snapshot'],
  CleaningUp: ['machine', 'networkInterface', 'osDisk', 'dataDisk', 'snapshot'],
  Waiting: [],
};

/** The next step of an attempt that goes on; its end and its clean-up are others' business. */
export function planBuild(input: BuildInput, recipe: Recipe, now: number): GoldenPlan {
  const { build, pool } = input;
  const status = goldenStatusOf(pool);
  if (build.deadline !== undefined && now > Date.parse(build.deadline)) {
    const message = `not done by ${build.deadline}${lastWords(status)}`;
    return fail(input, 'BuildFailed', message, now);
  }
  switch (build.step) {
    case 'Checking':
      return planCheck(input, status, now);
    case 'CreatingDisk':
      return planDisk(input, status, now);
    case 'CreatingMachine':
      return planMachine(input, status, now);
    case 'AttachingDisk':
      return planAttachment(input, status, now);
    case 'Preparing': {
      const script = prepareScript(recipe.dataDiskMountPath);
      const next = recipe.script === undefined ? 'WaitingUntilReady' : 'RunningScript';
      return planCommand(input, { command: 'prepare the data disk', script, next }, now);
    }
    case 'RunningScript': {
      const script = userScript(recipe.script ?? '', recipe.dataDiskMountPath);
      const next = 'WaitingUntilReady';
      return planCommand(input, { command: 'run the script', script, next }, now);
    }
    case 'WaitingUntilReady':
      return planReadiness(input, recipe, now);
    case 'Finishing': {
      const script = finishScript(recipe.dataDiskMountPath);
      const command = { command: 'unmount the data disk', script, next: 'Deallocating' } as const;
      return planCommand(input, command, now);
    }
    case 'Deallocating':
      return planShutdown(input, status, now);
    case 'Snapshotting':
      return planSnapshot(input, status, now);
    default:
      return planValidation(input, status, now);
  }
}

/** The snapshot may be there already: made by an earlier life of ours, or for an earlier wish. */
function planCheck(input: BuildInput, status: GoldenStatus, now: number): GoldenPlan {
  const { seen, pool } = input;
  const { snapshot } = seen;
  if (snapshot === 'unread') return waiting(input, status, POLL_DISK, now);
  if (snapshot === 'absent') {
    return proceed(atStep(status, pool, 'CreatingDisk', now), 'there is no snapshot yet');
  }
  if (!isOurs(snapshot, pool)) return foreign(input, `snapshot ${snapshot.name}`, now);
  if (isUsable(snapshot, pool)) return succeed(input, status, snapshot, now);
  if (isUnderWay(snapshot)) return waiting(input, status, POLL_DISK, now);
  const because = 'a snapshot of this version is of no use';
  return { step: { type: 'delete', kind: 'snapshot', id: snapshot.id }, because, status };
}

function planDisk(input: BuildInput, status: GoldenStatus, now: number): GoldenPlan {
  const { pool, build, seen, operation } = input;
  const { dataDisk } = seen;
  if (operation?.state === 'Failed') return fail(input, operation.code, operation.message, now);
  if (dataDisk === 'unread') return waiting(input, status, POLL_DISK, now);
  if (dataDisk === 'absent') {
    if (mayStillAppear(input, now)) return waiting(input, status, POLL_DISK, now);
    const { dataDisk: name } = builderParts(build.machine);
    const tags = buildTags(pool, build, { installation: input.installation, role: 'temp' });
    const { sizeGiB } = pool.spec.volume;
    const because = 'the data disk does not exist';
    return { step: { type: 'createDisk', name, sizeGiB, tags }, because, status };
  }
  if (!isOurs(dataDisk, pool)) return foreign(input, `disk ${dataDisk.name}`, now);
  if (dataDisk.provisioningState === 'Failed') {
    return fail(input, 'CreateFailed', `Azure failed to create disk ${dataDisk.name}`, now);
  }
  if (dataDisk.provisioningState !== 'Succeeded') return waiting(input, status, POLL_DISK, now);
  return proceed(atStep(status, pool, 'CreatingMachine', now), 'the data disk is there');
}

function planMachine(input: BuildInput, status: GoldenStatus, now: number): GoldenPlan {
  const { pool, build, seen, operation } = input;
  const { machine } = seen;
  if (operation?.state === 'Failed') return fail(input, operation.code, operation.message, now);
  if (machine === 'unread') return waiting(input, status, POLL_INSTANCE, now);
  if (machine === 'absent') {
    if (mayStillAppear(input, now)) return waiting(input, status, POLL_INSTANCE, now);
    const tags = buildTags(pool, build, { installation: input.installation, role: 'temp' });
    const step = { type: 'createMachine', name: build.machine, tags } as const;
    return { step, because: 'the builder machine does not exist', status };
  }
  if (!isOurs(machine, pool)) return foreign(input, `machine ${machine.name}`, now);
  if (machine.provisioningState === 'Failed') {
    const { code, message } = machine.failure ?? {
      code: 'CreateFailed',
      message: 'Azure failed to create it',
    };
    return fail(input, code, message, now);
  }
  const known = withNetworkInterfaces(status, machine.networkInterfaceIds);
  if (machine.provisioningState !== 'Succeeded') return waiting(input, known, POLL_INSTANCE, now);
  return proceed(atStep(known, pool, 'AttachingDisk', now), 'the builder machine runs');
}

function planAttachment(input: BuildInput, status: GoldenStatus, now: number): GoldenPlan {
  const { pool, build, seen, operation } = input;
  const { machine } = seen;
  if (machine === 'unread') return waiting(input, status, POLL_ATTACH, now);
  if (machine === 'absent') return lost(input, now);
  if (operation?.state === 'Failed') return fail(input, operation.code, operation.message, now);
  const isBusy = operation?.state === 'InProgress' || machine.provisioningState !== 'Succeeded';
  if (isBusy) return waiting(input, status, POLL_ATTACH, now);
  const { dataDisk } = builderParts(build.machine);
  const isAttached = machine.dataDisks.some(({ diskId }) =>
    diskId.toLowerCase().endsWith(`/${dataDisk.toLowerCase()}`),
  );
  if (isAttached) return proceed(atStep(status, pool, 'Preparing', now), 'the disk is attached');
  const step = { type: 'attachDisk', machine: build.machine, disk: dataDisk } as const;
  return { step, because: 'the data disk is not attached', status };
}

function planReadiness(input: BuildInput, { ready }: Recipe, now: number): GoldenPlan {
  const { pool, port } = input;
  if (ready.type === 'RunCommand') {
    const { script } = ready.runCommand;
    const command = { command: 'wait until ready', script, next: 'Finishing' } as const;
    return planCommand(input, { ...command, isRepeated: true }, now);
  }
  const status = goldenStatusOf(pool);
  if (port === 'open') {
    const because = `port ${ready.tcp.port} answers`;
    return proceed(atStep(status, pool, 'Finishing', now), because);
  }
  return {
    ...waiting(input, status, POLL_ATTACH, now),
    because: `port ${ready.tcp.port} is silent`,
  };
}

/** Stopped before the snapshot: what the guest still held in memory is on the disk then. */
function planShutdown(input: BuildInput, status: GoldenStatus, now: number): GoldenPlan {
  const { pool, build, seen, operation } = input;
  const { machine } = seen;
  if (machine === 'unread') return waiting(input, status, POLL_INSTANCE, now);
  if (machine === 'absent') return lost(input, now);
  if (operation?.state === 'Failed') return fail(input, operation.code, operation.message, now);
  const isBusy = operation?.state === 'InProgress' || machine.provisioningState !== 'Succeeded';
  if (isBusy) return waiting(input, status, POLL_INSTANCE, now);
  if (machine.powerState === 'deallocated') {
    return proceed(atStep(status, pool, 'Snapshotting', now), 'the builder machine is off');
  }
  return {
    step: { type: 'deallocate', machine: build.machine },
    because: 'it is prepared',
    status,
  };
}

function planSnapshot(input: BuildInput, status: GoldenStatus, now: number): GoldenPlan {
  const { pool, build, seen, operation } = input;
  const { snapshot } = seen;
  if (operation?.state === 'Failed') return fail(input, operation.code, operation.message, now);
  if (snapshot === 'unread') return waiting(input, status, POLL_DISK, now);
  if (snapshot === 'absent') {
    if (mayStillAppear(input, now)) return waiting(input, status, POLL_DISK, now);
    const tags = buildTags(pool, build, { installation: input.installation, role: 'golden' });
    const name = goldenSnapshotName(pool, build.version);
    const { dataDisk: disk } = builderParts(build.machine);
    const step = { type: 'createSnapshot', name, disk, tags } as const;
    return { step, because: 'the machine is off', status };
  }
  if (!isOurs(snapshot, pool)) return foreign(input, `snapshot ${snapshot.name}`, now);
  if (snapshot.provisioningState === 'Failed') {
    return fail(input, 'CreateFailed', `Azure failed to create snapshot ${snapshot.name}`, now);
  }
  if (isUnderWay(snapshot)) return waiting(input, status, POLL_DISK, now);
  return proceed(atStep(status, pool, 'Validating', now), 'Azure has made the snapshot');
}

function planValidation(input: BuildInput, status: GoldenStatus, now: number): GoldenPlan {
  const { pool, seen } = input;
  const { snapshot } = seen;
  if (snapshot === 'unread') return waiting(input, status, POLL_DISK, now);
  if (snapshot === 'absent') {
    return fail(input, 'SnapshotNotFound', 'the new snapshot is gone again', now);
  }
  if (isUsable(snapshot, pool)) return succeed(input, status, snapshot, now);
  if (isUnderWay(snapshot)) return waiting(input, status, POLL_DISK, now);
  const problem = snapshotFault(snapshot, pool) ?? 'it is of no use';
  return fail(input, 'SnapshotInvalid', `snapshot ${snapshot.name}: ${problem}`, now);
}

function isUnderWay({ provisioningState, completionPercent }: GoldenSnapshotSeen): boolean {
  if (provisioningState === 'Succeeded') return (completionPercent ?? 100) < 100;
  return provisioningState !== 'Failed';
}

function isUsable(snapshot: GoldenSnapshotSeen, pool: VolumePoolOf): boolean {
  return !isUnderWay(snapshot) && snapshotFault(snapshot, pool) === undefined;
}

type VolumePoolOf = BuildInput['pool'];

/** Why a built snapshot may not be copied; undefined when it may. */
export function snapshotFault(
  snapshot: GoldenSnapshotSeen,
  { spec }: VolumePoolOf,
): string | undefined {
  if (snapshot.provisioningState !== 'Succeeded') return `it is ${snapshot.provisioningState}`;
  const { sizeGiB } = spec.volume;
  if (snapshot.sizeGiB > sizeGiB) return `it has ${snapshot.sizeGiB} GiB instead of ${sizeGiB}`;
  return undefined;
}

/** In use from now on, before anything is cleaned up: whoever waits for it need not wait for that. */
function succeed(
  { pool, build }: BuildInput,
  status: GoldenStatus,
  snapshot: GoldenSnapshotSeen,
  now: number,
): GoldenPlan {
  const { version } = build;
  const createdAt = timestamp(Date.parse(snapshot.timeCreated ?? build.startedAt));
  const built: BuiltSnapshot = { version, id: snapshot.id, createdAt };
  const { lastError: _, ...rest } = build;
  const done = atStep(
    {
      goldenSnapshot: {
        ...status.goldenSnapshot,
        phase: 'Ready',
        id: snapshot.id,
        version,
        createdAt,
        sizeGiB: snapshot.sizeGiB,
      },
      snapshotBuild: { ...rest, outcome: 'Succeeded' },
      builtSnapshots: [built, ...status.builtSnapshots.filter((one) => one.version !== version)],
    },
    pool,
    'CleaningUp',
    now,
  );
  return proceed(done, `snapshot ${snapshot.name} is in use from now on`);
}

function lost(input: BuildInput, now: number): GoldenPlan {
  return fail(input, 'ResourceDisappeared', 'the builder machine was deleted by somebody', now);
}

function foreign(input: BuildInput, what: string, now: number): GoldenPlan {
  return fail(input, 'ForeignChange', `${what} exists and is not tagged as ours`, now);
}

function fail({ pool }: BuildInput, code: string, message: string, now: number): GoldenPlan {
  return proceed(failed(goldenStatusOf(pool), pool, { code, message }, now), message);
}

/** What the last script wrote: where a wait went on for too long, it may say why. */
function lastWords({ goldenSnapshot }: GoldenStatus): string {
  const output = goldenSnapshot?.commands?.at(-1)?.output?.trim();
  return output ? `; the last output was: ${output.slice(-1024)}` : '';
}
