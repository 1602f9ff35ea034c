// Objects beside the pool and its mounts that decide what its nodes are asked for: gathered from the
// caches for each look. Each type of storage adds its own.
import type { MountedDisk } from '../api/disk.ts';
import type { StorageBackend } from '../api/storage-backend.ts';
import type { UnitClaimant } from './storage-pool-unit.ts';

export interface StorageSources {
  /** The StorageBackend that the pool names, if there is one of that name. */
  readonly backend?: StorageBackend | undefined;
  /** The Secret that the pool or its backend names; `version` changes whenever the Secret does. */
  readonly credentials?:
    | { readonly type: 'known'; readonly version: string }
    | { readonly type: 'missing'; readonly message: string }
    | undefined;
  /** All iSCSI pools of the cluster, this one among them. */
  readonly unitClaimants?: readonly UnitClaimant[] | undefined;
  /** Disks of a VolumePool that are attached to the node; undefined until an array can be made of them. */
  readonly devices?: readonly MountedDisk[] | undefined;
}

export const NO_SOURCES: StorageSources = {};
