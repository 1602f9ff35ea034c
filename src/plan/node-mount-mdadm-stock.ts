// Which disks the spec names, which the array has, and how the two differ.
import {
  type DeviceFacts,
  type DeviceRequest,
  identityKey,
  type Resolution,
  resolveDevice,
} from './disks.ts';
import type { RunningArray } from './node-mount-array-step.ts';
import type {
  ArrayFacts,
  ArrayMemberFacts,
  MdadmFacts,
  MdadmIntent,
} from './node-mount-mdadm-facts.ts';
import { isSyncing } from './node-mount-mdadm-health.ts';

/** A disk of the spec. */
export interface Seat {
  readonly request: DeviceRequest;
  readonly resolution: Resolution;
  readonly device: DeviceFacts | undefined;
  readonly member: ArrayMemberFacts | undefined;
  /** It is one of ours that just isn't there now: no reason to complain, the array's health tells. */
  readonly isKnown: boolean;
}

export interface Stock {
  readonly intent: MdadmIntent;
  readonly facts: MdadmFacts;
  readonly array: ArrayFacts;
  readonly running: RunningArray;
  readonly seats: readonly Seat[];
  /** Members that the spec does not name (any more). */
  readonly leaving: readonly ArrayMemberFacts[];
  /** How many members the spec wants at work. */
  readonly activeWanted: number;
  readonly isSyncing: boolean;
  readonly isWhole: boolean;
}

export function takeStock(intent: MdadmIntent, facts: MdadmFacts, array: ArrayFacts): Stock {
  const { claims } = facts.journal;
  const seats = intent.devices.map((request): Seat => {
    const resolution = resolveDevice(request, facts.devices);
    const device = resolution.type === 'found' ? resolution.device : undefined;
    const member = array.members.find(
      (one) => !one.isGone && one.kernelName === device?.kernelName,
    );
    const isKnown = claims.some((claim) => isNamed(claim, request));
    return { request, resolution, device, member, isKnown };
  });
  const named = new Set(seats.flatMap(({ member }) => member ?? []));
  // Nobody named the disks of an array that was adopted as it is: all may stay.
  const leaving =
    intent.devices.length === 0
      ? []
      : array.members.filter((member) => !member.isGone && !named.has(member));
  return {
    intent,
    facts,
    array,
    running: { path: array.path, arrayUuid: array.uuid },
    seats,
    leaving,
    activeWanted:
      intent.devices.length === 0 ? array.raidDisks : intent.devices.length - intent.spares,
    isSyncing: isSyncing(array),
    isWhole: array.degraded === 0,
  };
}

function isNamed(
  claim: { readonly serial?: string | undefined; readonly wwn?: string | undefined },
  { serial, wwn }: DeviceRequest,
): boolean {
  if (wwn !== undefined) return claim.wwn?.trim().toLowerCase() === wwn.trim().toLowerCase();
  return serial !== undefined && claim.serial?.trim() === serial.trim();
}

export function deviceOf(
  { facts }: Stock,
  { kernelName, isGone }: ArrayMemberFacts,
): DeviceFacts | undefined {
  return isGone ? undefined : facts.devices.find((one) => one.kernelName === kernelName);
}

export function hasFailed({ facts }: Stock, device: DeviceFacts): boolean {
  return facts.journal.failed?.includes(identityKey(device)) === true;
}

export function has(member: ArrayMemberFacts, word: string): boolean {
  return member.state.split(',').includes(word);
}

/** A spare that waits for nothing in particular. */
export function isIdleSpare(member: ArrayMemberFacts): boolean {
  return has(member, 'spare') && !has(member, 'replacement') && member.slot === undefined;
}
