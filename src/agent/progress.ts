// What is being done, in a person's words.
import type { Progress } from '../api/status.ts';
import type { ArrayFacts } from '../plan/node-mount-mdadm-facts.ts';
import type { Step, StepType } from '../plan/node-mount-step.ts';

const words: Readonly<Record<StepType, string>> = {
  claimDevices: 'Reserving the disks',
  releaseDevices: 'Releasing the disks',
  wipeDevice: 'Destroying the data of a disk, as confirmed',
  createArray: 'Creating the array',
  recordArray: 'Checking the array',
  assembleArray: 'Starting the array',
  stopArray: 'Stopping the array',
  zeroSuperblock: 'Erasing the superblock of a member',
  wipeSignatures: 'Erasing the signatures of a member',
  zeroEnds: 'Erasing the metadata of a member',
  recordBlank: 'Recording that the unit is blank again',
  recordErased: 'Recording that a disk is blank again',
  removeCreatingMarker: 'Removing what an interrupted creation left',
  recordMembers: 'Recording the state of the members',
  recordConfirmations: 'Recording what may be wiped',
  addMember: 'Adding a disk to the array',
  reAddMember: 'Taking a disk back into the array',
  replaceMember: 'Replacing a disk of the array',
  failMember: 'Taking a disk out of the mirror',
  removeMember: 'Removing a disk from the array',
  removeDetached: 'Removing a pulled disk from the array',
  letGoDevice: 'Letting go of a disk',
  forgetDevice: 'Letting go of a disk that is not there',
  growArray: 'Spreading the array over more disks',
  growMembers: 'Using all of the larger disks',
  growFilesystem: 'Growing the filesystem',
  startScrub: 'Comparing all copies',
  recordScrub: 'Recording what the comparison found',
  makeFilesystem: 'Making the filesystem',
  eraseFilesystem: 'Erasing the filesystem',
  makeMountPoint: 'Making the mount point',
  protectMountPoint: 'Protecting the mount point',
  mount: 'Mounting the filesystem',
  writeMarker: 'Marking the filesystem as ours',
  recordActive: 'Recording that it is complete',
  unmount: 'Unmounting the filesystem',
  loginTarget: 'Logging in to the target',
  recordSession: 'Checking the session',
  awaitUnit: 'Waiting for the logical unit',
  formatUnit: 'Making the filesystem',
  recordFilesystem: 'Checking the filesystem',
  removeMarker: 'Taking our mark off the filesystem',
  eraseUnit: 'Erasing the filesystem',
  logoutTarget: 'Logging out of the target',
  unprotectMountPoint: 'Removing the mount point',
  removeMountPoint: 'Removing the mount point',
};

export function stepProgress(step: Step): Progress {
  return { step: words[step.type], message: `${words[step.type]}: ${step.because}` };
}

export function syncProgress(array: ArrayFacts | undefined): Progress | undefined {
  if (array?.syncPercent === undefined) return undefined;
  const { syncAction = 'resync', syncPercent, syncKiBPerSecond, syncSecondsLeft } = array;
  const speed = syncKiBPerSecond ? ` at ${Math.round(syncKiBPerSecond / 1024)} MiB/s` : '';
  const left = syncSecondsLeft === undefined ? '' : `, ${describeSeconds(syncSecondsLeft)} left`;
  return {
    step: syncAction,
    percent: syncPercent,
    message: `${syncAction} ${syncPercent}%${speed}${left}`,
  };
}

/** As people say it: `about 40 s`, `about 12 min`, `about 3 h`. */
export function describeSeconds(seconds: number): string {
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `about ${Math.round(seconds / 60)} min`;
  return `about ${Math.round(seconds / 3600)} h`;
}

/** Events for what a user would want to know afterwards. */
export const stepEvents: Partial<Record<StepType, string>> = {
  wipeDevice: 'DeviceWiped',
  createArray: 'ArrayCreated',
  assembleArray: 'ArrayStarted',
  stopArray: 'ArrayStopped',
  zeroSuperblock: 'SuperblockErased',
  addMember: 'MemberAdded',
  reAddMember: 'MemberReturned',
  replaceMember: 'ReplacementStarted',
  removeMember: 'MemberRemoved',
  removeDetached: 'MemberRemoved',
  letGoDevice: 'DeviceLetGo',
  growArray: 'ArrayGrowing',
  growMembers: 'ArrayGrowing',
  growFilesystem: 'FilesystemGrown',
  startScrub: 'ScrubStarted',
  makeFilesystem: 'FilesystemMade',
  eraseFilesystem: 'FilesystemErased',
  mount: 'Mounted',
  unmount: 'Unmounted',
  loginTarget: 'LoggedIn',
  logoutTarget: 'LoggedOut',
  formatUnit: 'FilesystemMade',
  eraseUnit: 'FilesystemErased',
};

export type WorkPhase = 'Preparing' | 'Formatting' | 'Mounting';

const phases: Partial<Record<StepType, WorkPhase>> = {
  makeFilesystem: 'Formatting',
  eraseFilesystem: 'Formatting',
  formatUnit: 'Formatting',
  eraseUnit: 'Formatting',
  makeMountPoint: 'Mounting',
  protectMountPoint: 'Mounting',
  mount: 'Mounting',
  writeMarker: 'Mounting',
  recordActive: 'Mounting',
};

export function phaseOf(step: Step): WorkPhase {
  return phases[step.type] ?? 'Preparing';
}
