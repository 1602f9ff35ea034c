// What one look at a node shows about one NodeMount, and what it asks for: the parts that all types of
// storage share. The agent gathers it, the planner reads it.
import type { DeviceIdentity } from './disks.ts';
import type { ScrubRecord } from './node-mount-mdadm-facts.ts';

/** What the device that is to be mounted holds. */
export type FilesystemFacts =
  | { readonly type: 'none' }
  | { readonly type: 'found'; readonly filesystem: string; readonly uuid: string | undefined }
  /** The tools gave no usable answer: nothing may be concluded. */
  | { readonly type: 'unknown'; readonly message: string };

export interface MountFacts {
  readonly source: string;
  readonly filesystem: string;
  /** Names of the same device by other paths, so that sources can be compared. */
  readonly isOurs: boolean;
}

export interface MountPointFacts {
  readonly path: string;
  readonly exists: boolean;
  /** Entries of the directory itself; only looked at while nothing is mounted there. */
  readonly entries: number;
  /** The directory below has chattr's immutable flag; only looked at while nothing is mounted. */
  readonly isImmutable: boolean;
  /** Mounted exactly there, topmost last. */
  readonly mounts: readonly MountFacts[];
  /** Where else our device is mounted in the host's namespace. */
  readonly otherTargets: readonly string[];
  /** Processes that hold our device mounted in a namespace of their own. */
  readonly foreignHolders: readonly string[];
  /** The marker inside the mounted filesystem: the uid of the pool it belongs to. */
  readonly marker: { readonly type: 'none' } | { readonly type: 'found'; readonly poolUid: string };
}

/** How far the durable journal says a thing has come. `unknown`: begun, end not recorded. */
export type Done = 'none' | 'unknown' | 'made';

export interface JournalFacts {
  /** False: nothing was ever recorded here for this object (or the record was lost). */
  readonly exists: boolean;
  readonly claims: readonly DeviceIdentity[];
  readonly array: Done;
  readonly filesystem: Done;
  /** The pool was complete once; from then on only the deletion policy may cost bytes. */
  readonly active: boolean;
  readonly mountPoint: Done;
  /** It was tried; not every filesystem has the flag. */
  readonly mountPointProtected: boolean;
  /**
   * Identity keys of members that are being erased: their superblock may be gone already. A disk that
   * is seen blank is struck off at once, so that what somebody puts on it later is theirs.
   */
  readonly erasing: readonly string[];
  /** Those of `wiped` whose destruction is not known to have come to its end. */
  readonly wiping: readonly string[];
  /**
   * Identity keys of disks whose typed confirmation is used up: their data was destroyed, or they were
   * taken as they are because they held none.
   */
  readonly wiped: readonly string[];
  /** Identity keys of members that the array ran without: what they hold is out of date. */
  readonly outdated?: readonly string[] | undefined;
  /** Identity keys of members that the kernel found faulty: they are not taken back unasked. */
  readonly failed?: readonly string[] | undefined;
  /** Identity keys of members that were told to hand over to another: they end up as "faulty", too. */
  readonly replacing?: readonly string[] | undefined;
  /** The size of the array that the filesystem was made or last grown for. */
  readonly filesystemSizedTo?: number | undefined;
  readonly scrub?: ScrubRecord | undefined;
  readonly initialSyncCompletedAt?: string | undefined;
  /** What is mounted, by source and options; absent before the first mount. */
  readonly mountedAs?: string | undefined;
  /** The source that mount was given. */
  readonly mountedSource?: string | undefined;
  /** The mount was detached while it may still have been in use. */
  readonly detachedLazily?: boolean | undefined;
  /** The iSCSI session: `found` was there before, `made` is ours. */
  readonly session?: Done | 'found' | undefined;
  /** The portal and the version of the credentials that it was logged in with. */
  readonly loggedInAs?: string | undefined;
}

/** Numbers of a filesystem, as df counts. */
export interface Capacity {
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly usePercent: number;
  readonly fileCount?: number;
}

/** What came of asking a mounted filesystem for its size: the one question that proves it alive. */
export type Answer =
  | { readonly type: 'notAsked' }
  | { readonly type: 'answers'; readonly capacity: Capacity | undefined }
  /** `since` is RFC 3339. */
  | { readonly type: 'silent'; readonly since: string }
  /** The server does not know the handle any more. */
  | { readonly type: 'stale' }
  | { readonly type: 'failed'; readonly message: string };

/** The parts of a NodeMount's spec that all types share. */
export interface MountIntent {
  readonly poolUid: string;
  readonly mountPath: string;
  /** All mount points lie below this directory of the host. */
  readonly mountRoot: string;
  /** The other pool of this node that has this path or one above or below it, in words. */
  readonly pathTakenBy?: string | undefined;
  readonly deletionPolicy: 'Retain' | 'Destroy';
  readonly isDeleting: boolean;
  /** The object's status says that it was complete once. */
  readonly wasActive: boolean;
}

export interface SharedFacts {
  readonly mountPoint: MountPointFacts;
  readonly journal: JournalFacts;
  /** Programs and modules that are missing, in a person's words. */
  readonly missing: readonly string[];
}
