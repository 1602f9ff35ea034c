// The effects an agent can have on a node, one per step. A step carries everything needed to carry
// it out, to check once more that it may be, and to say why it was.
import type { Reason } from '../api/reasons.ts';
import type { DeviceIdentity, Refusal } from './disks.ts';

/** A disk by what it is and by the name it has just now. */
export interface Target {
  readonly path: string;
  readonly identity: DeviceIdentity;
}

export type StepAction =
  | { readonly type: 'claimDevices'; readonly targets: readonly Target[] }
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
    }
  | { readonly type: 'writeMarker'; readonly mountPath: string; readonly poolUid: string }
  | { readonly type: 'recordActive' }
  | { readonly type: 'unmount'; readonly path: string; readonly isNetwork: boolean }
  | { readonly type: 'unprotectMountPoint'; readonly path: string }
  | { readonly type: 'removeMountPoint'; readonly path: string }
  | { readonly type: 'releaseDevices' };

export type Step = StepAction & {
  /** Becomes event, log line and record. */
  readonly because: string;
};

export type StepType = StepAction['type'];

export type NodeMountPlan =
  | { readonly type: 'step'; readonly step: Step }
  /** Everything is as the spec asks. */
  | { readonly type: 'settled' }
  | Refusal
  /** Cleaning up can't go on until somebody lets go. */
  | { readonly type: 'blocked'; readonly reason: Reason; readonly message: string }
  /** Nothing of it is left on the node but what `kept` says. */
  | { readonly type: 'cleanedUp'; readonly kept: string | undefined };

export function step(because: string, action: StepAction): NodeMountPlan {
  return { type: 'step', step: { ...action, because } };
}

export function refuse(reason: Reason, message: string): NodeMountPlan {
  return { type: 'refuse', reason, message };
}

/** The name of the marker file inside every filesystem we mount. */
export const markerFile = '.poolkeeper.json';
