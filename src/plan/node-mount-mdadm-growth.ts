// A running array grows: over more members, over larger members, and the filesystem after it.
//
// Reshaping is left to the kernel alone, which can be interrupted at any moment because it moves the
// data into room that was left free before it. Where that room is lacking, mdadm would have to keep
// a backup of what it works on, and losing that backup loses data: then it is refused.
import type { ArrayFacts } from './node-mount-mdadm-facts.ts';
import { isIdleSpare, type Stock } from './node-mount-mdadm-stock.ts';
import { type NodeMountPlan, type Note, upkeep } from './node-mount-step.ts';

const CHANGE = 'ChangeNotPossible';
/** Less is rounding. */
const WORTH_GROWING_BYTES = 16 * 1024 ** 2;
/** The superblock, the bitmap and the list of bad blocks stay before the data. */
const METADATA_BYTES = 512 * 1024;

export function planGrowth(stock: Stock, complaints: Note[]): NodeMountPlan | undefined {
  return (
    planMoreMembers(stock, complaints) ?? planLargerMembers(stock) ?? planLargerFilesystem(stock)
  );
}

function planMoreMembers(stock: Stock, complaints: Note[]): NodeMountPlan | undefined {
  const { array, activeWanted, seats, isSyncing, isWhole, running, leaving } = stock;
  const complain = (message: string): undefined => {
    complaints.push({ reason: CHANGE, message });
    return undefined;
  };
  if (activeWanted < array.raidDisks) {
    if (array.level === 0 || isSyncing || complaints.length > 0) return undefined;
    if (array.level !== 1 || activeWanted < 2) return complain(tooFew(stock));
    return leaving.length === 0 && isWhole ? complain(tooManyAtWork(stock)) : undefined;
  }
  if (activeWanted === array.raidDisks || array.level === 0) return undefined;
  if (isSyncing || !isWhole || array.syncAction === 'check') return undefined;
  const spares = seats.filter(({ member }) => member && isIdleSpare(member)).length;
  // What leaves has to be replaced first; what is lacking has been complained of already.
  if (leaving.length > 0 || spares < activeWanted - array.raidDisks) return undefined;
  const lacking = roomLacking(array, activeWanted);
  if (lacking !== undefined) return complain(lacking);
  return upkeep(`The spec names ${activeWanted} working disks, the array has ${array.raidDisks}.`, {
    type: 'growArray',
    array: running,
    raidDisks: activeWanted,
  });
}

function tooFew({ array, activeWanted }: Stock): string {
  return (
    `The array has ${array.raidDisks} working members, and the disks of the spec less its spares are ` +
    `${activeWanted}. A RAID${array.level} cannot be made smaller while it holds data: name more ` +
    'disks, or lower spec.mdadm.spares.'
  );
}

function tooManyAtWork({ array, activeWanted, intent }: Stock): string {
  return (
    `All ${array.raidDisks} disks of the mirror are at work, and the spec asks for ${activeWanted} and ` +
    `${intent.spares} spares: take the disks that are to be spares out of the devices, and name them ` +
    'again, with wipe.confirm, once they were let go.'
  );
}

/** Words for what stands against a reshape; undefined when the kernel can do it on its own. */
function roomLacking(array: ArrayFacts, raidDisks: number): string | undefined {
  if (array.level === 1) return undefined;
  const parities = array.level === 6 ? 2 : 1;
  const chunks = array.level === 10 ? 1 : raidDisks - parities;
  const neededBytes = chunks * array.chunkBytes + METADATA_BYTES;
  const roomBytes = Math.min(...array.members.map(({ dataOffsetBytes }) => dataOffsetBytes));
  if (roomBytes >= neededBytes) return undefined;
  return (
    `The members keep only ${roomBytes / 1024} KiB free before their data, and spreading it over ` +
    `${raidDisks} members safely needs ${neededBytes / 1024} KiB. Create another pool with all the ` +
    'disks and copy the data.'
  );
}

/** All members became larger, one replacement after another: then so can the array. */
function planLargerMembers(stock: Stock): NodeMountPlan | undefined {
  const { array, intent, isSyncing, isWhole, leaving, running } = stock;
  // An array that was adopted as it is stays as it is.
  if (array.level === 0 || intent.devices.length === 0) return undefined;
  if (isSyncing || !isWhole || leaving.length > 0 || array.syncAction === 'check') return undefined;
  const working = array.members.filter(({ slot }) => slot !== undefined);
  if (working.length < array.raidDisks) return undefined;
  const smallestBytes = Math.min(...working.map(({ sizeBytes }) => sizeBytes));
  if (smallestBytes < array.memberBytes + WORTH_GROWING_BYTES) return undefined;
  return upkeep('All its members have become larger.', { type: 'growMembers', array: running });
}

function planLargerFilesystem(stock: Stock): NodeMountPlan | undefined {
  const { array, facts, intent, running } = stock;
  const sizedTo = facts.journal.filesystemSizedTo;
  if (sizedTo === undefined || array.sizeBytes < sizedTo + WORTH_GROWING_BYTES) return undefined;
  // The size counts only once the reshape that brings it is over.
  if (array.syncAction === 'reshape') return undefined;
  return upkeep('The array has become larger.', {
    type: 'growFilesystem',
    array: running,
    filesystem: intent.filesystem,
    mountPath: facts.mountPoint.path,
    sizeBytes: array.sizeBytes,
  });
}
