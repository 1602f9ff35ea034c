// mkfs.ext4 and mkfs.xfs: the first overwrites anything without asking when nobody is watching,
// the second refuses. Both write their tables first, so a killed one leaves a half-made filesystem.
import { randomUuid } from '../../../runtime/random.ts';
import type { BlockNode } from '../block-layer.ts';
import { setXfsInProgress, writeEmptyTree } from '../filesystem-content.ts';
import { mainSignature, probe, writeSignature } from '../signatures.ts';
import { type Program, type ProgramCall, parseArguments } from './program.ts';

const XFS_BYTES_MIN = 300 * 1024 * 1024;

function openDevice(call: ProgramCall, path: string | undefined): BlockNode | undefined {
  const node = path === undefined ? undefined : call.machine.blocks.resolve(path);
  if (!node) call.err(`${call.program}: ${path}: No such file or directory\n`);
  return node;
}

/** Below this, blocks are a kibibyte. */
const SMALL_BYTES = 512 * 1024 * 1024;

/** Groups with a copy of the superblock: 1 and the powers of 3, 5 and 7. */
const backupGroups = [1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343, 625, 729];

/** Runs one stage that writes; false and a message when the device returns an error. */
function attempt(call: ProgramCall, write: () => void): boolean {
  try {
    write();
    return true;
  } catch {
    call.err(`${call.program}: Input/output error while writing out and closing file system\n`);
    return false;
  }
}

export const mkfsExt4: Program = async (call) => {
  if (call.arguments.includes('-V')) {
    call.err('mke2fs 1.47.0 (5-Feb-2023)\n\tUsing EXT2FS Library version 1.47.0\n');
    return 0;
  }
  const parsed = parseArguments(call.arguments, ['-U', '-L', '-E', '-m', '-b', '-O']);
  const { values, operands } = parsed;
  const isQuiet = parsed.flags.has('-q');
  const tell = (text: string): void => {
    if (!isQuiet) call.out(text);
  };
  if (!isQuiet) call.err('mke2fs 1.47.0 (5-Feb-2023)\n');
  await call.work(30);
  const node = openDevice(call, operands[0]);
  if (!node) return 1;
  if (call.machine.isBusy(node)) {
    const mounted = call.machine.mountsOf(node.kernelName).length > 0;
    const what = mounted ? 'is mounted' : 'is apparently in use by the system';
    call.err(`${node.path} ${what}; will not make a filesystem here!\n`);
    return 1;
  }
  const before = readMain(node);
  if (before) call.out(`${node.path} contains a ${before.type} file system\n`);
  const uuid = values.get('-U') ?? randomUuid(call.machine.runtime.random);
  const isSmall = node.sizeBytes < SMALL_BYTES;
  const blockBytes = isSmall ? 1024 : 4096;
  const blocks = Math.floor(node.sizeBytes / blockBytes);
  const groupBlocks = blockBytes * 8;
  const groups = Math.max(1, Math.ceil(blocks / groupBlocks));
  tell(
    `Creating filesystem with ${blocks} ${blockBytes / 1024}k blocks and ${blocks / 4} inodes\n`,
  );
  tell(`Filesystem UUID: ${uuid}\n`);
  const backups = backupGroups
    .filter((group) => group < groups)
    .map((group) => group * groupBlocks + (isSmall ? 1 : 0));
  if (backups.length > 0) tell(`Superblock backups stored on blocks: \n\t${backups.join(', ')}\n`);
  tell('\n');
  const stages: [string, number][] = [
    ['Allocating group tables', 40],
    ['Writing inode tables', 150],
    ['Creating journal (16384 blocks)', 120],
  ];
  if (!attempt(call, () => writeEmptyTree(node.content))) return 1;
  for (const [stage, milliseconds] of stages) {
    await call.work(milliseconds);
    const counter = `0/${groups}`;
    const back = '\b'.repeat(counter.length);
    tell(`${stage}: ${counter}${back}${' '.repeat(counter.length)}${back}done\n`);
  }
  await call.work(100);
  if (!attempt(call, () => writeSignature(node.content, 'ext4', uuid))) return 1;
  tell('Writing superblocks and filesystem accounting information: done\n\n');
  return 0;
};

export const mkfsXfs: Program = async (call) => {
  if (call.arguments.includes('-V')) {
    call.out('mkfs.xfs version 6.1.0\n');
    return 0;
  }
  const { flags, operands } = parseArguments(call.arguments, ['-m', '-L', '-d', '-i', '-l']);
  await call.work(30);
  const node = openDevice(call, operands[0]);
  if (!node) return 1;
  if (call.machine.isBusy(node)) {
    call.err(`mkfs.xfs: ${node.path} contains a mounted filesystem\n`);
    return 1;
  }
  if (node.sizeBytes < XFS_BYTES_MIN) {
    call.err('Filesystem must be larger than 300MB.\n');
    return 1;
  }
  const before = readMain(node);
  if (before && !flags.has('-f')) {
    call.err(
      `mkfs.xfs: ${node.path} appears to contain an existing filesystem (${before.type}).\n`,
    );
    call.err('mkfs.xfs: Use the -f option to force overwrite.\n');
    return 1;
  }
  const given = call.arguments.find((argument) => argument.startsWith('uuid='));
  const uuid = given?.slice('uuid='.length) ?? randomUuid(call.machine.runtime.random);
  const written = attempt(call, () => {
    writeEmptyTree(node.content);
    writeSignature(node.content, 'xfs', uuid);
    setXfsInProgress(node.content, true);
  });
  if (!written) return 1;
  call.out(
    `meta-data=${node.path}           isize=512    agcount=4, agsize=${node.sizeBytes / 16384} blks\n`,
  );
  await call.work(200);
  if (!attempt(call, () => setXfsInProgress(node.content, false))) return 1;
  call.out(
    `data     =                       bsize=4096   blocks=${node.sizeBytes / 4096}, imaxpct=25\n`,
  );
  return 0;
};

function readMain(node: BlockNode): { type: string } | undefined {
  try {
    return mainSignature(probe(node.content));
  } catch {
    return undefined;
  }
}
