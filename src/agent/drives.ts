// The disks of an array, for people: those of the spec in its order, then those that are leaving.
import type { Drive, DriveState } from '../api/disk.ts';
import { type DeviceFacts, identityKey, resolveDevice } from '../plan/disks.ts';
import { isSameUuid } from '../plan/node-mount-identity.ts';
import type {
  ArrayFacts,
  ArrayMemberFacts,
  MdadmFacts,
  MdadmIntent,
} from '../plan/node-mount-mdadm-facts.ts';

/** The schema's limit; the schema itself isn't loaded into agents, which saves memory. */
const DRIVES_MAX = 32;

export function drivesOf(
  intent: MdadmIntent,
  facts: MdadmFacts,
  labels: readonly (string | undefined)[],
): Drive[] {
  // Nobody named the disks of an array that was adopted as it is: its members are what it has.
  if (intent.devices.length === 0)
    return (facts.array?.members ?? []).map((member) => memberDrive(facts, member, member.state));
  const named = intent.devices.map((request, index): Drive => {
    const found = resolveDevice(request, facts.devices);
    const label = labels[index];
    const names = {
      ...(request.serial !== undefined && { serial: request.serial }),
      ...(request.wwn !== undefined && { wwn: request.wwn }),
      ...(label !== undefined && { label }),
    };
    if (found.type === 'refuse') return { ...names, state: 'Missing' };
    const { path, sizeBytes, serial, wwn, kernelName } = found.device;
    return {
      ...names,
      ...(serial !== undefined && { serial }),
      ...(wwn !== undefined && { wwn }),
      path,
      sizeBytes,
      state: driveState(facts, found.device, findMember(facts.array, kernelName)),
    };
  });
  const shown = new Set(named.map(({ path }) => path));
  const leaving = (facts.array?.members ?? [])
    .filter(({ path, isGone }) => !shown.has(path) && !isGone)
    .map((member) => memberDrive(facts, member, 'leaving'));
  return [...named, ...leaving].slice(0, DRIVES_MAX);
}

/** Disks of the spec, or of the array, that failed or are not there, as people would name them. */
export function describeTroubled(
  intent: MdadmIntent,
  facts: MdadmFacts,
  labels: readonly (string | undefined)[],
): string[] {
  const { claims } = facts.journal;
  return drivesOf(intent, facts, labels).flatMap(({ serial, wwn, label, path, state }) => {
    // One that never was here is a matter of the spec, not of the array.
    const isMissed = claims.some((claim) => (wwn ? claim.wwn === wwn : claim.serial === serial));
    if (state !== 'Faulty' && !(state === 'Missing' && isMissed)) return [];
    const name = serial ?? wwn ?? path ?? 'a disk';
    return [`${name}${label === undefined ? '' : `, ${label}`}: ${state}`];
  });
}

function findMember(
  array: ArrayFacts | undefined,
  kernelName: string,
): ArrayMemberFacts | undefined {
  return array?.members.find((one) => one.kernelName === kernelName && !one.isGone);
}

function memberDrive(facts: MdadmFacts, member: ArrayMemberFacts, word: string): Drive {
  const device = facts.devices.find((one) => one.kernelName === member.kernelName);
  const state = member.isGone ? 'Missing' : memberState(facts.array, member);
  // The kernel calls a member faulty, too, once another one has taken over its place.
  const isReplaced = device && facts.journal.replacing?.includes(identityKey(device));
  const hasFailed = state === 'Faulty' && (facts.array?.degraded ?? 0) > 0 && !isReplaced;
  return {
    ...(device?.serial !== undefined && { serial: device.serial }),
    ...(device?.wwn !== undefined && { wwn: device.wwn }),
    ...(device && { sizeBytes: device.sizeBytes }),
    path: member.path,
    state: word === 'leaving' && !hasFailed ? 'Leaving' : state,
  };
}

function driveState(
  facts: MdadmFacts,
  device: DeviceFacts,
  member: ArrayMemberFacts | undefined,
): DriveState {
  if (member) return memberState(facts.array, member);
  // It was a member and is not one now: it failed or dropped out.
  const superblock = device.contents?.superblock;
  const wasMember =
    superblock?.type === 'member' && isSameUuid(superblock.arrayUuid, facts.array?.uuid);
  const hasFailed = facts.journal.failed?.includes(identityKey(device)) === true;
  return wasMember || hasFailed ? 'Faulty' : 'Pending';
}

function memberState(array: ArrayFacts | undefined, { state, slot }: ArrayMemberFacts): DriveState {
  if (state.includes('faulty')) return 'Faulty';
  if (state.includes('in_sync')) return 'Active';
  const isFilling = state.includes('replacement') || slot !== undefined;
  return isFilling && array?.syncAction === 'recover' ? 'Rebuilding' : 'Spare';
}
