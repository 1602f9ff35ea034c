// mdadm --create and --assemble, in the stages in which a SIGKILL leaves different remains.
import { randomUuid } from '../../../runtime/random.ts';
import type { BlockNode } from '../block-layer.ts';
import { MEBIBYTE } from '../disk.ts';
import { type ArrayMember, MdArray, toleratedFailures } from '../md-array.ts';
import { dashUuid, readMdSuperblock } from '../md-superblock.ts';
import { mainSignature, probe } from '../signatures.ts';
import type { ParsedArguments, Program, ProgramCall } from './program.ts';

interface CreateRequest {
  readonly path: string;
  readonly level: number;
  readonly raidDisks: number;
  readonly spares: number;
  readonly name: string;
  readonly uuid: string;
  readonly hasBitmap: boolean;
  readonly chunkBytes: number;
  readonly devices: readonly BlockNode[];
}

export async function create(call: ProgramCall, parsed: ParsedArguments): Promise<number> {
  await call.work(40);
  const request = readRequest(call, parsed);
  if (typeof request === 'number') return request;
  const busy = request.devices.filter((node) => call.machine.isBusy(node));
  for (const { path } of busy) {
    call.err(`mdadm: super1.x cannot open ${path}: Device or resource busy\n`);
    call.err(`mdadm: ${path} is not suitable for this array.\n`);
  }
  if (busy.length > 0) {
    call.err('mdadm: create aborted\n');
    return 1;
  }
  const inUse = call.machine.blocks.arrays.some(
    (array) => `/dev/md/${array.linkName}` === request.path,
  );
  if (inUse) {
    call.err(`mdadm: Array name ${request.path} is in use already.\n`);
    return 1;
  }
  if (refuseContents(call, request.devices) && !parsed.flags.has('--run')) {
    call.err('Continue creating array? mdadm: create aborted.\n');
    return 1;
  }
  if (request.level > 0 && refuseSizes(call, request.devices) && !parsed.flags.has('--run')) {
    call.err('Continue creating array? mdadm: create aborted.\n');
    return 1;
  }
  return build(call, request);
}

function refuseSizes(call: ProgramCall, devices: readonly BlockNode[]): boolean {
  const bySize = [...devices].sort((one, other) => one.sizeBytes - other.sizeBytes);
  const [smallest, largest] = [bySize[0]!, bySize.at(-1)!];
  if (largest.sizeBytes - smallest.sizeBytes <= largest.sizeBytes / 100) return false;
  const kibibytes = smallest.sizeBytes / 1024;
  call.err(`mdadm: largest drive (${largest.path}) exceeds size (${kibibytes}K) by more than 1%\n`);
  return true;
}

function readRequest(call: ProgramCall, parsed: ParsedArguments): CreateRequest | number {
  const { values, operands } = parsed;
  const fail = (message: string): number => {
    call.err(`mdadm: ${message}\n`);
    return 1;
  };
  const level = Number((values.get('--level') ?? '').replace(/^raid/, ''));
  const raidDisks = Number(values.get('--raid-devices') ?? 0);
  const spares = Number(values.get('--spare-devices') ?? 0);
  if (!operands[0]) return fail('an md device must be given in this mode');
  if (![0, 1, 4, 5, 6, 10].includes(level))
    return fail('a RAID level is needed to create an array.');
  if (level === 0 && values.has('--bitmap')) return fail('bitmaps not meaningful with level raid0');
  const paths = operands.slice(1);
  if (paths.length !== raidDisks + spares) {
    const given = paths.length;
    return fail(
      `You haven't given enough devices (real or missing) to create this array (${given})`,
    );
  }
  const devices: BlockNode[] = [];
  for (const path of paths) {
    const node = call.machine.blocks.resolve(path);
    if (!node) return fail(`cannot open ${path}: No such file or directory`);
    devices.push(node);
  }
  const short = values.get('--name') ?? operands[0].split('/').at(-1) ?? 'md';
  const host = values.get('--homehost') ?? 'localhost';
  return {
    path: operands[0],
    level,
    raidDisks,
    spares,
    name: superblockName(host, short),
    uuid: dashUuid(values.get('--uuid') ?? randomUuid(call.machine.runtime.random)),
    hasBitmap: values.get('--bitmap') === 'internal',
    chunkBytes: Number(values.get('--chunk')?.replace(/K$/i, '') ?? 512) * 1024,
    devices,
  };
}

/** The superblock has 32 characters; the home host is left out where both don't fit. */
function superblockName(host: string, name: string): string {
  const full = `${host}:${name}`;
  return full.length <= 32 ? full : name;
}

/** Prints what is on the disks; true when something is. */
function refuseContents(call: ProgramCall, devices: readonly BlockNode[]): boolean {
  let found = false;
  for (const node of devices) {
    const signatures = probeOrNothing(node);
    const main = mainSignature(signatures);
    const table = signatures.some(({ usage }) => usage === 'partition-table');
    if (!main && !table) continue;
    found = true;
    if (main?.type === 'linux_raid_member') {
      const superblock = readMdSuperblock(node.content);
      call.err(`mdadm: ${node.path} appears to be part of a raid array:\n`);
      call.err(`       level=raid${superblock?.level} devices=${superblock?.raidDisks}\n`);
    } else if (main) {
      const kind = main.type === 'ext4' ? 'ext2fs' : main.type;
      call.err(`mdadm: ${node.path} appears to contain an ${kind} file system\n`);
      call.err(`       size=${node.sizeBytes / 1024}K  mtime=Thu Jan  1 00:00:00 1970\n`);
    } else call.err(`mdadm: partition table exists on ${node.path}\n`);
  }
  return found;
}

