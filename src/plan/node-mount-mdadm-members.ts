// The members of a running array follow the disks of the spec: new ones are added, those that are not
// named any more are replaced and then let go.
import { describeDevice, identityKey, identityOf, judgeDevice, type Refusal } from './disks.ts';
import { isSameUuid } from './node-mount-identity.ts';
import { confirmationFor } from './node-mount-mdadm-confirmations.ts';
import { type ArrayMemberFacts, targetOf } from './node-mount-mdadm-facts.ts';
import {
  deviceOf,
  has,
  hasFailed,
  isIdleSpare,
  type Seat,
  type Stock,
} from './node-mount-mdadm-stock.ts';
import { type NodeMountPlan, type Note, upkeep } from './node-mount-step.ts';

const CHANGE = 'ChangeNotPossible';

/** Undefined when nothing can be done now; what can't be done at all is put into `complaints`. */
export function planMembers(stock: Stock, complaints: Note[]): NodeMountPlan | undefined {
  if (stock.intent.devices.length === 0) return undefined;
  if (isNamedTwice(stock, complaints)) return undefined;
  if (stock.array.level === 0) return refuseStriped(stock, complaints);
  return (
    planAdditions(stock, complaints) ??
    planReplacement(stock, complaints) ??
    planRemovals(stock) ??
    planLettingGo(stock)
  );
}

/** Nothing is changed by a spec that can't be meant like that. */
function isNamedTwice({ seats }: Stock, complaints: Note[]): boolean {
  const paths = seats.flatMap(({ device }) => device?.path ?? []);
  const twice = seats.find(
    ({ device }) => device && paths.indexOf(device.path) !== paths.lastIndexOf(device.path),
  );
  if (!twice?.device) return false;
  const message = `${describeDevice(twice.device)} is named more than once.`;
  complaints.push({ reason: 'InvalidSpec', message });
  return true;
}

function refuseStriped({ seats, leaving }: Stock, complaints: Note[]): undefined {
  const added = seats.filter(({ member, isKnown }) => !member && !isKnown);
  if (added.length === 0 && leaving.length === 0) return undefined;
  const message =
    'The disks of a RAID0 cannot be changed: it has no redundancy from which a new disk could be ' +
    'filled. Create another pool and copy the data; name the former disks again until then.';
  complaints.push({ reason: CHANGE, message });
  return undefined;
}

/** Every named disk becomes a member: at first a spare, which the kernel uses where one is lacking. */
function planAdditions(stock: Stock, complaints: Note[]): NodeMountPlan | undefined {
  for (const seat of stock.seats) {
    if (seat.member) continue;
    const next = planAddition(stock, seat);
    if (next?.type === 'refuse') complaints.push({ reason: next.reason, message: next.message });
    else if (next) return next;
  }
  return undefined;
}

function planAddition(stock: Stock, seat: Seat): NodeMountPlan | undefined {
  const { array, facts, running } = stock;
  const { device, request, resolution } = seat;
  // One of ours that isn't there: the health of the array tells so.
  if (!device)
    return seat.isKnown || resolution.type !== 'refuse'
      ? undefined
      : about(resolution, 'It is to join the array.');
  const superblock = device.contents?.superblock;
  const isOurs = superblock?.type === 'member' && isSameUuid(superblock.arrayUuid, array.uuid);
  const target = targetOf(device);
  const key = identityKey(device);
  if (isOurs && !hasFailed(stock, device) && device.holders.length === 0)
    return upkeep(`${describeDevice(device)} was away and is back.`, {
      type: 'reAddMember',
      array: running,
      target,
    });
  const owner = facts.claimedByOthers.get(key);
  if (owner !== undefined)
    return refusal('DeviceClaimed', `${describeDevice(device)} belongs to ${owner}.`);
  const confirmation = confirmationFor(facts.journal, device, request);
  const verdict = judgeDevice(device, { sizeBytesMin: bytesNeeded(stock), ...confirmation });
  if (verdict.type === 'refuse')
    return isOurs ? undefined : about(verdict, 'It is to join the array.');
  const spent = confirmation.wipeConfirm !== undefined && verdict.type === 'use' ? [key] : [];
  if (spent.length > 0 || !facts.journal.claims.some((claim) => identityKey(claim) === key))
    return upkeep(`${describeDevice(device)} is to join the array.`, {
      type: 'claimDevices',
      targets: [target],
      spent,
    });
  if (verdict.type === 'wipe')
    return upkeep(`Its destruction was confirmed: it holds ${verdict.destroys}.`, {
      type: 'wipeDevice',
      target,
      destroys: verdict.destroys,
    });
  return upkeep(`${describeDevice(device)} is blank and named by the spec.`, {
    type: 'addMember',
    array: running,
    target,
  });
}

/** As much as the others give, behind as much room for metadata as they keep. */
function bytesNeeded({ array }: Stock): number {
  const offsets = array.members.map(({ dataOffsetBytes }) => dataOffsetBytes);
  return array.memberBytes + Math.min(...offsets, 1024 ** 2);
}

