// The effects an agent can have on a node, one per step. A step carries everything needed to carry
// it out, to check once more that it may be, and to say why it was.
import type { Reason } from '../api/reasons.ts';
import type { DeviceIdentity, Refusal } from './disks.ts';
import type { ArrayStepAction } from './node-mount-array-step.ts';

/** A disk by what it is and by the name it has just now. */
export interface Target {
  readonly path: string;
  readonly identity: DeviceIdentity;
}

export type StepAction =
  | {
      readonly type: 'claimDevices';
      readonly targets: readonly Target[];
      /** Identity keys of those whose confirmation to be wiped is used up by taking them as they are. */
      readonly spent?: readonly string[] | undefined;
    }
  | { readonly type: 'wipeDevice'; readonly target: Target; readonly destroys: string }
  | {
      readonly type: 'createArray';
      readonly arrayUuid: string;
      readonly name: string;
      readonly level: number;
      readonly targets: readonly Target[];
      readonly spares: number;
      readonly chunkKiB: number | undefined;
    }
  /** The array turned out to be complete although its creation never reported back. */
  | { readonly type: 'recordArray'; readonly arrayUuid: string }
  | {
      readonly type: 'assembleArray';
      readonly arrayUuid: string;
      readonly name: string;
      readonly targets: readonly Target[];
    }
  | { readonly type: 'stopArray'; readonly path: string; readonly arrayUuid: string }
  | { readonly type: 'zeroSuperblock'; readonly target: Target; readonly arrayUuid: string }
  | { readonly type: 'wipeSignatures'; readonly target: Target }
  | { readonly type: 'zeroEnds'; readonly target: Target }
  /** The unit is blank: nothing that is on it from now on is ours to format over. */
  | { readonly type: 'recordBlank' }
  /** The disk is blank: nothing that is on it from now on is ours to erase. */
  | { readonly type: 'recordErased'; readonly identity: DeviceIdentity }
  | { readonly type: 'removeCreatingMarker'; readonly path: string }
  | {
      readonly type: 'makeFilesystem';
      readonly devicePath: string;
      readonly arrayUuid: string;
      readonly filesystem: 'ext4' | 'xfs';
      readonly uuid: string;
      readonly options: readonly string[];
    }
  | { readonly type: 'eraseFilesystem'; readonly devicePath: string; readonly arrayUuid: string }
  | { readonly type: 'makeMountPoint'; readonly path: string }
  | { readonly type: 'protectMountPoint'; readonly path: string }
  | {
      readonly type: 'mount';
      readonly path: string;
      readonly filesystem: string;
      /** A device path, or `server:/export`. */
      readonly source: string;
      readonly options: readonly string[];
      /** Set for local filesystems: checked once more on the device before mounting. */
      readonly uuid: string | undefined;
      /** What it is mounted as, for the journal: when that is not what is wished, it is done anew. */
      readonly mountedAs?: string | undefined;
      /** A key is to be fetched and given to mount in a file that is gone afterwards. */
      readonly needsKey?: boolean | undefined;
    }
  | { readonly type: 'writeMarker'; readonly mountPath: string; readonly poolUid: string }
  | {
      readonly type: 'recordActive';
      readonly mountedAs?: string | undefined;
      /** Size of the device that the filesystem fills. */
      readonly filesystemSizedTo?: number | undefined;
    }
  | {
      readonly type: 'unmount';
      readonly path: string;
      /** The server or device behind it is gone: detached at last, whoever still uses it. */
      readonly byForce: boolean;
      /** It is mounted again at once; while somebody uses it, it stays as it is. */
      readonly forChange?: boolean | undefined;
      /** Keys of the credentials that mounting again takes: without them nothing is unmounted. */
      readonly needsKeys?: readonly string[] | undefined;
    }
  | IscsiStepAction
  | ArrayStepAction
  | { readonly type: 'unprotectMountPoint'; readonly path: string }
  | { readonly type: 'removeMountPoint'; readonly path: string }
  | { readonly type: 'releaseDevices' };

/** One logical unit of a target, and what it is to be. */
export interface UnitTarget {
  readonly target: string;
  readonly lun: number;
  /** The device and the disk behind it, as they were when the step was planned. */
  readonly device: Target;
}

export type IscsiStepAction =
  | {
      readonly type: 'loginTarget';
      readonly portal: string;
      readonly target: string;
      readonly hasCredentials: boolean;
      readonly loggedInAs: string;
    }
  /** Somebody else's session serves as well, but is not ours to end. */
  | {
      readonly type: 'recordSession';
      readonly target: string;
      readonly loggedInAs: string;
      /** Another mount of ours made it: whichever is the last to go ends it. */
      readonly isShared: boolean;
    }
  | { readonly type: 'awaitUnit'; readonly target: string; readonly lun: number }
  | {
      readonly type: 'formatUnit';
      readonly unit: UnitTarget;
      readonly filesystem: 'ext4' | 'xfs';
      readonly uuid: string;
      readonly options: readonly string[];
      /** An earlier attempt was interrupted: what is on the unit is its remains. */
      readonly isAnew: boolean;
    }
  | { readonly type: 'recordFilesystem' }
  /** Whoever comes next finds a filesystem that nobody uses. */
  | { readonly type: 'removeMarker'; readonly mountPath: string }
  | {
      readonly type: 'eraseUnit';
      readonly unit: UnitTarget;
      /** Of the filesystem that we make. */
      readonly uuid: string;
      /** It is made again afterwards. */
      readonly isAnew: boolean;
    }
  | { readonly type: 'logoutTarget'; readonly portal: string; readonly target: string };

export type Step = StepAction & {
  /** Becomes event, log line and record. */
  readonly because: string;
  /** The storage is mounted and can be used while this is done, and also if it fails. */
  readonly isUpkeep?: true;
};

export type StepType = StepAction['type'];

export interface Note {
  readonly reason: Reason;
  readonly message: string;
}

export type NodeMountPlan =
  | { readonly type: 'step'; readonly step: Step }
  /** Everything is as the spec asks; `note` says what has to wait, and for whom. */
  | {
      readonly type: 'settled';
      readonly note?: Note | undefined;
      /** What is mounted may be used, but nothing more is done of what the spec asks. */
      readonly complaint?: Note | undefined;
    }
  /** What is mounted does not answer: nothing is known of it until it does. */
  | { readonly type: 'unanswered'; readonly reason: Reason; readonly message: string }
  | Refusal
  /** Cleaning up can't go on until somebody lets go. */
  | { readonly type: 'blocked'; readonly reason: Reason; readonly message: string }
  /** Nothing of it is left on the node but what `kept` says. */
  | { readonly type: 'cleanedUp'; readonly kept: string | undefined };

export function step(because: string, action: StepAction): NodeMountPlan {
  return { type: 'step', step: { ...action, because } };
}

/** A step on storage that is in use already. */
export function upkeep(because: string, action: StepAction): NodeMountPlan {
  return { type: 'step', step: { ...action, because, isUpkeep: true } };
}

export function refuse(reason: Reason, message: string): NodeMountPlan {
  return { type: 'refuse', reason, message };
}

/** The name of the marker file inside every filesystem we mount. */
export const markerFile = '.poolkeeper.json';