function probeOrNothing(node: BlockNode): ReturnType<typeof probe> {
  try {
    return probe(node.content);
  } catch {
    return [];
  }
}

async function build(call: ProgramCall, request: CreateRequest): Promise<number> {
  const { machine } = call;
  const smallest = Math.min(...request.devices.map(({ sizeBytes }) => sizeBytes));
  const dataOffset = Math.max(MEBIBYTE, Math.min(128 * MEBIBYTE, roundDown(smallest / 128)));
  const array = new MdArray(
    machine.blocks.freeArrayName(),
    {
      uuid: request.uuid,
      name: request.name,
      level: request.level,
      raidDisks: request.raidDisks,
      chunkBytes: request.level === 1 ? 0 : request.chunkBytes,
      usedBytes: roundDown(smallest - dataOffset),
      dataOffsetBytes: dataOffset,
      createdAtSeconds: machine.nowSeconds(),
      hasBitmap: request.hasBitmap,
    },
    request.devices.map((node, index): ArrayMember => {
      const isSpare = index >= request.raidDisks;
      return {
        kernelName: node.kernelName,
        content: node.content,
        deviceNumber: index,
        deviceUuid: randomUuid(machine.runtime.random),
        slot: isSpare ? undefined : index,
        state: isSpare ? 'spare' : 'active',
      };
    }),
  );
  const creating = `/run/mdadm/creating-${array.kernelName}`;
  machine.root.makeDirectory('/run/mdadm');
  machine.root.write(creating, '');
  startInitialSync(array, machine.monotonic());
  for (const member of array.members) {
    await call.work(30);
    try {
      array.persistMember(member, 0);
    } catch {
      call.err(`mdadm: Failed to write metadata to /dev/${member.kernelName}\n`);
      machine.root.remove(creating);
      return 1;
    }
  }
  // The kernel is given the disks only when all of them carry their superblocks.
  array.kernelName = machine.blocks.freeArrayName();
  machine.blocks.arrays.push(array);
  await call.work(60);
  array.started = true;
  if (array.sync) array.sync = { ...array.sync, startedAtMilliseconds: machine.monotonic() };
  await call.work(10);
  machine.root.remove(creating);
  if (request.hasBitmap === false && request.level === 1)
    call.err(
      'mdadm: Note: this array has metadata at the start and\n    may not be suitable as a boot device.\n',
    );
  call.err(`mdadm: array ${request.path} started.\n`);
  return 0;
}

/** Levels 4 and 5 are built as degraded arrays whose last member is being rebuilt. */
function startInitialSync(array: MdArray, nowMilliseconds: number): void {
  const { level, raidDisks } = array.shape;
  if (toleratedFailures(level, raidDisks) === 0) return;
  const isRecovery = level === 4 || level === 5;
  if (isRecovery) array.memberAt(raidDisks - 1)!.state = 'rebuilding';
  array.sync = {
    action: isRecovery ? 'recover' : 'resync',
    fromBytes: 0,
    startedAtMilliseconds: nowMilliseconds,
  };
}

function roundDown(bytes: number): number {
  return Math.floor(bytes / MEBIBYTE) * MEBIBYTE;
}

export const assemble: (call: ProgramCall, parsed: ParsedArguments) => ReturnType<Program> = async (
  call,
  { values, flags, operands },
) => {
  const { blocks } = call.machine;
  await call.work(50);
  const uuid = values.has('--uuid') ? dashUuid(values.get('--uuid')!) : undefined;
  const named = operands.slice(1).map((path) => blocks.resolve(path));
  const candidates = named.length > 0 ? named.filter((node) => !!node) : blocks.nodes();
  const members = candidates.filter((node) => {
    if (node.kind === 'raid' || node.disk?.failReads || call.machine.isBusy(node)) return false;
    const superblock = readMdSuperblock(node.content);
    return !!superblock && (!uuid || superblock.arrayUuid === uuid);
  });
  const target = operands[0] ?? '/dev/md/array';
  if (members.length === 0) {
    call.err(`mdadm: No suitable drives found for ${target}\n`);
    return 1;
  }
  const startDegraded = flags.has('--run') || !flags.has('--no-degraded');
  const array = blocks.assembleArray(members, call.machine.monotonic(), { startDegraded });
  const active = array.members.filter(({ state }) => state === 'active').length;
  if (!array.started) {
    call.err(`mdadm: ${target} assembled from ${active} drives - not enough to start the array.\n`);
    return 1;
  }
  const plural = active === 1 ? '' : 's';
  call.err(`mdadm: ${target} has been started with ${active} drive${plural}.\n`);
  return 0;
};
