// The version 1.2 superblock of Linux software RAID, field for field where the kernel keeps it:
// 4096 bytes into every member. Arrays exist only as long as these bytes do.
import { type Content, readText, readUuid, writeText, writeUuid } from './sparse-bytes.ts';

const SUPERBLOCK_OFFSET = 4096;
const SUPERBLOCK_BYTES = 1024;
const MAGIC = 0xa92b4efc;
const ROLES_MAX = 64;
const ROLE_FAULTY = 0xfffe;
const SECTOR_BYTES = 512;
const ALL_SYNCED = 0xffff_ffff_ffff_ffffn;

export type Role = number | 'spare' | 'faulty';

export interface MdSuperblock {
  readonly arrayUuid: string;
  /** `<homehost>:<name>`. */
  readonly name: string;
  readonly level: number;
  readonly raidDisks: number;
  /** How many of these are new, while a reshape is under way. */
  readonly deltaDisks?: number;
  /** It is being filled, and doesn't hold its share yet. */
  readonly isRecovering?: boolean;
  /** It is being filled while the one that it replaces still works. */
  readonly isReplacement?: boolean;
  readonly chunkBytes: number;
  /** Bytes of each member that the array uses. */
  readonly usedBytes: number;
  readonly dataOffsetBytes: number;
  readonly deviceNumber: number;
  readonly deviceUuid: string;
  readonly createdAtSeconds: number;
  readonly updatedAtSeconds: number;
  readonly events: number;
  /** How far the members agree; undefined when they agree everywhere. */
  readonly resyncOffsetBytes: number | undefined;
  readonly hasBitmap: boolean;
  readonly roles: readonly Role[];
}

export const mdSuperblockOffset = SUPERBLOCK_OFFSET;

export function writeMdSuperblock(content: Content, superblock: MdSuperblock): void {
  const view = new DataView(new ArrayBuffer(SUPERBLOCK_BYTES));
  const sectors = (at: number, bytes: number): void =>
    view.setBigUint64(at, BigInt(Math.floor(bytes / SECTOR_BYTES)), true);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, 1, true);
  view.setUint32(8, features(superblock), true);
  view.setInt32(112, superblock.deltaDisks ?? 0, true);
  view.setBigUint64(64, BigInt(superblock.createdAtSeconds), true);
  view.setInt32(72, superblock.level, true);
  sectors(80, superblock.usedBytes);
  view.setUint32(88, superblock.chunkBytes / SECTOR_BYTES, true);
  view.setUint32(92, superblock.raidDisks, true);
  sectors(128, superblock.dataOffsetBytes);
  sectors(136, superblock.usedBytes);
  view.setBigUint64(144, BigInt(SUPERBLOCK_OFFSET / SECTOR_BYTES), true);
  view.setUint32(160, superblock.deviceNumber, true);
  view.setBigUint64(192, BigInt(superblock.updatedAtSeconds), true);
  view.setBigUint64(200, BigInt(superblock.events), true);
  if (superblock.resyncOffsetBytes === undefined) view.setBigUint64(208, ALL_SYNCED, true);
  else sectors(208, superblock.resyncOffsetBytes);
  view.setUint32(220, superblock.roles.length, true);
  superblock.roles.slice(0, ROLES_MAX).forEach((role, index) => {
    view.setUint16(256 + 2 * index, encodeRole(role), true);
  });
  content.write(SUPERBLOCK_OFFSET, new Uint8Array(view.buffer));
  writeUuid(content, SUPERBLOCK_OFFSET + 16, superblock.arrayUuid);
  writeText(content, SUPERBLOCK_OFFSET + 32, superblock.name.slice(0, 32));
  writeUuid(content, SUPERBLOCK_OFFSET + 168, superblock.deviceUuid);
}

export function readMdSuperblock(content: Content): MdSuperblock | undefined {
  const bytes = content.read(SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES);
  if (bytes.length < SUPERBLOCK_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const sectors = (at: number): number => Number(view.getBigUint64(at, true)) * SECTOR_BYTES;
  const roleCount = Math.min(view.getUint32(220, true), ROLES_MAX);
  return {
    arrayUuid: readUuid(content, SUPERBLOCK_OFFSET + 16),
    name: readText(content, SUPERBLOCK_OFFSET + 32, 32),
    level: view.getInt32(72, true),
    raidDisks: view.getUint32(92, true),
    deltaDisks: view.getInt32(112, true),
    isRecovering: (view.getUint32(8, true) & RECOVERING) !== 0,
    isReplacement: (view.getUint32(8, true) & REPLACEMENT) !== 0,
    chunkBytes: view.getUint32(88, true) * SECTOR_BYTES,
    usedBytes: sectors(80),
    dataOffsetBytes: sectors(128),
    deviceNumber: view.getUint32(160, true),
    deviceUuid: readUuid(content, SUPERBLOCK_OFFSET + 168),
    createdAtSeconds: Number(view.getBigUint64(64, true)),
    updatedAtSeconds: Number(view.getBigUint64(192, true)),
    events: Number(view.getBigUint64(200, true)),
    resyncOffsetBytes: view.getBigUint64(208, true) === ALL_SYNCED ? undefined : sectors(208),
    hasBitmap: (view.getUint32(8, true) & 1) === 1,
    roles: Array.from({ length: roleCount }, (_, index) =>
      decodeRole(view.getUint16(256 + 2 * index, true)),
    ),
  };
}

/** Bits of the feature map, as the kernel numbers them. */
const BITMAP = 1;
const RECOVERING = 2;
const RESHAPING = 4;
const REPLACEMENT = 16;

function features(superblock: MdSuperblock): number {
  return (
    (superblock.hasBitmap ? BITMAP : 0) |
    (superblock.isRecovering ? RECOVERING : 0) |
    (superblock.deltaDisks ? RESHAPING : 0) |
    (superblock.isReplacement ? REPLACEMENT : 0)
  );
}

export function eraseMdSuperblock(content: Content): void {
  content.zero(SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES);
}

function encodeRole(role: Role): number {
  return role === 'spare' ? 0xffff : role === 'faulty' ? ROLE_FAULTY : role;
}

function decodeRole(value: number): Role {
  return value === 0xffff ? 'spare' : value === ROLE_FAULTY ? 'faulty' : value;
}

/** mdadm's own way to write a UUID: `1ae21676:b5a50bcc:01234567:89abcdef`. */
export function colonUuid(uuid: string): string {
  const hex = uuid.replaceAll(/[-:]/g, '').toLowerCase();
  return (hex.match(/.{8}/g) ?? []).join(':');
}

/** The kernel's and blkid's way: `1ae21676-b5a5-0bcc-0123-456789abcdef`. */
export function dashUuid(uuid: string): string {
  const hex = uuid.replaceAll(/[-:]/g, '').toLowerCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
