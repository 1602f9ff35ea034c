// How an array is doing, for people. A first sync is no fault: nobody should be woken for a new
// pool, although levels 4 and 5 are built as degraded arrays.
import type { ArrayStatus, Drive, DriveState, RaidLevel } from '../api/disk.ts';
import type { Reason } from '../api/reasons.ts';
import { resolveDevice } from '../plan/disks.ts';
import type { ArrayFacts, MdadmFacts, MdadmIntent } from '../plan/node-mount-mdadm-facts.ts';

export interface ArrayHealth {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: Reason;
  readonly message: string;
  readonly phase: 'Mounted' | 'Degraded' | 'Rebuilding' | 'Failed';
}

const failedStates = new Set(['broken', 'inactive', 'clear']);

export function judgeArray(array: ArrayFacts, hasSyncedOnce: boolean): ArrayHealth {
  const percent = array.syncPercent === undefined ? '' : ` (${array.syncPercent} %)`;
  const isFailed = failedStates.has(array.state) || array.degraded > tolerated(array);
  if (isFailed) {
    const message = `The array is ${array.state}: ${array.degraded} of ${array.raidDisks} members are missing.`;
    return { status: 'False', reason: 'ArrayFailed', message, phase: 'Failed' };
  }
  const isSyncing = array.syncPercent !== undefined && array.syncAction !== 'check';
  if (isSyncing && !hasSyncedOnce) {
    const message = `The first ${array.syncAction} is under way${percent}; the array can be used.`;
    return { status: 'True', reason: 'InitialSync', message, phase: 'Mounted' };
  }
  if (array.degraded > 0) {
    const lacking = `${array.degraded} of ${array.raidDisks} members are missing or failed`;
    if (isSyncing)
      return {
        status: 'False',
        reason: 'ArrayRebuilding',
        message: `${lacking}; the array is being rebuilt${percent}.`,
        phase: 'Rebuilding',
      };
    const message = `${lacking}; replace them to restore redundancy.`;
    return { status: 'False', reason: 'ArrayDegraded', message, phase: 'Degraded' };
  }
  const message = `All ${array.raidDisks} members are in place.`;
  return { status: 'True', reason: 'ArrayHealthy', message, phase: 'Mounted' };
}

function tolerated({ level, raidDisks }: ArrayFacts): number {
  if (level === 0) return 0;
  if (level === 1) return raidDisks - 1;
  if (level === 10) return raidDisks / 2;
  return level === 6 ? 2 : 1;
}

/** Whether the array has nothing left to build for the first time. */
export function isSynced(array: ArrayFacts): boolean {
  return array.level === 0 || (array.syncPercent === undefined && array.degraded === 0);
}

export function arrayStatusOf(
  array: ArrayFacts,
  facts: { readonly name: string; readonly initialSyncCompletedAt: string | undefined },
): ArrayStatus {
  return {
    uuid: array.uuid,
    name: facts.name,
    devicePath: array.path,
    level: array.level as RaidLevel,
    state: array.state,
    memberCount: array.raidDisks,
    degradedCount: array.degraded,
    ...(array.syncAction !== undefined && { syncAction: array.syncAction }),
    ...(array.syncPercent !== undefined && { syncPercent: array.syncPercent }),
    ...(array.syncKiBPerSecond !== undefined && { syncKiBPerSecond: array.syncKiBPerSecond }),
    ...(facts.initialSyncCompletedAt !== undefined && {
      initialSyncCompletedAt: facts.initialSyncCompletedAt,
    }),
  };
}

/** The requested disks in their order, each with what the array says of it. */
export function drivesOf(
  intent: MdadmIntent,
  facts: MdadmFacts,
  labels: readonly (string | undefined)[],
): Drive[] {
  if (intent.adoptArrayUuid !== undefined) return adoptedDrives(facts);
  return intent.devices.map((request, index): Drive => {
    const found = resolveDevice(request, facts.devices);
    const label = labels[index];
    const named = {
      ...(request.serial !== undefined && { serial: request.serial }),
      ...(request.wwn !== undefined && { wwn: request.wwn }),
      ...(label !== undefined && { label }),
    };
    if (found.type === 'refuse') return { ...named, state: 'Missing' };
    const { path, sizeBytes, serial, wwn } = found.device;
    return {
      ...named,
      ...(serial !== undefined && { serial }),
      ...(wwn !== undefined && { wwn }),
      path,
      sizeBytes,
      state: driveState(facts.array, found.device.kernelName),
    };
  });
}

/** Nobody named the disks of an adopted array: its members are what it has. */
function adoptedDrives(facts: MdadmFacts): Drive[] {
  return (facts.array?.members ?? []).map(({ kernelName, path }): Drive => {
    const device = facts.devices.find((one) => one.kernelName === kernelName);
    return {
      ...(device?.serial !== undefined && { serial: device.serial }),
      ...(device?.wwn !== undefined && { wwn: device.wwn }),
      ...(device && { sizeBytes: device.sizeBytes }),
      path,
      state: driveState(facts.array, kernelName),
    };
  });
}

function driveState(array: ArrayFacts | undefined, kernelName: string): DriveState {
  const member = array?.members.find((one) => one.kernelName === kernelName);
  if (!member) return 'Pending';
  if (member.state.includes('faulty')) return 'Faulty';
  if (member.state.includes('in_sync')) return 'Active';
  return array?.syncAction === 'recover' ? 'Rebuilding' : 'Spare';
}
