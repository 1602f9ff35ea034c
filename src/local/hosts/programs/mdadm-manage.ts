// mdadm --stop, --zero-superblock, --fail, --remove, --add, --add-spare, --grow.
import { randomUuid } from '../../../runtime/random.ts';
import type { ArrayMember, MdArray } from '../md-array.ts';
import { eraseMdSuperblock, readMdSuperblock } from '../md-superblock.ts';
import type { Content } from '../sparse-bytes.ts';
import type { ParsedArguments, ProgramCall } from './program.ts';

export async function stop(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(30);
  const path = parsed.operands[0] ?? '';
  const node = call.machine.blocks.resolve(path);
  if (!node?.array) {
    call.err(`mdadm: error opening ${path}: No such file or directory\n`);
    return 1;
  }
  const users = call.machine.mountsOf(node.kernelName);
  if (users.length > 0 || call.machine.blocks.holdersOf(node.kernelName).length > 0) {
    call.err(`mdadm: Cannot get exclusive access to ${path}:`);
    call.err('Perhaps a running process, mounted filesystem or active volume group?\n');
    return 1;
  }
  const { array } = node;
  if (array.started && array.sync) {
    const { monotonic, syncBytesPerSecond } = {
      monotonic: call.machine.monotonic(),
      syncBytesPerSecond: call.machine.syncBytesPerSecond,
    };
    array.persist(array.syncPosition(monotonic, syncBytesPerSecond));
  }
  call.machine.blocks.stopArray(array);
  await call.work(20);
  call.err(`mdadm: stopped ${path}\n`);
  return 0;
}

/** As the real one: not finding a superblock is reported and still counts as success. */
export async function zeroSuperblock(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  let exitCode = 0;
  for (const path of parsed.operands) {
    await call.work(20);
    const node = call.machine.blocks.resolve(path);
    if (!node) {
      call.err(`mdadm: Couldn't open ${path} for write - not zeroing\n`);
      exitCode = 1;
    } else if (call.machine.isBusy(node)) {
      call.err(`mdadm: Couldn't open ${path} for write - not zeroing\n`);
      exitCode = 2;
    } else if (node.disk?.failReads || !readMdSuperblock(node.content))
      call.err(`mdadm: Unrecognised md component device - ${path}\n`);
    else if (node.disk?.failWrites) {
      call.err(`mdadm: Could not zero superblock on ${path}\n`);
      exitCode = 1;
    } else eraseMdSuperblock(node.content);
  }
  return exitCode;
}

export async function manage(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(30);
  const [arrayPath = '', ...devicePaths] = parsed.operands;
  const array = call.machine.blocks.resolve(arrayPath)?.array;
  if (!array) {
    call.err(`mdadm: error opening ${arrayPath}: No such file or directory\n`);
    return 1;
  }
  for (const path of devicePaths.flatMap((one) => expand(call, array, one))) {
    const exitCode = manageOne(call, array, path, parsed.flags);
    if (exitCode !== 0) return exitCode;
  }
  call.machine.tick();
  return 0;
}

/** The words `faulty` and `detached` stand for all members of which that is true. */
function expand(call: ProgramCall, array: MdArray, word: string): string[] {
  const present = new Set(call.machine.blocks.nodes().map(({ kernelName }) => kernelName));
  const paths = (chosen: (member: ArrayMember) => boolean): string[] =>
    array.members.filter(chosen).map(({ kernelName }) => `/dev/${kernelName}`);
  if (word === 'faulty') return paths(({ state }) => state === 'faulty');
  if (word === 'detached') return paths(({ kernelName }) => !present.has(kernelName));
  return [word];
}

function manageOne(
  call: ProgramCall,
  array: MdArray,
  path: string,
  flags: ReadonlySet<string>,
): number {
  const node = call.machine.blocks.resolve(path);
  const kernelName = node?.kernelName ?? path.replace('/dev/', '');
  const member = array.members.find((one) => one.kernelName === kernelName);
  if (flags.has('--fail')) {
    if (!member) {
      call.err(`mdadm: Cannot find ${path}: No such file or directory\n`);
      return 1;
    }
    array.fail(member);
    call.err(`mdadm: set ${path} faulty in /dev/${array.kernelName}\n`);
    return 0;
  }
  if (flags.has('--remove')) {
    if (!member || member.state === 'active' || member.state === 'rebuilding') {
      const why = member ? 'Device or resource busy' : 'No such device or address';
      call.err(`mdadm: hot remove failed for ${path}: ${why}\n`);
      return 1;
    }
    array.members.splice(array.members.indexOf(member), 1);
    array.persist();
    call.err(`mdadm: hot removed ${path} from /dev/${array.kernelName}\n`);
    return 0;
  }
  if (!node || call.machine.isBusy(node)) {
    call.err(`mdadm: Cannot open ${path}: ${node ? 'Device or resource busy' : 'No such file'}\n`);
    return 1;
  }
  if (node.sizeBytes < array.shape.usedBytes + array.shape.dataOffsetBytes) {
    call.err(`mdadm: ${path} not large enough to join array\n`);
    return 1;
  }
  if (flags.has('--re-add')) return reAdd(call, array, { kernelName, path, content: node.content });
  const taken = new Set(array.members.map(({ deviceNumber }) => deviceNumber));
  let deviceNumber = 0;
  while (taken.has(deviceNumber)) deviceNumber++;
  array.members.push({
    kernelName,
    content: node.content,
    deviceNumber,
    deviceUuid: randomUuid(call.machine.runtime.random),
    slot: undefined,
    state: 'spare',
  });
  array.persist();
  call.err(`mdadm: added ${path}\n`);
  return 0;
}

/** A former member returns to its place; thanks to the bitmap little has to be copied. */
function reAdd(
  call: ProgramCall,
  array: MdArray,
  device: { kernelName: string; path: string; content: Content },
): number {
  const superblock = readMdSuperblock(device.content);
  const role = superblock?.roles[superblock.deviceNumber];
  const isFree = (slot: number): boolean => !array.members.some((member) => member.slot === slot);
  const fits = superblock?.arrayUuid === array.shape.uuid && typeof role === 'number';
  if (!fits || !array.shape.hasBitmap || !isFree(role)) {
    const target = `/dev/${array.kernelName}`;
    call.err(`mdadm: --re-add for ${device.path} to ${target} is not possible\n`);
    return 1;
  }
  array.members.push({
    kernelName: device.kernelName,
    content: device.content,
    deviceNumber: superblock.deviceNumber,
    deviceUuid: superblock.deviceUuid,
    slot: role,
    state: 'rebuilding',
  });
  array.sync ??= {
    action: 'recover',
    fromBytes: array.shape.usedBytes * 0.9,
    startedAtMilliseconds: call.machine.monotonic(),
  };
  array.persist();
  call.err(`mdadm: re-added ${device.path}\n`);
  return 0;
}
