// What a plan for a golden snapshot is made from and made of: what was seen in Azure, and the one effect
// that follows.
import type { SnapshotBuild } from '../api/golden-snapshot.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { nextPollDelay, type PollSchedule } from './backoff.ts';
import type { GoldenStatus } from './golden-snapshot-status.ts';
import type { OperationSeen } from './pool-volume.ts';

interface ResourceSeen {
  readonly id: string;
  readonly name: string;
  readonly provisioningState: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface BuilderSeen extends ResourceSeen {
  readonly powerState?: string;
  readonly dataDisks: readonly { readonly lun: number; readonly diskId: string }[];
  readonly networkInterfaceIds: readonly string[];
  readonly privateAddress?: string;
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface BuilderDiskSeen extends ResourceSeen {
  readonly managedBy?: string;
}

export interface GoldenSnapshotSeen extends ResourceSeen {
  readonly sizeGiB: number;
  readonly timeCreated?: string;
  readonly completionPercent?: number;
}

/** `absent` on 404; `unread` when this pass had no need to look. */
type Look<T> = T | 'absent' | 'unread';

export interface BuildSeen {
  readonly machine: Look<BuilderSeen>;
  readonly dataDisk: Look<BuilderDiskSeen>;
  readonly osDisk: Look<BuilderDiskSeen>;
  readonly networkInterface: Look<ResourceSeen>;
  /** The snapshot that the build makes. */
  readonly snapshot: Look<GoldenSnapshotSeen>;
}

export type BuildPart = keyof BuildSeen;

export const NOTHING_SEEN: BuildSeen = {
  machine: 'unread',
  dataDisk: 'unread',
  osDisk: 'unread',
  networkInterface: 'unread',
  snapshot: 'unread',
};

export type GoldenStep =
  | { readonly type: 'holdPool' }
  | { readonly type: 'releasePool' }
  | {
      readonly type: 'createDisk';
      readonly name: string;
      readonly sizeGiB: number;
      readonly tags: Record<string, string>;
    }
  | {
      readonly type: 'createMachine';
      readonly name: string;
      readonly tags: Record<string, string>;
    }
  | { readonly type: 'attachDisk'; readonly machine: string; readonly disk: string }
  | { readonly type: 'runCommand'; readonly machine: string; readonly script: string }
  | { readonly type: 'deallocate'; readonly machine: string }
  | {
      readonly type: 'createSnapshot';
      readonly name: string;
      readonly disk: string;
      readonly tags: Record<string, string>;
    }
  | { readonly type: 'tagSnapshot'; readonly id: string; readonly tags: Record<string, string> }
  | { readonly type: 'delete'; readonly kind: CloudKind; readonly id: string }
  /** Taken off the record once Azure answers that it is gone. */
  | { readonly type: 'deleteBuilt'; readonly id: string };

export type CloudKind = 'instance' | 'volume' | 'snapshot' | 'networkInterface';

export interface GoldenPlan {
  /** At most one effect; its outcome is looked at in the next pass. */
  readonly step: GoldenStep | undefined;
  readonly because: string;
  readonly status: GoldenStatus;
  /** Look again after this long even if nothing is heard. */
  readonly waitMilliseconds?: number;
}

/** The build with everything that its next step depends on. */
export interface BuildInput {
  readonly pool: VolumePool;
  readonly build: SnapshotBuild;
  readonly seen: BuildSeen;
  readonly operation: OperationSeen | undefined;
  /** Whether the port of a TCP readiness check answers. */
  readonly port: 'open' | 'closed' | 'unread';
  readonly installation: string;
  readonly pollPace: number;
}

/** Nothing to do but to go on to the next pass, at once. */
export function proceed(status: GoldenStatus, because: string): GoldenPlan {
  return { step: undefined, because, status, waitMilliseconds: 0 };
}

export function waiting(
  { build, pollPace }: BuildInput,
  status: GoldenStatus,
  schedule: PollSchedule,
  now: number,
): GoldenPlan {
  const since = build.operation?.startedAt ?? build.stepStartedAt;
  const waitMilliseconds = nextPollDelay(schedule, now - Date.parse(since), pollPace);
  return { step: undefined, because: 'waits for Azure', status, waitMilliseconds };
}

/** A resource that was accepted and doesn't show after this long is asked for again. */
const VISIBLE_MILLISECONDS = 120_000;

/** True while an accepted creation may still show its resource. */
export function mayStillAppear({ build, operation }: BuildInput, now: number): boolean {
  if (build.operation?.type !== 'Create' || operation?.state === 'Failed') return false;
  if (operation?.state === 'InProgress') return true;
  return now - Date.parse(build.operation.startedAt) < VISIBLE_MILLISECONDS;
}

/** Made by or for this pool: the only resources that are used or deleted. */
export function isOurs({ tags }: ResourceSeen, { metadata }: VolumePool): boolean {
  return tags['poolkeeper:uid'] === metadata.uid;
}
