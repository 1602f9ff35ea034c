// blkid -p and wipefs, with their real answers: an unreadable disk looks as blank as a blank one.
import type { BlockNode } from '../block-layer.ts';
import { mainSignature, probe, type Signature, wipeSignature } from '../signatures.ts';
import { type Program, type ProgramCall, parseArguments } from './program.ts';

function probeQuietly(node: BlockNode): Signature[] {
  try {
    return probe(node.content);
  } catch {
    return [];
  }
}

const usageWords: Record<Signature['usage'], string> = {
  filesystem: 'filesystem',
  raid: 'raid',
  crypto: 'crypto',
  other: 'other',
  'partition-table': '',
};

/** What blkid says of the versions that mdadm and mkfs make here. */
const versions: Readonly<Record<string, string>> = { linux_raid_member: '1.2', ext4: '1.0' };

/** Exit codes: 0 found, 2 nothing found (or no such device, or unreadable), 8 ambivalent. */
export const blkid: Program = async (call) => {
  const { operands } = parseArguments(call.arguments, ['-o', '--output', '-s', '-u']);
  await call.work(10);
  const node = operands[0] && call.machine.blocks.resolve(operands[0]);
  if (!node) return 2;
  const signatures = probeQuietly(node);
  const contents = signatures.filter(({ usage }) => usage !== 'partition-table');
  const main = mainSignature(signatures);
  const isRaid = main?.type === 'linux_raid_member';
  if (contents.length > 1 && !isRaid) {
    call.err(`blkid: ${node.path}: ambivalent result (probably more filesystems on the device)\n`);
    return 8;
  }
  const lines = [`DEVNAME=${node.path}`];
  if (main?.uuid) lines.push(`UUID=${main.uuid}`);
  if (main?.deviceUuid) lines.push(`UUID_SUB=${main.deviceUuid}`);
  if (main?.label) lines.push(`LABEL=${main.label}`);
  const version = main && versions[main.type];
  if (version !== undefined) lines.push(`VERSION=${version}`);
  if (main?.usage === 'filesystem') lines.push('BLOCK_SIZE=4096');
  if (main) lines.push(`TYPE=${main.type}`, `USAGE=${usageWords[main.usage]}`);
  const table = signatures.find(({ type }) => type === 'gpt');
  if (table && !isRaid) lines.push(`PTUUID=${table.uuid}`, 'PTTYPE=gpt');
  else if (signatures.some(({ type }) => type === 'PMBR') && !isRaid) lines.push('PTTYPE=PMBR');
  if (lines.length === 1) return 2;
  call.out(`${lines.join('\n')}\n`);
  return 0;
};

export const wipefs: Program = async (call) => {
  const { flags, operands } = parseArguments(call.arguments, ['-o', '-t', '-O']);
  await call.work(10);
  const path = operands[0] ?? '';
  const node = call.machine.blocks.resolve(path);
  if (!node) {
    call.err(`wipefs: error: ${path}: probing initialization failed: No such file or directory\n`);
    return 1;
  }
  if (flags.has('-a') || flags.has('--all')) return wipeAll(call, node, flags);
  const signatures = probeQuietly(node).map(({ type, offsetBytes, uuid, label }) => ({
    device: node.kernelName,
    offset: `0x${offsetBytes.toString(16)}`,
    type,
    uuid: uuid ?? null,
    label: label ?? null,
  }));
  call.out(`${JSON.stringify({ signatures }, null, 3)}\n`);
  return 0;
};

async function wipeAll(
  call: ProgramCall,
  node: BlockNode,
  flags: ReadonlySet<string>,
): Promise<number> {
  const force = flags.has('-f') || flags.has('--force');
  if (call.machine.isBusy(node) && !force) {
    call.err(
      `wipefs: error: ${node.path}: probing initialization failed: Device or resource busy\n`,
    );
    return 1;
  }
  for (const signature of probeQuietly(node)) {
    await call.work(5);
    const bytes = Buffer.from(node.content.read(signature.offsetBytes, signature.magicBytes));
    try {
      wipeSignature(node.content, signature);
    } catch {
      call.err(`wipefs: error: ${node.path}: failed to erase ${signature.type} magic string at `);
      call.err(`offset 0x${signature.offsetBytes.toString(16).padStart(8, '0')}: `);
      call.err('Input/output error\n');
      return 1;
    }
    const hex = bytes.toString('hex').match(/../g)?.join(' ');
    const at = `0x${signature.offsetBytes.toString(16).padStart(8, '0')}`;
    call.out(
      `${node.path}: ${bytes.length} bytes were erased at offset ${at} (${signature.type}): ${hex}\n`,
    );
  }
  return 0;
}
