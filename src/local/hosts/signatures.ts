// What libblkid would find, found the same way: magic bytes at known offsets, nothing else.
import { backupHeaderOffset, hasHeaderAt, hasProtectiveMbr, tableUuid } from './gpt.ts';
import { mdSuperblockOffset, readMdSuperblock } from './md-superblock.ts';
import { type Content, readText, readUuid, writeText, writeUuid } from './sparse-bytes.ts';

export interface Signature {
  readonly type: string;
  readonly usage: 'filesystem' | 'raid' | 'crypto' | 'other' | 'partition-table';
  /** Where the magic bytes are; wiping a signature zeroes just these. */
  readonly offsetBytes: number;
  readonly magicBytes: number;
  readonly uuid?: string;
  readonly deviceUuid?: string;
  readonly label?: string;
}

interface Format {
  readonly type: string;
  readonly usage: Signature['usage'];
  readonly offsetBytes: number;
  readonly magic: string;
  readonly uuidOffset?: number;
  readonly labelOffset?: number;
  readonly labelBytes?: number;
}

/** Magic strings are written as Latin-1, one character per byte. */
const formats: readonly Format[] = [
  { type: 'xfs', usage: 'filesystem', offsetBytes: 0, magic: 'XFSB', uuidOffset: 32 },
  { type: 'ext4', usage: 'filesystem', offsetBytes: 0x438, magic: '\x53\xef', uuidOffset: 0x468 },
  {
    type: 'btrfs',
    usage: 'filesystem',
    offsetBytes: 0x10040,
    magic: '_BHRfS_M',
    uuidOffset: 0x10020,
  },
  { type: 'ntfs', usage: 'filesystem', offsetBytes: 3, magic: 'NTFS    ' },
  { type: 'vfat', usage: 'filesystem', offsetBytes: 0x52, magic: 'FAT32   ' },
  { type: 'swap', usage: 'other', offsetBytes: 4086, magic: 'SWAPSPACE2', uuidOffset: 1036 },
  { type: 'crypto_LUKS', usage: 'crypto', offsetBytes: 0, magic: 'LUKS\xba\xbe' },
  { type: 'LVM2_member', usage: 'raid', offsetBytes: 536, magic: 'LVM2 001' },
  { type: 'ceph_bluestore', usage: 'other', offsetBytes: 0, magic: 'bluestore block device' },
  {
    type: 'bcache',
    usage: 'other',
    offsetBytes: 4120,
    magic: '\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81',
  },
];

export type FormatName =
  | 'xfs'
  | 'ext4'
  | 'btrfs'
  | 'ntfs'
  | 'vfat'
  | 'swap'
  | 'crypto_LUKS'
  | 'LVM2_member'
  | 'ceph_bluestore'
  | 'bcache';

/** Every signature on the device, in the order the tools list them. Throws EIO like a read would. */
export function probe(content: Content): Signature[] {
  const found: Signature[] = [];
  const superblock = readMdSuperblock(content);
  if (superblock)
    found.push({
      type: 'linux_raid_member',
      usage: 'raid',
      offsetBytes: mdSuperblockOffset,
      magicBytes: 4,
      uuid: superblock.arrayUuid,
      deviceUuid: superblock.deviceUuid,
      label: superblock.name,
    });
  for (const format of formats) {
    const magic = Buffer.from(content.read(format.offsetBytes, format.magic.length));
    if (magic.toString('latin1') === format.magic) found.push(describe(content, format));
  }
  return [...found, ...probePartitionTable(content)];
}

function describe(content: Content, format: Format): Signature {
  const label =
    format.labelOffset === undefined
      ? ''
      : readText(content, format.labelOffset, format.labelBytes ?? 16);
  return {
    type: format.type,
    usage: format.usage,
    offsetBytes: format.offsetBytes,
    magicBytes: format.magic.length,
    ...(format.uuidOffset !== undefined && { uuid: readUuid(content, format.uuidOffset) }),
    ...(label && { label }),
  };
}

/**
 * Without a protective MBR the tools never look for a table, so a lone backup header at the end
 * of the disk stays invisible to them, here as on a real machine.
 */
function probePartitionTable(content: Content): Signature[] {
  if (!hasProtectiveMbr(content)) return [];
  const headers = [512, backupHeaderOffset(content)].filter((at) => hasHeaderAt(content, at));
  const tables = headers.map((offsetBytes): Signature => {
    const uuid = tableUuid(content);
    return { type: 'gpt', usage: 'partition-table', offsetBytes, magicBytes: 8, uuid };
  });
  return [...tables, { type: 'PMBR', usage: 'partition-table', offsetBytes: 510, magicBytes: 2 }];
}

export function writeSignature(content: Content, name: FormatName, uuid?: string): void {
  const format = formats.find(({ type }) => type === name)!;
  content.write(format.offsetBytes, Buffer.from(format.magic, 'latin1'));
  if (name === 'LVM2_member') writeText(content, 512, 'LABELONE');
  if (uuid && format.uuidOffset !== undefined) writeUuid(content, format.uuidOffset, uuid);
}

export function wipeSignature(content: Content, signature: Signature): void {
  content.zero(signature.offsetBytes, signature.magicBytes);
}

/** The one signature that says what the device is for; a RAID superblock outranks the rest. */
export function mainSignature(signatures: readonly Signature[]): Signature | undefined {
  const contents = signatures.filter(({ usage }) => usage !== 'partition-table');
  return contents.find(({ type }) => type === 'linux_raid_member') ?? contents[0];
}
