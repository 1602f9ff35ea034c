// A software RAID array on one node: what to do next to make it, keep it, or undo it.
//
// The planner looks at what is there, not at what was done last. Half-made things are recognised by
// UUIDs that follow from the pool's uid, and undone before being made again.
import { type DeviceFacts, describeDevice, identityKey, resolveDevice } from './disks.ts';
import { confirmedMembers, planTakenBack } from './node-mount-mdadm-confirmations.ts';
import { planCreation, planUndo } from './node-mount-mdadm-creation.ts';
import {
  type ArrayFacts,
  arrayUuidOf,
  isRunning,
  type MdadmFacts,
  type MdadmIntent,
  membersOf,
  targetOf,
} from './node-mount-mdadm-facts.ts';
import { planFilesystem } from './node-mount-mdadm-filesystem.ts';
import { canStart, isArrayFailed } from './node-mount-mdadm-health.ts';
import { planUpkeep } from './node-mount-mdadm-upkeep.ts';
import { planMounting } from './node-mount-mountpoint.ts';
import { type NodeMountPlan, refuse, step } from './node-mount-step.ts';

export function planMdadm(intent: MdadmIntent, facts: MdadmFacts): NodeMountPlan {
  if (facts.missing.length > 0)
    return refuse('PrerequisitesMissing', `The node lacks ${facts.missing.join(', ')}.`);
  const settledArray = planTakenBack(intent, facts) ?? planArray(intent, facts);
  if (settledArray) return settledArray;
  const array = facts.array!;
  if (isArrayFailed(array)) return settleFailed(facts, array);
  const filesystem = planFilesystem(intent, facts, array) ?? refuseForeignMounts(facts, array);
  if (filesystem) return filesystem;
  const mounting = planMounting(
    { intent, mountPoint: facts.mountPoint, journal: facts.journal },
    {
      source: array.path,
      filesystem: intent.filesystem,
      options: ['nosuid', 'nodev', ...intent.mountOptions],
      uuid: facts.filesystem.type === 'found' ? facts.filesystem.uuid : undefined,
      hasMarker: true,
      replacesMarker: intent.adoptArrayUuid !== undefined,
      filesystemSizedTo: array.sizeBytes,
    },
  );
  return mounting ?? planUpkeep(intent, facts, array);
}

/** What such an array answers says nothing of what it holds. Mounted, its health tells. */
function settleFailed({ mountPoint }: MdadmFacts, array: ArrayFacts): NodeMountPlan {
  if (mountPoint.mounts.some(({ isOurs }) => isOurs)) return { type: 'settled' };
  return refuse(
    'ArrayFailed',
    `The array has lost more members than RAID${array.level} can do without, so it is not mounted. ` +
      'Nothing is written to it: bring the disks back, then restart the node.',
  );
}

/** Somebody else's mount would keep the array from ever being stopped. */
function refuseForeignMounts({ mountPoint }: MdadmFacts, array: ArrayFacts) {
  if (mountPoint.otherTargets.length === 0 || mountPoint.mounts.length > 0) return undefined;
  const where = mountPoint.otherTargets.join(', ');
  const hint = 'Unmount it there first, and take it out of /etc/fstab.';
  return refuse('DeviceInUse', `${array.path} is mounted at ${where} already. ${hint}`);
}

/** Undefined once the array runs and is known to be ours and complete. */
function planArray(intent: MdadmIntent, facts: MdadmFacts): NodeMountPlan | undefined {
  const arrayUuid = arrayUuidOf(intent);
  const members = membersOf(facts, arrayUuid);
  const { array, journal } = facts;
  const owner = foreignOwner(facts);
  if (owner !== undefined) return refuse('DeviceClaimed', owner);
  const isMade =
    journal.array === 'made' || intent.adoptArrayUuid !== undefined || intent.wasActive;
  // A lost journal proves nothing: what carries our UUID is then kept, never undone.
  const isTrusted = isMade || (!journal.exists && (members.length > 0 || array !== undefined));
  if (array && isRunning(array)) {
    if (array.level !== intent.level && intent.level !== undefined)
      return refuse(
        'InvalidSpec',
        `The array is RAID${array.level}, spec.mdadm.level says ${intent.level}; it stays as it is. ` +
          `Delete this pool and create it anew with level ${array.level}.`,
      );
    if (journal.array === 'made') return planClaims(intent, facts);
    if (isTrusted || isComplete(array, intent))
      return (
        planClaims(intent, facts) ??
        step('The array runs with all its members.', { type: 'recordArray', arrayUuid })
      );
  }
  if (isTrusted) return planAssembly(intent, facts, members);
  return planUndo(facts, members, arrayUuid) ?? planCreation(intent, facts, arrayUuid);
}

/** Words for who else has a member of the running array: it is then theirs, whoever names it. */
function foreignOwner({ array, devices, claimedByOthers }: MdadmFacts): string | undefined {
  for (const { kernelName } of array?.members ?? []) {
    const device = devices.find((one) => one.kernelName === kernelName);
    const owner = device && claimedByOthers.get(identityKey(device));
    if (owner !== undefined)
      return `The array ${array?.uuid} belongs to ${owner}, which has ${describeDevice(device!)}.`;
  }
  return undefined;
}

