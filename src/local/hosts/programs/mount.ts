// mount, umount and findmnt for local and network filesystems, with mount's own exit codes:
// 1 wrong use, 16 busy (umount answers 32 for it), 32 failed.
import type { BlockNode } from '../block-layer.ts';
import { isMountable } from '../filesystem-content.ts';
import type { Machine, Mount } from '../machine.ts';
import { mainSignature, probe } from '../signatures.ts';
import { mountCeph, mountNfs } from './mount-network.ts';
import { type Program, type ProgramCall, parseArguments } from './program.ts';

const FAILED = 32;
const SEE_DMESG = '       dmesg(1) may have more information after failed mount system call.\n';

export const mount: Program = async (call) => {
  const { values, operands } = parseArguments(call.arguments, ['-t', '-o', '--types', '--options']);
  const [source = '', target = ''] = operands;
  const type = values.get('-t') ?? values.get('--types');
  const options = (values.get('-o') ?? values.get('--options') ?? '').split(',').filter(Boolean);
  await call.work(20);
  if (operands.length !== 2) {
    call.err("mount: bad usage\nTry 'mount --help' for more information.\n");
    return 1;
  }
  if (!isDirectory(call.machine, target)) {
    call.err(`mount: ${target}: mount point does not exist.\n${SEE_DMESG}`);
    return FAILED;
  }
  if (type === 'nfs' || type === 'nfs4') return mountNfs(call, { source, target, options });
  if (type === 'ceph') return mountCeph(call, { source, target, options });
  return mountDevice(call, { source, target, type, options });
};

function isDirectory(machine: Machine, path: string): boolean {
  const place = machine.locate(path);
  return place.tree.directories.has(place.path);
}

function findDevice(machine: Machine, source: string): BlockNode | undefined {
  if (source.startsWith('UUID=')) return machine.blocks.byFilesystemUuid(source.slice(5));
  return machine.blocks.resolve(source);
}

async function mountDevice(
  call: ProgramCall,
  request: { source: string; target: string; type: string | undefined; options: string[] },
): Promise<number> {
  const { machine } = call;
  const { source, target } = request;
  const node = findDevice(machine, source);
  if (!node) {
    const reason = source.startsWith('UUID=') ? `can't find ${source}.` : 'does not exist.';
    call.err(
      `mount: ${target}: ${source.startsWith('UUID=') ? '' : `special device ${source} `}${reason}\n`,
    );
    return FAILED;
  }
  if (machine.mounts.some((one) => one.kernelName === node.kernelName && one.target === target)) {
    call.err(`mount: ${target}: ${node.path} already mounted on ${target}.\n`);
    return FAILED;
  }
  let found: string | undefined;
  try {
    found = request.type ?? mainSignature(probe(node.content))?.type;
    if (!found || !isMountable(node.content, found)) throw new Error('not mountable');
    if (machine.blocks.holdersOf(node.kernelName).length > 0) {
      call.err(`mount: ${target}: ${node.path} already mounted or mount point busy.\n`);
      return FAILED;
    }
  } catch {
    call.err(`mount: ${target}: wrong fs type, bad option, bad superblock on ${node.path}, `);
    call.err(`missing codepage or helper program, or other error.\n${SEE_DMESG}`);
    return FAILED;
  }
  await call.work(60);
  const options = ['rw', ...request.options.filter((option) => option !== 'defaults'), 'relatime'];
  machine.addMount({ node, source: node.path, target, filesystem: found, options });
  if (node.array) node.array.readAuto = false;
  return 0;
}

export const umount: Program = async (call) => {
  const { flags, operands } = parseArguments(call.arguments);
  const path = operands[0] ?? '';
  const { machine } = call;
  const isLazy = flags.has('-l');
  const found: Mount | undefined =
    machine.mountAt(path) ?? machine.mounts.findLast(({ source }) => source === path);
  await call.work(20);
  if (!found) {
    call.err(`umount: ${path}: not mounted.\n`);
    return FAILED;
  }
  const isSilent = found.isNetwork
    ? machine.network.findShare(found)?.state !== 'up'
    : machine.blocks
        .nodes()
        .find(({ kernelName }) => kernelName === found.kernelName)
        ?.disk?.isSilent();
  if (isSilent && !isLazy && !flags.has('-f')) await call.work(180_000);
  if (machine.busyTargets.has(found.target) && !isLazy) {
    call.err(`umount: ${path}: target is busy.\n`);
    return FAILED;
  }
  await call.work(30);
  machine.mounts.splice(machine.mounts.indexOf(found), 1);
  return 0;
};

export const findmnt: Program = async (call) => {
  const { operands, values } = parseArguments(call.arguments, ['-o', '--output', '--mountpoint']);
  await call.work(10);
  const target = values.get('--mountpoint') ?? operands[0];
  const chosen = call.machine.mounts.filter((one) => !target || one.target === target);
  if (chosen.length === 0) return 1;
  const filesystems = chosen.map((one) => ({
    target: one.target,
    source: one.source,
    fstype: one.filesystem,
    options: one.options.join(','),
    uuid: uuidOf(call.machine, one) ?? null,
    propagation: 'shared',
  }));
  call.out(`${JSON.stringify({ filesystems }, null, 3)}\n`);
  return 0;
};

function uuidOf(machine: Machine, one: Mount): string | undefined {
  const node = machine.blocks.nodes().find(({ kernelName }) => kernelName === one.kernelName);
  try {
    return node && mainSignature(probe(node.content))?.uuid;
  } catch {
    return undefined;
  }
}
