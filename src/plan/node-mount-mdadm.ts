// A software RAID array on one node: what to do next to make it, keep it, or undo it.
//
// The planner looks at what is there, not at what was done last. Half-made things are recognised by
// UUIDs that follow from the pool's uid, and undone before being made again.
import {
  type DeviceFacts,
  describeDevice,
  identityKey,
  identityOf,
  judgeDevice,
  resolveDevice,
  type Verdict,
} from './disks.ts';
import { derivedUuid, isSameUuid } from './node-mount-identity.ts';
import type { ArrayFacts, MdadmFacts, MdadmIntent } from './node-mount-mdadm-facts.ts';
import { planMounting } from './node-mount-mountpoint.ts';
import { type NodeMountPlan, refuse, step, type Target } from './node-mount-step.ts';

export function arrayUuidOf(intent: MdadmIntent): string {
  return intent.adoptArrayUuid ?? derivedUuid(intent.poolUid, 'array');
}

export function targetOf(device: DeviceFacts): Target {
  return { path: device.path, identity: identityOf(device) };
}

/** Disks that carry our array's superblock, requested or not. */
export function membersOf(facts: MdadmFacts, arrayUuid: string): DeviceFacts[] {
  return facts.devices.filter(({ contents }) => {
    const superblock = contents?.superblock;
    return superblock?.type === 'member' && isSameUuid(superblock.arrayUuid, arrayUuid);
  });
}

export function planMdadm(intent: MdadmIntent, facts: MdadmFacts): NodeMountPlan {
  if (facts.missing.length > 0)
    return refuse('PrerequisitesMissing', `The node lacks ${facts.missing.join(', ')}.`);
  const settledArray = planArray(intent, facts);
  if (settledArray) return settledArray;
  const filesystem = planFilesystem(intent, facts, facts.array!);
  if (filesystem) return filesystem;
  const mounting = planMounting(
    { intent, mountPoint: facts.mountPoint, journal: facts.journal },
    {
      source: facts.array!.path,
      filesystem: intent.filesystem,
      options: ['nosuid', 'nodev', ...intent.mountOptions],
      uuid: facts.filesystem.type === 'found' ? facts.filesystem.uuid : undefined,
      hasMarker: true,
      replacesMarker: intent.adoptArrayUuid !== undefined,
    },
  );
  return mounting ?? { type: 'settled' };
}

