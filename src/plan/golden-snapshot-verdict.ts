// Whether a volume pool's golden snapshot may be copied, whichever way it came to be, and what is said
// about it.
import { setCondition } from '../api/conditions.ts';
import type { Condition } from '../api/object.ts';
import type { Reason } from '../api/reasons.ts';
import type { VolumePool, VolumePoolStatus } from '../api/volume-pool.ts';
import type { Stall } from './pool-conditions.ts';

/** The golden snapshot as Azure shows it. */
export interface SnapshotSeen {
  readonly id: string;
  readonly provisioningState: string;
  readonly sizeGiB: number;
  readonly timeCreated?: string;
}

/** The version of disks that are a copy of nothing. */
const EMPTY_VERSION = 'empty';

type GoldenSnapshotStatus = NonNullable<VolumePoolStatus['goldenSnapshot']>;

export interface SnapshotVerdict {
  readonly status: GoldenSnapshotStatus | undefined;
  /** Somebody must change something. */
  readonly stall?: Stall;
  /** It is on its way. */
  readonly waitsFor?: Stall;
  readonly reason: Reason;
  readonly message: string;
}

export function judgeSnapshot(
  pool: VolumePool,
  before: VolumePoolStatus,
  seen: SnapshotSeen | 'absent' | 'unread',
): SnapshotVerdict {
  const { goldenSnapshot: asked } = pool.spec;
  if (asked.type === 'Build') return judgeBuilt(pool, before);
  if (asked.type === 'Empty') return EMPTY;
  const { id } = asked.existing;
  if (seen === 'unread') return judgeRecorded(before.goldenSnapshot);
  if (seen === 'absent') {
    const message = `spec.goldenSnapshot.existing.id: no snapshot ${id}`;
    return stalled({ id, phase: 'Failed' }, 'SnapshotNotFound', message);
  }
  const problem = snapshotProblem(pool, seen);
  const status: GoldenSnapshotStatus = {
    id,
    version: nameOf(id).slice(0, 128),
    sizeGiB: seen.sizeGiB,
    phase: problem ? 'Failed' : 'Ready',
    ...(seen.timeCreated === undefined ? {} : { createdAt: seen.timeCreated }),
  };
  if (problem) return stalled(status, 'SnapshotInvalid', problem);
  return { status, reason: 'SnapshotReady', message: `snapshot ${nameOf(id)} may be copied` };
}

/** Nothing is copied, so nothing has to be there first. */
const EMPTY: SnapshotVerdict = {
  status: { version: EMPTY_VERSION, phase: 'Ready' },
  reason: 'SnapshotReady',
  message: 'no snapshot is needed: its disks are made empty',
};

/** The condition in the words of the verdict. */
export function withSnapshotCondition(
  conditions: Condition[],
  verdict: SnapshotVerdict,
  observedGeneration: number | undefined,
  now: number,
): Condition[] {
  const status = verdict.reason === 'SnapshotReady' ? 'True' : 'False';
  const { reason, message } = verdict;
  const type = 'GoldenSnapshotReady';
  return setCondition(conditions, { type, status, reason, message, observedGeneration }, now);
}

function stalled(status: GoldenSnapshotStatus, reason: Reason, message: string): SnapshotVerdict {
  return { status, stall: { reason, message }, reason, message };
}

/** No look was due: what was found by the last one holds. */
function judgeRecorded(status: VolumePoolStatus['goldenSnapshot']): SnapshotVerdict {
  if (status?.phase !== 'Ready' || status.id === undefined) {
    return { status, reason: 'NotYetObserved', message: 'the snapshot was not looked at yet' };
  }
  const message = `snapshot ${nameOf(status.id)} may be copied`;
  return { status, reason: 'SnapshotReady', message };
}

/** The builder's record is the authority; it is only read here. */
function judgeBuilt({ spec }: VolumePool, before: VolumePoolStatus): SnapshotVerdict {
  const { goldenSnapshot: status, snapshotBuild: build } = before;
  const progress = status?.progress?.message ?? 'it has not begun';
  const fits = (status?.sizeGiB ?? 0) <= spec.volume.sizeGiB;
  if (status?.id !== undefined && fits) {
    const news = status.progress ? `; ${progress}` : '';
    const message = `version ${status.version} is in use${news}`;
    return { status, reason: 'SnapshotReady', message };
  }
  const wait = (reason: Reason, message: string): SnapshotVerdict => ({
    status,
    waitsFor: { reason, message },
    reason,
    message,
  });
  if (build?.outcome === 'Failed') return wait('BuildFailed', progress);
  if (build?.cause === 'SnapshotNotFound')
    return wait('SnapshotNotFound', `the snapshot is gone from Azure and built again; ${progress}`);
  if (build?.cause === 'SnapshotInvalid')
    return wait('SnapshotInvalid', `the snapshot went bad and is built again; ${progress}`);
  return wait('BuildingSnapshot', progress);
}

function snapshotProblem(pool: VolumePool, seen: SnapshotSeen): string | undefined {
  const name = nameOf(seen.id);
  if (seen.provisioningState !== 'Succeeded') {
    return `snapshot ${name} is ${seen.provisioningState} in Azure, not Succeeded`;
  }
  const { sizeGiB } = pool.spec.volume;
  if (seen.sizeGiB > sizeGiB) {
    return `spec.volume.sizeGiB is ${sizeGiB}, but snapshot ${name} has ${seen.sizeGiB} GiB: raise it to that or more`;
  }
  return undefined;
}

/** A given snapshot is a version of its own: its name, which people recognise. */
function nameOf(id: string): string {
  return id.split('/').at(-1) ?? id;
}
