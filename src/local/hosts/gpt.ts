// GUID partition tables as bytes: protective MBR, primary header and entries, backup header.

import type { Random } from '../../runtime/random.ts';
import { randomUuid } from '../../runtime/random.ts';
import { type Content, readText, readUuid, writeText, writeUuid } from './sparse-bytes.ts';

export const SECTOR_BYTES = 512;
const HEADER_MAGIC = 'EFI PART';
const ENTRY_BYTES = 128;
const ENTRY_MAX = 16;

export interface Partition {
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly label: string;
  readonly uuid: string;
}

export interface PartitionRequest {
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly label?: string;
}

export function backupHeaderOffset(content: Content): number {
  return content.sizeBytes - SECTOR_BYTES;
}

export function hasProtectiveMbr(content: Content): boolean {
  const sector = content.read(0, SECTOR_BYTES);
  return sector[510] === 0x55 && sector[511] === 0xaa && sector[446 + 4] === 0xee;
}

export function hasHeaderAt(content: Content, offsetBytes: number): boolean {
  return readText(content, offsetBytes, HEADER_MAGIC.length) === HEADER_MAGIC;
}

export function writeTable(
  content: Content,
  random: Random,
  partitions: readonly PartitionRequest[],
): void {
  const mbr = new Uint8Array(SECTOR_BYTES);
  mbr[446 + 4] = 0xee;
  mbr[510] = 0x55;
  mbr[511] = 0xaa;
  content.write(0, mbr);
  const tableUuid = randomUuid(random);
  for (const offset of [SECTOR_BYTES, backupHeaderOffset(content)]) {
    writeText(content, offset, HEADER_MAGIC);
    writeUuid(content, offset + 56, tableUuid);
  }
  for (const partition of partitions) writeEntry(content, random, partition);
}

function writeEntry(content: Content, random: Random, partition: PartitionRequest): void {
  const at = 2 * SECTOR_BYTES + (partition.number - 1) * ENTRY_BYTES;
  writeUuid(content, at, '0fc63daf-8483-4772-8e79-3d69d8477de4');
  writeUuid(content, at + 16, randomUuid(random));
  const numbers = new DataView(new ArrayBuffer(16));
  numbers.setBigUint64(0, BigInt(partition.startBytes / SECTOR_BYTES), true);
  const lastSector = (partition.startBytes + partition.sizeBytes) / SECTOR_BYTES - 1;
  numbers.setBigUint64(8, BigInt(lastSector), true);
  content.write(at + 32, new Uint8Array(numbers.buffer));
  content.write(at + 56, Buffer.from((partition.label ?? '').slice(0, 36), 'utf16le'));
}

export function tableUuid(content: Content): string {
  return readUuid(content, SECTOR_BYTES + 56);
}

/** The partitions the kernel would show; none without a primary table. */
export function readPartitions(content: Content): Partition[] {
  if (!hasProtectiveMbr(content) || !hasHeaderAt(content, SECTOR_BYTES)) return [];
  const partitions: Partition[] = [];
  for (let index = 0; index < ENTRY_MAX; index++) {
    const at = 2 * SECTOR_BYTES + index * ENTRY_BYTES;
    const entry = Buffer.from(content.read(at, ENTRY_BYTES));
    const start = Number(entry.readBigUInt64LE(32)) * SECTOR_BYTES;
    if (start === 0) continue;
    partitions.push({
      number: index + 1,
      startBytes: start,
      sizeBytes: (Number(entry.readBigUInt64LE(40)) + 1) * SECTOR_BYTES - start,
      label: entry.toString('utf16le', 56).replace(/\0.*$/s, ''),
      uuid: readUuid(content, at + 16),
    });
  }
  return partitions;
}
