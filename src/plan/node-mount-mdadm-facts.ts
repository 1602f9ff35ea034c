// A software RAID on one node: what is asked for, and what one look shows of it.
import { type DeviceFacts, type DeviceRequest, identityOf } from './disks.ts';
import type { FilesystemFacts, MountIntent, SharedFacts } from './node-mount-facts.ts';
import { derivedUuid, isSameUuid } from './node-mount-identity.ts';
import type { Target } from './node-mount-step.ts';

/** A running or half-assembled array that carries our UUID. */
export interface ArrayFacts {
  /** `/dev/md127`; good for this look only. */
  readonly path: string;
  readonly kernelName: string;
  readonly uuid: string;
  readonly level: number;
  readonly raidDisks: number;
  /** How RAID10 spreads its copies, as the kernel counts: the near ones, and 256 times the far ones. */
  readonly layout?: number | undefined;
  /** What it offers to whoever mounts it; 0 while it doesn't run. */
  readonly sizeBytes: number;
  /** What it uses of each member; 0 for RAID0, whose members may differ. */
  readonly memberBytes: number;
  /** 0 for RAID1. */
  readonly chunkBytes: number;
  /** The kernel's word: `inactive`, `clean`, `active`, `read-auto`, `broken` … */
  readonly state: string;
  readonly degraded: number;
  /** `idle`, `resync`, `recover`, `check`, `reshape` …; absent for RAID0. */
  readonly syncAction?: string | undefined;
  /** What the last of these was, running or over. */
  readonly lastSyncAction?: string | undefined;
  /** A part of it has never been synced, or not since the power was cut; absent for RAID0. */
  readonly isResyncPending?: boolean | undefined;
  /** 0 to 100 while something syncs; absent in the moment in which it begins. */
  readonly syncPercent?: number | undefined;
  readonly syncKiBPerSecond?: number | undefined;
  readonly syncSecondsLeft?: number | undefined;
  /** Sectors in which copies or parities differed in the last comparison. */
  readonly mismatchCount?: number | undefined;
  readonly members: readonly ArrayMemberFacts[];
}

export interface ArrayMemberFacts {
  readonly path: string;
  readonly kernelName: string;
  /** The kernel's words, with commas: `in_sync`, `spare`, `faulty`, `want_replacement` … */
  readonly state: string;
  /** Its place in the array; spares and failed ones have none. */
  readonly slot?: number | undefined;
  /** What it could give to the array. */
  readonly sizeBytes: number;
  /** What lies before its share of the data: a reshape needs room there. */
  readonly dataOffsetBytes: number;
  /** The machine has no such device any more. */
  readonly isGone: boolean;
}

/** The comparison of all copies and parities: what is asked for, and what came of the last one. */
export interface ScrubRecord {
  /** The request that the last one answered. */
  readonly request?: string | undefined;
  /** Both RFC 3339. */
  readonly startedAt: string;
  readonly completedAt?: string | undefined;
  /** The boot during which it was begun: a restart of the machine ends it. */
  readonly bootId: string;
  readonly mismatchCount?: number | undefined;
}

export interface MdadmIntent extends MountIntent {
  readonly type: 'mdadm';
  /** In the superblocks, after the home host. */
  readonly arrayName: string;
  readonly level: number;
  /** In order, spares last. Empty for an adopted array. */
  readonly devices: readonly DeviceRequest[];
  readonly spares: number;
  readonly filesystem: 'ext4' | 'xfs';
  readonly chunkKiB?: number | undefined;
  readonly mkfsOptions: readonly string[];
  /** How often all copies are compared; undefined: on request only. */
  readonly scrubIntervalMilliseconds?: number | undefined;
  readonly scrubRequest?: string | undefined;
  readonly mountOptions: readonly string[];
  /** Set when an array that exists is to be used as it is; `devices` may then be empty. */
  readonly adoptArrayUuid?: string | undefined;
}

export interface MdadmFacts extends SharedFacts {
  readonly devices: readonly DeviceFacts[];
  readonly array?: ArrayFacts | undefined;
  readonly filesystem: FilesystemFacts;
  /** Files that an interrupted creation left in /run/mdadm, full paths. */
  readonly creatingMarkers: readonly string[];
  /** Who else has claimed a disk, by identity key. */
  readonly claimedByOthers: ReadonlyMap<string, string>;
  /** Kernel names of what is stacked on the array, such as `dm-0`. */
  readonly arrayHolders: readonly string[];
  /** RFC 3339. */
  readonly now: string;
  readonly bootId: string;
}

export function arrayUuidOf(intent: MdadmIntent): string {
  return intent.adoptArrayUuid ?? derivedUuid(intent.poolUid, 'array');
}

export function targetOf(device: DeviceFacts): Target {
  return { path: device.path, identity: identityOf(device) };
}

/** Disks that carry our array's superblock, requested or not. */
export function membersOf(facts: MdadmFacts, arrayUuid: string): DeviceFacts[] {
  return facts.devices.filter(({ contents }) => {
    const superblock = contents?.superblock;
    return superblock?.type === 'member' && isSameUuid(superblock.arrayUuid, arrayUuid);
  });
}

export function isRunning(array: ArrayFacts): boolean {
  return array.state !== 'inactive' && array.state !== 'clear';
}
