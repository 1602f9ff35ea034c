// Making an array from blank disks, and taking back a creation that never came to its end.
import {
  type DeviceFacts,
  type DeviceRequest,
  describeDevice,
  identityKey,
  judgeDevice,
  type Refusal,
  resolveDevice,
  type Verdict,
} from './disks.ts';
import { refuseOptions } from './mkfs-options.ts';
import { confirmationFor } from './node-mount-mdadm-confirmations.ts';
import type { MdadmFacts, MdadmIntent } from './node-mount-mdadm-facts.ts';
import { targetOf } from './node-mount-mdadm-facts.ts';
import { type NodeMountPlan, refuse, step } from './node-mount-step.ts';

/** A creation that never came to its end is taken back in reverse order. */
export function planUndo(
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
  const keys = new Set([...facts.journal.erasing, ...facts.journal.wiping]);
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
    if (contents?.signatures === 'none' && contents.ends === 'zero')
      return step(`${describeDevice(device)} is blank again.`, {
        type: 'recordErased',
        identity: target.identity,
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

interface Chosen {
  readonly type: 'chosen';
  readonly device: DeviceFacts;
  readonly verdict: Exclude<Verdict, { type: 'refuse' }>;
  readonly isConfirmed: boolean;
}

export function planCreation(
  intent: MdadmIntent,
  facts: MdadmFacts,
  arrayUuid: string,
): NodeMountPlan {
  const options = refuseOptions(intent.filesystem, intent.mkfsOptions);
  if (options !== undefined) return refuse('InvalidSpec', options);
  const judged = intent.devices.map((request) => choose(request, facts, arrayUuid));
  const refusal = refuseAll(judged.filter((one) => one.type === 'refuse'));
  if (refusal) return refusal;
  const chosen = judged.filter((one) => one.type === 'chosen');
  const twice = chosen.find(({ device }, index) =>
    chosen.slice(0, index).some((other) => other.device.path === device.path),
  );
  if (twice)
    return refuse('InvalidSpec', `${describeDevice(twice.device)} is named more than once.`);
  const uneven = intent.level === 0 ? undefined : refuseSizes(chosen.map((one) => one.device));
  if (uneven) return uneven;
  const targets = chosen.map(({ device }) => targetOf(device));
  const claimed = new Set(facts.journal.claims.map(identityKey));
  const spent = chosen
    .filter(({ verdict, isConfirmed }) => isConfirmed && verdict.type === 'use')
    .map(({ device }) => identityKey(device));
  if (spent.length > 0 || !targets.every(({ identity }) => claimed.has(identityKey(identity))))
    return step('The disks are free and are reserved before anything is written.', {
      type: 'claimDevices',
      targets,
      spent,
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

function choose(request: DeviceRequest, facts: MdadmFacts, arrayUuid: string): Chosen | Refusal {
  const found = resolveDevice(request, facts.devices);
  if (found.type === 'refuse') return found;
  const { device } = found;
  const owner = facts.claimedByOthers.get(identityKey(device));
  if (owner !== undefined)
    return {
      type: 'refuse',
      reason: 'DeviceClaimed',
      message: `${describeDevice(device)} belongs to ${owner}.`,
    };
  const confirmation = confirmationFor(facts.journal, device, request);
  const verdict = judgeDevice(device, { arrayUuid, ...confirmation });
  if (verdict.type === 'refuse') return verdict;
  return { type: 'chosen', device, verdict, isConfirmed: confirmation.wipeConfirm !== undefined };
}

/** With more of them the message would not be read any more. */
const REFUSALS_TOLD_MAX = 4;

/**
 * All that is in the way at once: nobody should have to mend one disk to hear of the next. What ends by
 * itself comes last, so that the reason is one that somebody has to do something about.
 */
function refuseAll(refusals: readonly Refusal[]): Refusal | undefined {
  const passes = ({ reason }: Refusal): boolean =>
    reason === 'DeviceClaimed' || reason === 'DeviceNotFound';
  const ordered = [
    ...refusals.filter((one) => !passes(one)),
    ...refusals.filter((one) => passes(one)),
  ];
  const [first] = ordered;
  if (!first) return undefined;
  const told = [...new Set(ordered.map(({ message }) => message))];
  const more = told.length - REFUSALS_TOLD_MAX;
  const rest = more > 0 ? ` And ${more} more of the disks cannot be used.` : '';
  return { ...first, message: `${told.slice(0, REFUSALS_TOLD_MAX).join(' ')}${rest}` };
}

/** mdadm itself refuses to build an array from disks that differ more, whatever one tells it. */
const SIZE_DIFFERENCE_MAX = 0.01;

function refuseSizes(devices: readonly DeviceFacts[]): NodeMountPlan | undefined {
  const sizes = devices.map(({ sizeBytes }) => sizeBytes);
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)];
  if (largest - smallest <= largest * SIZE_DIFFERENCE_MAX) return undefined;
  const list = devices.map((one) => `${describeDevice(one)}: ${one.sizeBytes} bytes`).join('; ');
  return refuse(
    'InvalidSpec',
    `The disks differ in size by more than one percent (${list}). Name disks of one size.`,
  );
}
