// mdadm --detail and --examine: what the array says, what a member's superblock says.

import { hasProtectiveMbr } from '../gpt.ts';
import type { MdArray } from '../md-array.ts';
import { colonUuid, readMdSuperblock } from '../md-superblock.ts';
import { arrayState } from '../virtual-files.ts';
import type { ParsedArguments, ProgramCall } from './program.ts';

/** With --test: 0 healthy, 1 degraded, 2 failed, 4 no such array. */
export async function detail(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(10);
  const path = parsed.operands[0] ?? '';
  const array = call.machine.blocks.resolve(path)?.array;
  if (!array) {
    call.err(`mdadm: cannot open ${path}: No such file or directory\n`);
    return parsed.flags.has('--test') ? 4 : 1;
  }
  call.out(parsed.flags.has('--export') ? exportDetail(array) : printDetail(call, array));
  // With --export nothing is tested, whatever else is asked for.
  if (!parsed.flags.has('--test') || parsed.flags.has('--export')) return 0;
  if (array.failed || !array.started) return 2;
  return array.degraded > 0 ? 1 : 0;
}

function exportDetail(array: MdArray): string {
  const { level, raidDisks, uuid, name } = array.shape;
  const lines = [
    `MD_LEVEL=raid${level}`,
    `MD_DEVICES=${raidDisks}`,
    'MD_METADATA=1.2',
    `MD_UUID=${colonUuid(uuid)}`,
    `MD_DEVNAME=${array.linkName}`,
    `MD_NAME=${name}`,
  ];
  for (const { kernelName, slot, state } of array.members) {
    const key = `MD_DEVICE_dev_${kernelName}`;
    lines.push(
      `${key}_ROLE=${state === 'active' ? slot : 'spare'}`,
      `${key}_DEV=/dev/${kernelName}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function printDetail(call: ProgramCall, array: MdArray): string {
  const { level, raidDisks, uuid, name } = array.shape;
  const active = raidDisks - array.degraded;
  const failed = array.members.filter(({ state }) => state === 'faulty').length;
  const spare = array.members.filter(({ state }) => state === 'spare' || state === 'rebuilding');
  const words = [arrayState(array)];
  if (array.degraded > 0) words.push(array.failed ? 'FAILED' : 'degraded');
  if (array.sync) words.push(array.sync.action === 'recover' ? 'recovering' : 'resyncing');
  const position = array.syncPosition(call.machine.monotonic(), call.machine.syncBytesPerSecond);
  const lines = [
    `/dev/${array.kernelName}:`,
    '           Version : 1.2',
    `        Raid Level : raid${level}`,
    `        Array Size : ${array.sizeBytes / 1024}`,
    `      Raid Devices : ${raidDisks}`,
    `     Total Devices : ${array.members.length}`,
    `             State : ${words.join(', ')}`,
    `    Active Devices : ${active}`,
    `    Failed Devices : ${failed}`,
    `     Spare Devices : ${spare.length}`,
  ];
  if (position !== undefined) {
    const percent = Math.floor((100 * position) / array.shape.usedBytes);
    lines.push(`     Resync Status : ${percent}% complete`);
  }
  lines.push(`              Name : ${name}`, `              UUID : ${colonUuid(uuid)}`, '');
  lines.push('    Number   Major   Minor   RaidDevice State');
  const stateWords = {
    active: 'active sync',
    rebuilding: 'spare rebuilding',
    spare: 'spare',
    faulty: 'faulty',
  };
  for (const { deviceNumber, kernelName, slot, state } of array.members)
    lines.push(
      `       ${deviceNumber}     254     ${deviceNumber * 16}      ${slot ?? '-'}      ` +
        `${stateWords[state]}   /dev/${kernelName}`,
    );
  return `${lines.join('\n')}\n`;
}

export async function examine(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(10);
  const path = parsed.operands[0] ?? '';
  const node = call.machine.blocks.resolve(path);
  if (!node) {
    call.err(`mdadm: cannot open ${path}: No such file or directory\n`);
    return 1;
  }
  if (node.disk?.failReads) {
    call.err(`mdadm: No md superblock detected on ${path}.\n`);
    return 1;
  }
  const superblock = readMdSuperblock(node.content);
  if (!superblock) {
    if (hasProtectiveMbr(node.content) && !parsed.flags.has('--export')) {
      call.out(`${path}:\n   MBR Magic : aa55\nPartition[0] :   type ee\n`);
      return 0;
    }
    call.err(`mdadm: No md superblock detected on ${path}.\n`);
    return 1;
  }
  const values = [
    ['MD_LEVEL', `raid${superblock.level}`],
    ['MD_DEVICES', superblock.raidDisks],
    ['MD_NAME', superblock.name],
    ['MD_ARRAY_SIZE', `${(node.sizeBytes / 1e6).toFixed(2)}MB`],
    ['MD_UUID', colonUuid(superblock.arrayUuid)],
    ['MD_UPDATE_TIME', superblock.updatedAtSeconds],
    ['MD_DEV_UUID', colonUuid(superblock.deviceUuid)],
    ['MD_EVENTS', superblock.events],
  ];
  if (parsed.flags.has('--export'))
    call.out(`${values.map(([key, value]) => `${key}=${value}`).join('\n')}\n`);
  else
    call.out(
      `${path}:\n          Magic : a92b4efc\n        Version : 1.2\n` +
        `     Array UUID : ${colonUuid(superblock.arrayUuid)}\n` +
        `           Name : ${superblock.name}\n     Raid Level : raid${superblock.level}\n` +
        `   Raid Devices : ${superblock.raidDisks}\n         Events : ${superblock.events}\n`,
    );
  return 0;
}
