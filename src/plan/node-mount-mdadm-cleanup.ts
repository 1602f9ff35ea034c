// Deleting an array that was made on a node, in reverse order, looking before every step.
//
// Bytes go only when the deletion policy says so, or when the journal proves that the pool never
// was complete. A lost journal proves nothing, so then the bytes stay.
import { type DeviceFacts, describeDevice, identityKey } from './disks.ts';
import type { JournalFacts } from './node-mount-facts.ts';
import { planErasing } from './node-mount-mdadm-creation.ts';
import {
  arrayUuidOf,
  isRunning,
  type MdadmFacts,
  type MdadmIntent,
  membersOf,
} from './node-mount-mdadm-facts.ts';
import { isArrayFailed } from './node-mount-mdadm-health.ts';
import { planUnmounting } from './node-mount-mountpoint.ts';
import { type NodeMountPlan, step } from './node-mount-step.ts';

export function erasesBytes(intent: MdadmIntent, journal: JournalFacts): boolean {
  if (intent.deletionPolicy === 'Destroy') return true;
  const isUnfinished = journal.exists && !journal.active && !intent.wasActive;
  return isUnfinished && intent.adoptArrayUuid === undefined;
}

export function planMdadmCleanup(intent: MdadmIntent, facts: MdadmFacts): NodeMountPlan {
  const { array, mountPoint, journal } = facts;
  const arrayUuid = arrayUuidOf(intent);
  const unmounting = planUnmounting({ intent, mountPoint, journal }, false);
  if (unmounting) return unmounting;
  // An array that was to be adopted and never was stays as it was found, whoever runs it.
  const isTaken = intent.adoptArrayUuid === undefined || wasTakenOver(journal);
  if (!isTaken) return { type: 'cleanedUp', kept: undefined };
  const user = describeForeignUser(intent, facts);
  if (user !== undefined) return planGivingBack(journal, `The array ${arrayUuid} stays ${user}.`);
  if (array && facts.arrayHolders.length > 0)
    return blocked(`${array.path} is in use by ${facts.arrayHolders.join(', ')}, stacked on it.`);
  if (array && mountPoint.otherTargets.length > 0)
    return blocked(`The array is also mounted at ${mountPoint.otherTargets.join(', ')}.`);
  if (array && mountPoint.foreignHolders.length > 0)
    return blocked(
      `Other processes hold the filesystem mounted: ${mountPoint.foreignHolders.join(', ')}. ` +
        'It can be stopped once they have ended or let go of it.',
    );
  const erases = erasesBytes(intent, journal);
  const isUsable = array && isRunning(array) && !isArrayFailed(array);
  if (isUsable && erases && facts.filesystem.type === 'found')
    return step('Nobody shall find this filesystem on a later array.', {
      type: 'eraseFilesystem',
      devicePath: array.path,
      arrayUuid,
    });
  if (array)
    return step('It is being deleted.', { type: 'stopArray', path: array.path, arrayUuid });
  const members = membersOf(facts, arrayUuid);
  if (erases) {
    // Not those whose data was only going to be wiped: until that is done it is somebody's data.
    const keys = new Set(journal.erasing);
    const unreadable = facts.devices.find(
      (device) => keys.has(identityKey(device)) && device.contents?.ends === 'unreadable',
    );
    if (unreadable)
      return {
        type: 'blocked',
        reason: 'CleanupFailed',
        message: `${describeDevice(unreadable)} can't be read, so nothing proves that it is erased.`,
      };
    const erasing = planErasing(facts, members, { arrayUuid, keys });
    if (erasing) return erasing;
  }
  if (journal.claims.length > 0)
    return step('Nothing of the pool needs the disks any more.', { type: 'releaseDevices' });
  return { type: 'cleanedUp', kept: describeKept(intent, facts, { members, erases, arrayUuid }) };
}

/** Words for who uses an array that was to be adopted and never was mounted: it stays theirs. */
function describeForeignUser(
  { adoptArrayUuid, wasActive }: MdadmIntent,
  { array, arrayHolders, mountPoint, journal }: MdadmFacts,
): string | undefined {
  if (adoptArrayUuid === undefined || wasActive || journal.active || !array) return undefined;
  const { otherTargets } = mountPoint;
  if (otherTargets.length > 0) return `mounted at ${otherTargets.join(', ')}, as it was found`;
  if (arrayHolders.length > 0) return `in use by ${arrayHolders.join(', ')}, as it was found`;
  return undefined;
}

function planGivingBack(journal: JournalFacts, kept: string): NodeMountPlan {
  if (journal.claims.length === 0) return { type: 'cleanedUp', kept };
  return step('Nothing of the pool needs the disks any more.', { type: 'releaseDevices' });
}

function wasTakenOver(journal: JournalFacts): boolean {
  return journal.array === 'made' || journal.claims.length > 0 || journal.erasing.length > 0;
}

function describeKept(
  intent: MdadmIntent,
  { journal, devices }: MdadmFacts,
  found: { members: readonly DeviceFacts[]; erases: boolean; arrayUuid: string },
): string | undefined {
  const { members, erases, arrayUuid } = found;
  if (members.length > 0)
    return `The array ${arrayUuid} stays on ${members.length} disks and can be adopted.`;
  // Another machine of the same name, or its journal was lost: nothing proves where the disks are.
  if (!journal.exists && intent.wasActive)
    return `No disk of this machine carries the array ${arrayUuid}; nothing was changed here.`;
  const present = new Set(devices.map(identityKey));
  const absent = journal.erasing.filter((key) => !present.has(key));
  if (!erases || absent.length === 0) return undefined;
  return `${absent.length} disks are no longer attached and were not erased.`;
}

function blocked(message: string): NodeMountPlan {
  return { type: 'blocked', reason: 'CleanupBlocked', message };
}
