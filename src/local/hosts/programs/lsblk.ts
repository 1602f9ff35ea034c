// lsblk -J -b -p -o …: the tree of block devices as udev describes it.
import { type BlockNode, deviceNumberOf, signatureOf } from '../block-layer.ts';
import { hasProtectiveMbr } from '../gpt.ts';
import type { Machine } from '../machine.ts';
import { identityOf, type Program, parseArguments } from './program.ts';

type Column = (node: BlockNode, machine: Machine) => unknown;

const columns: Readonly<Record<string, Column>> = {
  name: (node) => node.path,
  kname: (node) => node.path,
  path: (node) => node.path,
  type: (node) => (node.array ? `raid${node.array.shape.level}` : node.kind),
  size: (node) => node.sizeBytes,
  serial: (node) => (node.kind === 'disk' ? (identityOf(node).serial ?? null) : null),
  wwn: (node) => identityOf(node).wwn ?? null,
  model: (node) => (node.kind === 'disk' ? (identityOf(node).model ?? null) : null),
  vendor: (node) => (node.kind === 'disk' ? (node.disk?.options.vendor ?? null) : null),
  fstype: (node) => signatureOf(node)?.type ?? null,
  uuid: (node) => signatureOf(node)?.uuid ?? null,
  label: (node) => signatureOf(node)?.label ?? null,
  pttype: (node) => {
    if (!node.disk || node.disk.failReads) return null;
    return hasProtectiveMbr(node.disk) ? 'gpt' : null;
  },
  partlabel: (node) => node.partition?.label || null,
  ro: (node) => node.disk?.options.readOnly ?? false,
  rm: (node) => node.disk?.options.removable ?? false,
  hotplug: (node) => node.disk?.options.removable ?? false,
  rota: (node) => node.disk?.options.rotational ?? false,
  tran: (node) => (node.kind === 'disk' ? (node.disk?.options.transport ?? 'virtio') : null),
  mountpoints: (node, machine) => {
    const own = machine.mounts.filter(({ kernelName }) => kernelName === node.kernelName);
    return own.length > 0 ? own.map(({ target }) => target) : [null];
  },
  pkname: (node) => (node.parent ? `/dev/${node.parent}` : null),
  state: (node) => (node.kind === 'disk' ? 'running' : null),
  'maj:min': (node) => deviceNumberOf(node.kernelName),
  'log-sec': () => 512,
  'phy-sec': () => 4096,
  subsystems: (node) => `block:${node.disk?.options.transport ?? 'virtio'}:pci`,
};

export const lsblk: Program = async (call) => {
  const { flags, values, operands } = parseArguments(call.arguments, ['-o', '--output']);
  await call.work(15);
  if (!flags.has('-J') && !flags.has('--json')) {
    call.err('lsblk: only JSON output is available on this machine\n');
    return 1;
  }
  const wanted = (values.get('-o') ?? values.get('--output') ?? 'NAME').toLowerCase().split(',');
  const unknown = wanted.find((column) => !columns[column]);
  if (unknown) {
    call.err(`lsblk: unknown column: ${unknown.toUpperCase()}\n`);
    return 1;
  }
  const { blocks } = call.machine;
  const missing = operands.find((path) => !blocks.resolve(path));
  if (missing) {
    call.out('{\n   "blockdevices": [\n\n   ]\n}\n');
    call.err(`lsblk: ${missing}: not a block device\n`);
    return 32;
  }
  const tops =
    operands.length > 0
      ? operands.map((path) => blocks.resolve(path)!)
      : blocks.nodes().filter(({ kind }) => kind === 'disk');
  const describe = (node: BlockNode): Record<string, unknown> => {
    const row = Object.fromEntries(
      wanted.map((name) => [name, columns[name]!(node, call.machine)]),
    );
    const children = blocks.childrenOf(node.kernelName).map(describe);
    return children.length > 0 ? { ...row, children } : row;
  };
  call.out(`${JSON.stringify({ blockdevices: tops.map(describe) }, null, 3)}\n`);
  return 0;
};
