// A logical unit of an iSCSI target on its one node: what is asked for and what one look shows.
import type { DeviceFacts } from './disks.ts';
import type { Answer, FilesystemFacts, MountIntent, SharedFacts } from './node-mount-facts.ts';
import type { Note } from './node-mount-step.ts';

export interface IscsiIntent extends MountIntent {
  readonly type: 'iscsi';
  readonly portal: string;
  readonly target: string;
  readonly lun: number;
  readonly hasCredentials: boolean;
  readonly credentialsVersion?: string | undefined;
  readonly filesystem: 'ext4' | 'xfs';
  readonly mkfsOptions: readonly string[];
  readonly mountOptions: readonly string[];
}

export interface IscsiSession {
  readonly id: number;
  readonly portal: string;
  /** iscsiadm's word: `LOGGED_IN`, `FAILED`, `FREE` … */
  readonly state: string;
}

export type UnitFacts =
  | { readonly type: 'absent' }
  /** Several devices and nothing that joins them, or a tool gave no answer. */
  | ({ readonly type: 'unusable' } & Note)
  /** The device to use: the disk itself, or the multipath device that joins several. */
  | { readonly type: 'found'; readonly device: DeviceFacts };

export interface IscsiFacts extends SharedFacts {
  /** Those of this target, whoever began them. */
  readonly sessions: readonly IscsiSession[];
  /** iscsiadm remembers the target at this portal. */
  readonly hasRecord: boolean;
  readonly unit: UnitFacts;
  readonly filesystem: FilesystemFacts;
  /** What is mounted is a device that is not there any more, or not the unit's. */
  readonly isMountDead: boolean;
  /** The kernel has made the mounted filesystem read-only. */
  readonly isReadOnly: boolean;
  readonly answer: Answer;
  /** Other mounts of this node that use the same target: the session is theirs too. */
  readonly othersOnTarget: readonly string[];
  /** Who else has claimed a disk, by identity key. */
  readonly claimedByOthers: ReadonlyMap<string, string>;
}
