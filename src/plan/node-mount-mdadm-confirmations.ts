// The typed confirmations that let a disk be wiped. Each counts once, for what its disk held when it was
// taken, were it nothing: never for what somebody puts on that disk later.
import { type DeviceFacts, type DeviceRequest, identityKey, resolveDevice } from './disks.ts';
import type { JournalFacts } from './node-mount-facts.ts';
import type { MdadmFacts, MdadmIntent } from './node-mount-mdadm-facts.ts';
import { type NodeMountPlan, step, upkeep } from './node-mount-step.ts';

/** What was typed to have this disk wiped, and whether it still counts. */
export function confirmationFor(
  { wiped, wiping }: JournalFacts,
  device: DeviceFacts,
  { wipeConfirm }: DeviceRequest,
): { readonly wipeConfirm?: string; readonly isSpent?: boolean } {
  if (wipeConfirm === undefined) return {};
  const key = identityKey(device);
  const isSpent = wiped.includes(key) && !wiping.includes(key);
  return isSpent ? { isSpent } : { wipeConfirm };
}

/** Who takes a confirmation back may give another one later. */
export function planTakenBack(
  { devices }: MdadmIntent,
  { journal, devices: present }: MdadmFacts,
): NodeMountPlan | undefined {
  if (journal.wiped.length === 0) return undefined;
  const takenBack = devices.flatMap((request) => {
    const found = resolveDevice(request, present);
    if (found.type === 'refuse' || request.wipeConfirm !== undefined) return [];
    const key = identityKey(found.device);
    return journal.wiped.includes(key) && !journal.wiping.includes(key) ? [key] : [];
  });
  if (takenBack.length === 0) return undefined;
  const wiped = journal.wiped.filter((key) => !takenBack.includes(key));
  const action = { type: 'recordConfirmations', wiped } as const;
  const because = 'A confirmation to wipe a disk was taken back.';
  return journal.active ? upkeep(because, action) : step(because, action);
}

/** Identity keys of members for which something was typed that must not count later. */
export function confirmedMembers(
  { devices }: MdadmIntent,
  { journal, devices: present }: MdadmFacts,
  members: readonly DeviceFacts[],
): string[] {
  return devices.flatMap((request) => {
    const found = resolveDevice(request, present);
    if (found.type === 'refuse' || !members.includes(found.device)) return [];
    const key = identityKey(found.device);
    // What the kernel found faulty may be wiped, and so be taken in anew.
    if (journal.failed?.includes(key)) return [];
    return confirmationFor(journal, found.device, request).wipeConfirm === undefined ? [] : [key];
  });
}
