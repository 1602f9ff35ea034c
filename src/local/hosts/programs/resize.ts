// resize2fs and xfs_growfs: the filesystem follows its device, while it is mounted.
import { filesystemBytes, setFilesystemBytes } from '../filesystem-content.ts';
import { type Program, parseArguments } from './program.ts';

export const resize2fs: Program = async (call) => {
  const path = parseArguments(call.arguments).operands[0] ?? '';
  const node = call.machine.blocks.resolve(path);
  call.err('resize2fs 1.47.0 (5-Feb-2023)\n');
  await call.work(50);
  if (!node) {
    call.err(`resize2fs: No such file or directory while opening ${path}\n`);
    return 1;
  }
  const blocks = Math.floor(node.sizeBytes / 4096);
  if (filesystemBytes(node.content) === node.sizeBytes) {
    call.out(`The filesystem is already ${blocks} (4k) blocks long.  Nothing to do!\n\n`);
    return 0;
  }
  const [target] = call.machine.mountsOf(node.kernelName);
  if (target)
    call.out(`Filesystem at ${path} is mounted on ${target}; on-line resizing required\n`);
  await call.work(400);
  setFilesystemBytes(node.content, node.sizeBytes);
  call.out(`The filesystem on ${path} is now ${blocks} (4k) blocks long.\n\n`);
  return 0;
};

export const xfsGrowfs: Program = async (call) => {
  const target = parseArguments(call.arguments).operands[0] ?? '';
  const mount = call.machine.mountAt(target);
  const node = mount?.kernelName && call.machine.blocks.resolve(`/dev/${mount.kernelName}`);
  await call.work(50);
  if (!node) {
    call.err(`xfs_growfs: ${target} is not a mounted XFS filesystem\n`);
    return 1;
  }
  const before = Math.floor(filesystemBytes(node.content) / 4096);
  const after = Math.floor(node.sizeBytes / 4096);
  await call.work(200);
  setFilesystemBytes(node.content, node.sizeBytes);
  call.out(`data blocks changed from ${before} to ${after}\n`);
  return 0;
};
