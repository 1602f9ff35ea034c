// What a storage pool does about the disks that it has from a VolumePool, one effect per step, and what
// comes of a plan.
import type { MountedDisk } from '../api/disk.ts';
import type { LeaseAttachment, LeasedVolume } from '../api/leased-volume.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { Progress } from '../api/status.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import type { Stall } from './pool-conditions.ts';

export type LeaseStep =
  /** Sets claimRef and node of a free volume, refused unless it is still this version. */
  | {
      readonly type: 'leaseVolume';
      readonly volume: PoolVolume;
      readonly node: { readonly name: string; readonly machineId: string };
      readonly because: string;
    }
  /** The node runs on another VM now, and Azure has shown the disk detached from the former one. */
  | {
      readonly type: 'moveVolume';
      readonly volume: PoolVolume;
      readonly node: { readonly name: string; readonly machineId: string };
      readonly because: string;
    }
  /** One VM write under the ETag of the look: only disks of this pool are attached and detached. */
  | {
      readonly type: 'changeNodeDisks';
      readonly operation: 'Attach' | 'Detach';
      readonly attach: readonly { readonly diskId: string; readonly lun: number }[];
      readonly detach: readonly string[];
      readonly because: string;
    }
  /** Azure has shown it detached: it goes back to its pool, which decides over its bytes unless told. */
  | {
      readonly type: 'releaseVolume';
      readonly volume: PoolVolume;
      readonly releasedAs: VolumePool['spec']['reclaimPolicy'] | undefined;
      readonly because: string;
    };

export interface LeasePlan {
  readonly steps: readonly LeaseStep[];
  /** For the status. */
  readonly volumes: readonly LeasedVolume[];
  readonly attachment: LeaseAttachment | undefined;
  /** What the node's mount may ask for; undefined while it isn't known. */
  readonly devices: readonly MountedDisk[] | undefined;
  /** Somebody must change something. */
  readonly stall?: Stall | undefined;
  /** It waits, or is at work. */
  readonly waits?: Stall | undefined;
  readonly progress?: Progress | undefined;
  readonly waitMilliseconds?: number | undefined;
}
