// Steps on an array that is in use: its members change, it grows, its copies are compared.
import type { DeviceIdentity } from './disks.ts';
import type { ScrubRecord } from './node-mount-mdadm-facts.ts';
import type { Target } from './node-mount-step.ts';

/** The array that is meant, confirmed by its UUID before anything is done to it. */
export interface RunningArray {
  readonly path: string;
  readonly arrayUuid: string;
}

export type ArrayStepAction =
  /** Identity keys of the members whose content is out of date, and of those that failed. */
  | {
      readonly type: 'recordMembers';
      readonly outdated: readonly string[];
      readonly failed: readonly string[];
      readonly replacing: readonly string[];
    }
  /** Identity keys of disks whose confirmation to be wiped is used up. */
  | { readonly type: 'recordConfirmations'; readonly wiped: readonly string[] }
  | { readonly type: 'addMember'; readonly array: RunningArray; readonly target: Target }
  /** A member that was away for a while: only what changed meanwhile is copied. */
  | { readonly type: 'reAddMember'; readonly array: RunningArray; readonly target: Target }
  /** The old one stays a member until the new one has all of its share. */
  | {
      readonly type: 'replaceMember';
      readonly array: RunningArray;
      readonly old: Target;
      readonly replacement: Target;
    }
  /** Of a mirror that shall have fewer copies. */
  | { readonly type: 'failMember'; readonly array: RunningArray; readonly target: Target }
  | { readonly type: 'removeMember'; readonly array: RunningArray; readonly memberPath: string }
  /** Members whose device the machine does not have any more. */
  | { readonly type: 'removeDetached'; readonly array: RunningArray }
  /** Erases what makes it look like a member, as far as it can be written, and gives it back. */
  | { readonly type: 'letGoDevice'; readonly target: Target; readonly arrayUuid: string }
  | { readonly type: 'forgetDevice'; readonly identity: DeviceIdentity }
  | { readonly type: 'growArray'; readonly array: RunningArray; readonly raidDisks: number }
  | { readonly type: 'growMembers'; readonly array: RunningArray }
  | {
      readonly type: 'growFilesystem';
      readonly array: RunningArray;
      readonly filesystem: 'ext4' | 'xfs';
      readonly mountPath: string;
      /** Size of the array that the filesystem will fill. */
      readonly sizeBytes: number;
    }
  | { readonly type: 'startScrub'; readonly array: RunningArray; readonly scrub: ScrubRecord }
  | { readonly type: 'recordScrub'; readonly scrub: ScrubRecord };