/** A disk that leaves hands its share over to a spare first, so that redundancy never suffers. */
function planReplacement(stock: Stock, complaints: Note[]): NodeMountPlan | undefined {
  const { array, leaving, running, activeWanted, isSyncing } = stock;
  const healthy = leaving.filter((member) => has(member, 'in_sync'));
  // One that waits for a successor while nothing is filled has lost the one it was given.
  const orphan = isSyncing ? undefined : healthy[0];
  const next = healthy.find((member) => !has(member, 'want_replacement')) ?? orphan;
  if (!next) return undefined;
  const spares = stock.seats.filter(({ member }) => member && isIdleSpare(member));
  const surplus = spares.length > stock.intent.spares || isShortOfSeats(stock);
  const [spare] = spares;
  const old = deviceOf(stock, next);
  if (spare?.device && surplus && old) {
    // The kernel itself takes a spare for one that waits.
    if (isSyncing || !stock.isWhole || has(next, 'want_replacement')) return undefined;
    return upkeep(`${describeDevice(old)} is not named by the spec any more.`, {
      type: 'replaceMember',
      array: running,
      old: targetOf(old),
      replacement: targetOf(spare.device),
    });
  }
  const isShrinking = array.level === 1 && activeWanted < array.raidDisks;
  if (!isShrinking && !isSyncing && complaints.length === 0)
    complaints.push({
      reason: CHANGE,
      message:
        `${old ? describeDevice(old) : next.path} is a member still, although the spec does not ` +
        'name it: name a disk that takes its place, or name it again.',
    });
  return undefined;
}

/** The spares that the spec wants to keep are named, but a disk that leaves holds a working place. */
function isShortOfSeats({ seats, intent, activeWanted }: Stock): boolean {
  const working = seats.filter(({ member }) => member && has(member, 'in_sync')).length;
  return working < activeWanted && seats.length - working > intent.spares;
}

function planRemovals(stock: Stock): NodeMountPlan | undefined {
  const { array, leaving, running, isSyncing, isWhole } = stock;
  const detached = array.members.find((one) => one.isGone && has(one, 'faulty'));
  if (detached && !has(detached, 'blocked'))
    return upkeep(`${detached.path} was pulled out of the machine.`, {
      type: 'removeDetached',
      array: running,
    });
  const isSettled = isWhole && !isSyncing;
  const done =
    leaving.find((member) => isDoneWith(member, isSettled)) ?? findReturning(stock, isSettled);
  if (done)
    return upkeep('The array does without it.', {
      type: 'removeMember',
      array: running,
      memberPath: done.path,
    });
  return planFewerCopies(stock);
}

function isDoneWith(member: ArrayMemberFacts, isSettled: boolean): boolean {
  if (has(member, 'blocked')) return false;
  if (has(member, 'faulty')) return isSettled;
  return isIdleSpare(member) && isSettled;
}

/**
 * A faulty member that starts anew as another disk would: it was replaced, and then named again; or it
 * failed, and somebody typed that it may be wiped.
 */
function findReturning(stock: Stock, isSettled: boolean): ArrayMemberFacts | undefined {
  const seat = stock.seats.find(({ request, device, member }) => {
    if (!device || !member || !has(member, 'faulty') || has(member, 'blocked')) return false;
    if (!hasFailed(stock, device)) return isSettled;
    return confirmationFor(stock.facts.journal, device, request).wipeConfirm !== undefined;
  });
  return seat?.member;
}

/** A mirror may have fewer copies than before: one at a time, while enough good ones stay. */
function planFewerCopies(stock: Stock): NodeMountPlan | undefined {
  const { array, leaving, running, activeWanted, seats, isSyncing } = stock;
  if (array.level !== 1 || activeWanted >= array.raidDisks || isSyncing) return undefined;
  const kept = seats.filter(({ member }) => member && has(member, 'in_sync')).length;
  if (kept < activeWanted || activeWanted < 2) return undefined;
  const extra = leaving.find((member) => has(member, 'in_sync'));
  const device = extra && deviceOf(stock, extra);
  if (device)
    return upkeep(`${describeDevice(device)} is not named by the spec any more.`, {
      type: 'failMember',
      array: running,
      target: targetOf(device),
    });
  // The kernel refuses fewer places than there are working members.
  if (kept > activeWanted) return undefined;
  const failed = leaving.find((member) => has(member, 'faulty') && !has(member, 'blocked'));
  if (failed)
    return upkeep('The mirror shall have fewer copies.', {
      type: 'removeMember',
      array: running,
      memberPath: failed.path,
    });
  return upkeep(`The spec names ${activeWanted} disks.`, {
    type: 'growArray',
    array: running,
    raidDisks: activeWanted,
  });
}

/** Disks that were ours are given back once the array is whole without them, never before. */
function planLettingGo(stock: Stock): NodeMountPlan | undefined {
  const { array, facts, seats, isSyncing, isWhole } = stock;
  if (isSyncing || !isWhole || array.syncAction === 'check') return undefined;
  const named = new Set(seats.flatMap(({ device }) => (device ? identityKey(device) : [])));
  const members = new Set(array.members.map(({ kernelName }) => kernelName));
  for (const claim of facts.journal.claims) {
    const key = identityKey(claim);
    if (named.has(key) || seats.some((seat) => !seat.device && seat.isKnown)) continue;
    const device = facts.devices.find((one) => identityKey(one) === key);
    if (!device)
      return upkeep(`${describeDevice(claim)} is neither here nor named by the spec.`, {
        type: 'forgetDevice',
        identity: identityOf(claim),
      });
    if (members.has(device.kernelName)) continue;
    return upkeep(`The array is whole without ${describeDevice(device)}.`, {
      type: 'letGoDevice',
      target: targetOf(device),
      arrayUuid: array.uuid,
    });
  }
  return undefined;
}

function refusal(reason: Refusal['reason'], message: string): Refusal {
  return { type: 'refuse', reason, message };
}

function about(refused: Refusal, what: string): Refusal {
  return { ...refused, message: `${refused.message} ${what}` };
}
