// A software RAID on one node: what is asked for, and what one look shows of it.
import type { DeviceFacts, DeviceRequest } from './disks.ts';
import type { FilesystemFacts, MountIntent, SharedFacts } from './node-mount-facts.ts';

/** A running or half-assembled array that carries our UUID. */
export interface ArrayFacts {
  /** `/dev/md127`; good for this look only. */
  readonly path: string;
  readonly kernelName: string;
  readonly uuid: string;
  readonly level: number;
  readonly raidDisks: number;
  /** The kernel's word: `inactive`, `clean`, `active`, `read-auto`, `broken` … */
  readonly state: string;
  readonly degraded: number;
  /** `idle`, `resync`, `recover`, `check`, `reshape` …; absent for RAID0. */
  readonly syncAction?: string | undefined;
  /** 0 to 100 while something syncs. */
  readonly syncPercent?: number | undefined;
  readonly syncKiBPerSecond?: number | undefined;
  readonly members: readonly {
    readonly path: string;
    readonly kernelName: string;
    /** The kernel's words: `in_sync`, `spare`, `faulty` … */
    readonly state: string;
  }[];
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
  readonly mountOptions: readonly string[];
  /** Set when an array that exists is to be used as it is. */
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
}