/** Undefined once the array runs and is known to be ours and complete. */
function planArray(intent: MdadmIntent, facts: MdadmFacts): NodeMountPlan | undefined {
  const arrayUuid = arrayUuidOf(intent);
  const members = membersOf(facts, arrayUuid);
  const { array, journal } = facts;
  const isMade = journal.array === 'made' || intent.adoptArrayUuid !== undefined;
  // A lost journal proves nothing: what carries our UUID is then kept, never undone.
  const isTrusted = isMade || (!journal.exists && (members.length > 0 || array !== undefined));
  if (array && isRunning(array)) {
    if (array.level !== intent.level && intent.level !== undefined)
      return refuse(
        'InvalidSpec',
        `The array is RAID${array.level}, the spec says ${intent.level}.`,
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

export function isRunning(array: ArrayFacts): boolean {
  return array.state !== 'inactive' && array.state !== 'clear';
}

function isComplete(array: ArrayFacts, intent: MdadmIntent): boolean {
  const present = array.members.filter(({ state }) => !state.includes('faulty')).length;
  return intent.devices.length > 0 && present === intent.devices.length;
}

/** Members of an array we keep are claimed too, whether we made it or found it. */
function planClaims(intent: MdadmIntent, facts: MdadmFacts): NodeMountPlan | undefined {
  const members = membersOf(facts, arrayUuidOf(intent));
  const claimed = new Set(facts.journal.claims.map(identityKey));
  if (members.every((member) => claimed.has(identityKey(member)))) return undefined;
  return step('The members of the array belong to this pool.', {
    type: 'claimDevices',
    targets: members.map(targetOf),
  });
}

function planAssembly(
  intent: MdadmIntent,
  facts: MdadmFacts,
  members: readonly DeviceFacts[],
): NodeMountPlan {
  const arrayUuid = arrayUuidOf(intent);
  if (members.length === 0) return refuseGone(intent, facts, arrayUuid);
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
  return refuse('ArrayNotFound', `No disk of the node carries the array ${arrayUuid} any more.`);
}

/** A creation that never came to its end is taken back in reverse order. */
function planUndo(
  facts: MdadmFacts,
  members: readonly DeviceFacts[],
  arrayUuid: string,
): NodeMountPlan | undefined {
  if (facts.array)
    return step('Creating the array was interrupted; it is begun anew.', {
      type: 'stopArray',
      path: facts.array.path,
      arrayUuid,
    });
  const keys = new Set([...facts.journal.erasing, ...facts.journal.wiped]);
  return planErasing(facts, members, { arrayUuid, keys });
}

/**
 * Undefined once no member of ours, and no disk with one of these identity keys, carries anything
 * any more.
 */
export function planErasing(
  facts: MdadmFacts,
  members: readonly DeviceFacts[],
  { arrayUuid, keys }: { arrayUuid: string; keys: ReadonlySet<string> },
): NodeMountPlan | undefined {
  const member = members[0];
  if (member)
    return step(`${describeDevice(member)} still carries the array's superblock.`, {
      type: 'zeroSuperblock',
      target: targetOf(member),
      arrayUuid,
    });
  for (const device of facts.devices.filter((one) => keys.has(identityKey(one)))) {
    const target = targetOf(device);
    const { contents } = device;
    if (contents?.signatures === 'found' || contents?.signatures === 'ambivalent')
      return step(`${describeDevice(device)} still carries ${contents.types.join(', ')}.`, {
        type: 'wipeSignatures',
        target,
      });
    if (contents?.ends === 'data')
      return step(`${describeDevice(device)} has remains of the array's metadata.`, {
        type: 'zeroEnds',
        target,
      });
  }
  const marker = facts.creatingMarkers[0];
  if (marker && facts.journal.array === 'unknown')
    return step('A killed creation left it behind.', {
      type: 'removeCreatingMarker',
      path: marker,
    });
  return undefined;
}

function planCreation(intent: MdadmIntent, facts: MdadmFacts, arrayUuid: string): NodeMountPlan {
  const chosen: { device: DeviceFacts; verdict: Exclude<Verdict, { type: 'refuse' }> }[] = [];
  for (const request of intent.devices) {
    const found = resolveDevice(request, facts.devices);
    if (found.type === 'refuse') return found;
    const owner = facts.claimedByOthers.get(identityKey(found.device));
    if (owner !== undefined)
      return refuse('DeviceClaimed', `${describeDevice(found.device)} belongs to ${owner}.`);
    const { wipeConfirm } = request;
    const isWiped = facts.journal.wiped.includes(identityKey(found.device));
    const verdict = judgeDevice(found.device, {
      arrayUuid,
      ...(!isWiped && { wipeConfirm }),
    });
    if (verdict.type === 'refuse') return verdict;
    chosen.push({ device: found.device, verdict });
  }
  const twice = chosen.find(({ device }, index) =>
    chosen.slice(0, index).some((other) => other.device.path === device.path),
  );
  if (twice)
    return refuse('InvalidSpec', `${describeDevice(twice.device)} is named more than once.`);
  const targets = chosen.map(({ device }) => targetOf(device));
  const claimed = new Set(facts.journal.claims.map(identityKey));
  if (!targets.every(({ identity }) => claimed.has(identityKey(identity))))
    return step('The disks are free and are reserved before anything is written.', {
      type: 'claimDevices',
      targets,
    });
  for (const { device, verdict } of chosen)
    if (verdict.type === 'wipe')
      return step(`Its destruction was confirmed: it holds ${verdict.destroys}.`, {
        type: 'wipeDevice',
        target: targetOf(device),
        destroys: verdict.destroys,
      });
  return step(`${targets.length} disks are blank and reserved.`, {
    type: 'createArray',
    arrayUuid,
    name: intent.arrayName,
    level: intent.level,
    targets,
    spares: intent.spares,
    chunkKiB: intent.chunkKiB,
  });
}

/** Undefined once the array holds the filesystem it should. */
function planFilesystem(
  intent: MdadmIntent,
  facts: MdadmFacts,
  array: ArrayFacts,
): NodeMountPlan | undefined {
  const { filesystem: found, journal } = facts;
  const wasActive = journal.active || intent.wasActive;
  const arrayUuid = arrayUuidOf(intent);
  if (found.type === 'unknown')
    return refuse('DeviceUnreadable', `What ${array.path} holds can't be told: ${found.message}`);
  if (intent.adoptArrayUuid !== undefined) {
    if (found.type === 'found' && found.filesystem === intent.filesystem) return undefined;
    const what = found.type === 'found' ? found.filesystem : 'no filesystem';
    return refuse(
      'FilesystemMismatch',
      `The adopted array holds ${what}, not ${intent.filesystem}.`,
    );
  }
  const uuid = derivedUuid(intent.poolUid, 'filesystem');
  if (found.type === 'found') {
    if (!isSameUuid(found.uuid, uuid) || found.filesystem !== intent.filesystem) {
      const what = `${found.filesystem} with UUID ${found.uuid ?? 'unknown'}`;
      return refuse('FilesystemMismatch', `The array holds ${what}, which is not ours.`);
    }
    if (journal.filesystem === 'unknown' && !wasActive)
      return step('Making the filesystem was interrupted; it is begun anew.', {
        type: 'eraseFilesystem',
        devicePath: array.path,
        arrayUuid,
      });
    return undefined;
  }
  if (wasActive || journal.filesystem === 'made' || !journal.exists)
    return refuse(
      'FilesystemMismatch',
      `The filesystem ${uuid} has disappeared from the array. It is not made anew, as that would destroy what may be left.`,
    );
  return step('The array holds no filesystem yet.', {
    type: 'makeFilesystem',
    devicePath: array.path,
    arrayUuid,
    filesystem: intent.filesystem,
    uuid,
    options: intent.mkfsOptions,
  });
}
