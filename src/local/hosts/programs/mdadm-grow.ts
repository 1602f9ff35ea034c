// mdadm --grow, --replace and --action: changes of an array that is in use.
import { type MdArray, memberCapacity } from '../md-array.ts';
import type { ParsedArguments, ProgramCall } from './program.ts';

function find(call: ProgramCall, path: string): MdArray | undefined {
  const array = call.machine.blocks.resolve(path)?.array;
  if (!array) call.err(`mdadm: error opening ${path}: No such file or directory\n`);
  return array;
}

export async function grow(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(40);
  const array = find(call, parsed.operands[0] ?? '');
  if (!array) return 1;
  const size = parsed.values.get('--size');
  if (size === 'max') return growMembers(call, array);
  const raidDisks = Number(parsed.values.get('--raid-devices') ?? 0);
  if (array.sync && array.sync.action !== 'check') {
    call.err(`mdadm: ${parsed.operands[0]} is performing resync/recovery and cannot be reshaped\n`);
    return 1;
  }
  const spares = array.members.filter(({ state }) => state === 'spare').length;
  const missing = raidDisks - array.shape.raidDisks - spares;
  if (missing > 0) {
    call.err(`mdadm: Need ${missing} spare to avoid degraded array, and only have ${spares}.\n`);
    return 1;
  }
  const working = array.members.filter(({ state }) => state === 'active').length;
  if (array.shape.level !== 1 && raidDisks < array.shape.raidDisks) {
    call.err('mdadm: this change will reduce the size of the array.\n');
    return 1;
  }
  if (raidDisks < working) {
    call.err('mdadm: failed to set raid disks\n');
    return 1;
  }
  array.grow(raidDisks, call.machine.monotonic());
  await call.work(60);
  if (array.shape.level === 1)
    call.out(`raid_disks for /dev/${array.kernelName} set to ${raidDisks}\n`);
  call.machine.tick();
  return 0;
}

function growMembers(call: ProgramCall, array: MdArray): number {
  const { dataOffsetBytes, usedBytes } = array.shape;
  const working = array.members.filter(({ state }) => state === 'active');
  const largest = Math.min(
    ...working.map(({ content }) => memberCapacity(content.sizeBytes, dataOffsetBytes)),
  );
  if (largest <= usedBytes) {
    const kibibytes = usedBytes / 1024;
    call.err(`mdadm: component size of /dev/${array.kernelName} unchanged at ${kibibytes}K\n`);
    return 0;
  }
  array.growMembers(largest, call.machine.monotonic());
  const kibibytes = largest / 1024;
  call.err(`mdadm: component size of /dev/${array.kernelName} has been set to ${kibibytes}K\n`);
  return 0;
}

/** `mdadm ARRAY --replace OLD --with NEW`. */
export async function replace(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(30);
  const [arrayPath = '', oldPath = '', newPath = ''] = parsed.operands;
  const array = find(call, arrayPath);
  if (!array) return 1;
  const member = (path: string) =>
    array.members.find(({ kernelName }) => `/dev/${kernelName}` === path);
  const [old, replacement] = [member(oldPath), member(newPath)];
  if (old?.state !== 'active') {
    call.err(`mdadm: Cannot find ${oldPath}: No such file or directory\n`);
    return 1;
  }
  if (replacement?.state !== 'spare') {
    call.err(`mdadm: ${newPath} is active and cannot be a replacement\n`);
    return 1;
  }
  array.replace(old, replacement, call.machine.monotonic());
  call.err(`mdadm: Marked ${oldPath} (device ${old.slot} in ${arrayPath}) for replacement\n`);
  call.err(`mdadm: Marked ${newPath} in ${arrayPath} as replacement for device ${old.slot}\n`);
  return 0;
}

export async function startAction(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(10);
  const path = parsed.operands[0] ?? '';
  const array = find(call, path);
  if (!array) return 1;
  if (array.sync) {
    call.err(`mdadm: Failed to set sync_action to check: Device or resource busy\n`);
    return 1;
  }
  array.startCheck(call.machine.monotonic());
  return 0;
}