function isComplete(array: ArrayFacts, intent: MdadmIntent): boolean {
  const present = array.members.filter(({ state }) => !state.includes('faulty')).length;
  return intent.devices.length > 0 && present === intent.devices.length;
}

/**
 * Members of an array we keep are claimed too, whether we made it or found it. Not a disk that was let
 * go and couldn't be erased: its superblock speaks of times gone by.
 */
function planClaims(intent: MdadmIntent, facts: MdadmFacts): NodeMountPlan | undefined {
  const { journal, array } = facts;
  const working = new Set(array?.members.map(({ kernelName }) => kernelName));
  const outdated = new Set(journal.outdated ?? []);
  const claimed = new Set(journal.claims.map(identityKey));
  const named = new Set(namedDevices(intent, facts));
  const members = membersOf(facts, arrayUuidOf(intent)).filter((member) => {
    const key = identityKey(member);
    if (claimed.has(key) || named.has(member)) return true;
    return working.has(member.kernelName) || !outdated.has(key);
  });
  const spent = confirmedMembers(intent, facts, members);
  if (spent.length === 0 && members.every((member) => claimed.has(identityKey(member))))
    return undefined;
  return step('The members of the array belong to this pool.', {
    type: 'claimDevices',
    targets: members.map(targetOf),
    spent,
  });
}

function namedDevices({ devices }: MdadmIntent, facts: MdadmFacts): DeviceFacts[] {
  return devices.flatMap((request) => {
    const found = resolveDevice(request, facts.devices);
    return found.type === 'found' ? [found.device] : [];
  });
}

function planAssembly(
  intent: MdadmIntent,
  facts: MdadmFacts,
  members: readonly DeviceFacts[],
): NodeMountPlan {
  const arrayUuid = arrayUuidOf(intent);
  if (members.length === 0) return refuseGone(intent, facts, arrayUuid);
  const tooFew = refuseTooFew(intent, facts, members);
  if (tooFew) return tooFew;
  if (facts.array)
    return step(`The array is ${facts.array.state} and can't be used like that.`, {
      type: 'stopArray',
      path: facts.array.path,
      arrayUuid,
    });
  return step('The array is not running.', {
    type: 'assembleArray',
    arrayUuid,
    name: intent.arrayName,
    targets: members.map(targetOf),
  });
}

/**
 * Members that dropped out earlier don't count: starting from them alone would bring back what the
 * disks held then, as if all later writes had never been.
 */
function refuseTooFew(
  intent: MdadmIntent,
  facts: MdadmFacts,
  members: readonly DeviceFacts[],
): NodeMountPlan | undefined {
  const outdated = new Set(facts.journal.outdated ?? []);
  const current = members.filter((member) => !outdated.has(identityKey(member)));
  const sizes = current.map(({ contents }) =>
    contents?.superblock.type === 'member' ? (contents.superblock.raidDisks ?? 0) : 0,
  );
  const raidDisks = Math.max(0, ...sizes);
  if (current.length > 0 && canStart(intent.level, raidDisks, current.length)) return undefined;
  const here = current.map(describeDevice).join('; ') || 'none';
  const present = new Set(members.map(identityKey));
  const absent = facts.journal.claims.filter((claim) => !present.has(identityKey(claim)));
  const lacking = absent.length > 0 ? ` Missing: ${absent.map(describeDevice).join('; ')}.` : '';
  const old = members.filter((member) => !current.includes(member));
  const stale =
    old.length > 0
      ? ` Out of date, because the array ran on without them: ${old.map(describeDevice).join('; ')}.`
      : '';
  return refuse(
    'ArrayFailed',
    `Of the array only these members can be used: ${here}; too few to start it.${lacking}${stale} ` +
      'Nothing was changed: bring the missing disks back.',
  );
}

function refuseGone(intent: MdadmIntent, facts: MdadmFacts, arrayUuid: string): NodeMountPlan {
  const found = intent.devices.map((request) => resolveDevice(request, facts.devices));
  const isEphemeral = found.some(
    (one) => one.type === 'found' && /NVMe Direct Disk/i.test(one.device.model ?? ''),
  );
  if (isEphemeral)
    return refuse(
      'EphemeralDisksReset',
      'The local disks lost their content when the machine moved. Recreate the pool to use them.',
    );
  if (intent.adoptArrayUuid === undefined || facts.journal.array === 'made' || intent.wasActive)
    return refuse('ArrayNotFound', `No disk of the node carries the array ${arrayUuid} any more.`);
  return refuse(
    'ArrayNotFound',
    `No disk of the node carries the array ${arrayUuid} that is to be adopted. ${describeArrays(facts)}`,
  );
}

/** What could have been meant. */
function describeArrays({ devices }: MdadmFacts): string {
  const found = new Map<string, { name: string; disks: number }>();
  for (const { contents } of devices) {
    if (contents?.superblock.type !== 'member') continue;
    const { arrayUuid, name } = contents.superblock;
    found.set(arrayUuid, { name, disks: (found.get(arrayUuid)?.disks ?? 0) + 1 });
  }
  const list = [...found].map(([uuid, { name, disks }]) => `${uuid} (${name}, ${disks} disks)`);
  if (list.length === 0) return 'None of its free disks carries an array.';
  return `Its free disks carry: ${list.join('; ')}.`;
}
