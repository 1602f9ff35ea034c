// One software RAID array as the kernel runs it: which member holds what, and how far it has synced.
//
// Data is kept on the members themselves, so an array is exactly as gone as its members' bytes are.
// Every 512 KiB chunk is stored on as many members as the level survives losing, plus one; for
// RAID1 that is the true layout, for the parity levels it stands in for computing parity.
import { assert } from '../../runtime/assert.ts';
import {
  type MdSuperblock,
  type Role,
  readMdSuperblock,
  writeMdSuperblock,
} from './md-superblock.ts';
import { type Content, DeviceError, writeText } from './sparse-bytes.ts';

const COPY_CHUNK_BYTES = 512 * 1024;
/** The write-intent bitmap lies behind the superblock and outlives it when that is zeroed. */
const BITMAP_OFFSET = 8192;

export interface ArrayMember {
  readonly kernelName: string;
  readonly content: Content;
  readonly deviceNumber: number;
  readonly deviceUuid: string;
  /** The place in the array; spares and failed members have none. */
  slot: number | undefined;
  state: 'active' | 'rebuilding' | 'spare' | 'faulty';
}

export interface ArraySync {
  readonly action: 'resync' | 'recover' | 'check' | 'reshape';
  readonly fromBytes: number;
  readonly startedAtMilliseconds: number;
}

export interface ArrayShape {
  readonly uuid: string;
  readonly name: string;
  readonly level: number;
  readonly raidDisks: number;
  readonly chunkBytes: number;
  readonly usedBytes: number;
  readonly dataOffsetBytes: number;
  readonly createdAtSeconds: number;
  readonly hasBitmap: boolean;
}

export function toleratedFailures(level: number, raidDisks: number): number {
  if (level === 1) return raidDisks - 1;
  if (level === 6) return 2;
  return level === 0 ? 0 : 1;
}

function dataDisks(level: number, raidDisks: number): number {
  if (level === 1) return 1;
  if (level === 10) return Math.floor(raidDisks / 2);
  return level === 0 ? raidDisks : raidDisks - (level === 6 ? 2 : 1);
}

export class MdArray implements Content {
  readonly kernelName: string;
  readonly shape: ArrayShape;
  readonly members: ArrayMember[];
  started = false;
  /** After assembly an array stays "read-auto" until the first write. */
  readAuto = false;
  events = 0;
  sync: ArraySync | undefined;
  mismatchCount = 0;

  constructor(kernelName: string, shape: ArrayShape, members: ArrayMember[]) {
    this.kernelName = kernelName;
    this.shape = shape;
    this.members = members;
  }

  get sizeBytes(): number {
    return dataDisks(this.shape.level, this.shape.raidDisks) * this.shape.usedBytes;
  }

  /** The name without the home host, as it appears under /dev/md/. */
  get linkName(): string {
    return this.shape.name.split(':').at(-1) ?? this.shape.name;
  }

  get degraded(): number {
    return this.shape.raidDisks - this.members.filter(({ state }) => state === 'active').length;
  }

  get failed(): boolean {
    return this.degraded > toleratedFailures(this.shape.level, this.shape.raidDisks);
  }

  memberAt(slot: number): ArrayMember | undefined {
    return this.members.find((member) => member.slot === slot && member.state === 'active');
  }

  read(offsetBytes: number, lengthBytes: number): Uint8Array {
    const result = new Uint8Array(Math.max(0, Math.min(lengthBytes, this.sizeBytes - offsetBytes)));
    this.#eachChunk(offsetBytes, result.length, (at, from, count, holders) => {
      const holder = holders.find((member) => member.state === 'active');
      if (!holder) throw new DeviceError('EIO', `/dev/${this.kernelName}`);
      result.set(holder.content.read(this.shape.dataOffsetBytes + at, count), from);
    });
    return result;
  }

  write(offsetBytes: number, bytes: Uint8Array): void {
    this.#beforeWrite();
    this.#eachChunk(offsetBytes, bytes.length, (at, from, count, holders) => {
      for (const { content } of holders)
        content.write(this.shape.dataOffsetBytes + at, bytes.subarray(from, from + count));
    });
  }

  zero(offsetBytes: number, lengthBytes: number): void {
    this.#beforeWrite();
    const start = this.shape.dataOffsetBytes + offsetBytes;
    for (const { content, state } of this.members)
      if (state === 'active') content.zero(start, Math.min(lengthBytes, this.sizeBytes));
  }

  #beforeWrite(): void {
    if (!this.started || this.failed) throw new DeviceError('EIO', `/dev/${this.kernelName}`);
    this.readAuto = false;
  }

  #eachChunk(
    offsetBytes: number,
    lengthBytes: number,
    visit: (at: number, from: number, count: number, holders: ArrayMember[]) => void,
  ): void {
    const { level, raidDisks } = this.shape;
    const copies = toleratedFailures(level, raidDisks) + 1;
    for (let from = 0; from < lengthBytes; ) {
      const at = offsetBytes + from;
      const chunk = Math.floor(at / COPY_CHUNK_BYTES);
      const count = Math.min((chunk + 1) * COPY_CHUNK_BYTES - at, lengthBytes - from);
      const slots = Array.from({ length: copies }, (_, copy) => (chunk + copy) % raidDisks);
      const holders = slots.map((slot) => this.memberAt(slot)).filter((member) => !!member);
      visit(at, from, count, holders);
      from += count;
    }
  }

  /** Bytes of each member that the running sync has covered; undefined when none runs. */
  syncPosition(nowMilliseconds: number, bytesPerSecond: number): number | undefined {
    if (!this.sync) return undefined;
    if (!Number.isFinite(bytesPerSecond)) return this.shape.usedBytes;
    const seconds = (nowMilliseconds - this.sync.startedAtMilliseconds) / 1000;
    return Math.min(this.shape.usedBytes, this.sync.fromBytes + seconds * bytesPerSecond);
  }

  /** Finishes a sync whose time has come, then starts the next one a waiting spare calls for. */
  settle(nowMilliseconds: number, bytesPerSecond: number): void {
    if (!this.started) return;
    const position = this.syncPosition(nowMilliseconds, bytesPerSecond);
    if (position !== undefined && position >= this.shape.usedBytes) this.#finishSync();
    if (!this.sync && this.degraded > 0 && !this.failed) this.#startRecovery(nowMilliseconds);
  }

  #finishSync(): void {
    const rebuilt = this.members.filter(({ state }) => state === 'rebuilding');
    for (const member of rebuilt) {
      member.state = 'active';
      this.#copyTo(member);
    }
    this.sync = undefined;
    this.persist();
  }

  /** Brings a rebuilt member's share of the data over from those who have it. */
  #copyTo(member: ArrayMember): void {
    const offsets = new Set<number>();
    for (const other of this.members) {
      const bytes = (other.content as { bytes?: { usedPageOffsets(): number[] } }).bytes;
      if (other !== member && other.state === 'active')
        for (const offset of bytes?.usedPageOffsets() ?? []) offsets.add(offset);
    }
    for (const offset of offsets) {
      const at = offset - this.shape.dataOffsetBytes;
      if (at < 0 || at >= this.sizeBytes) continue;
      const source = this.members.find((other) => other !== member && other.state === 'active');
      if (source) member.content.write(offset, source.content.read(offset, 4096));
    }
  }

  #startRecovery(nowMilliseconds: number): void {
    const spare = this.members.find(({ state }) => state === 'spare');
    if (!spare || this.shape.level === 0) return;
    const taken = new Set(this.members.map(({ slot }) => slot));
    const free = Array.from({ length: this.shape.raidDisks }, (_, slot) => slot);
    spare.slot = free.find((slot) => !taken.has(slot));
    spare.state = 'rebuilding';
    this.sync = { action: 'recover', fromBytes: 0, startedAtMilliseconds: nowMilliseconds };
    this.persist();
  }

  fail(member: ArrayMember): void {
    member.state = 'faulty';
    member.slot = undefined;
    if (this.failed || this.sync?.action === 'recover') this.sync = undefined;
    this.persist();
  }

  /** Writes the array's state into every working member's superblock. */
  persist(resyncOffsetBytes?: number): void {
    this.events += 2;
    for (const member of this.members)
      if (member.state !== 'faulty') this.persistMember(member, resyncOffsetBytes);
  }

  persistMember(member: ArrayMember, resyncOffsetBytes = this.sync?.fromBytes): void {
    const roles: Role[] = [];
    for (const { deviceNumber, slot, state } of this.members)
      roles[deviceNumber] = state === 'faulty' ? 'faulty' : (slot ?? 'spare');
    const superblock: MdSuperblock = {
      arrayUuid: this.shape.uuid,
      name: this.shape.name,
      level: this.shape.level,
      raidDisks: this.shape.raidDisks,
      chunkBytes: this.shape.chunkBytes,
      usedBytes: this.shape.usedBytes,
      dataOffsetBytes: this.shape.dataOffsetBytes,
      deviceNumber: member.deviceNumber,
      deviceUuid: member.deviceUuid,
      createdAtSeconds: this.shape.createdAtSeconds,
      updatedAtSeconds: this.shape.createdAtSeconds,
      events: this.events,
      resyncOffsetBytes: this.sync ? resyncOffsetBytes : undefined,
      hasBitmap: this.shape.hasBitmap,
      roles: Array.from(roles, (role) => role ?? 'spare'),
    };
    writeMdSuperblock(member.content, superblock);
    if (this.shape.hasBitmap) writeText(member.content, BITMAP_OFFSET, 'bitm');
  }
}

/** Puts an array together from members that all carry the same array UUID; not yet started. */
export function assemble(
  kernelName: string,
  devices: readonly { kernelName: string; content: Content }[],
): MdArray {
  const found = devices.map((device) => ({ device, superblock: readMdSuperblock(device.content) }));
  const newest = found.reduce((best, next) =>
    (next.superblock?.events ?? -1) > (best.superblock?.events ?? -1) ? next : best,
  ).superblock;
  assert(newest, 'assemble() needs at least one device with a superblock');
  const members = found.map(({ device, superblock }): ArrayMember => {
    const deviceNumber = superblock?.deviceNumber ?? 0;
    const role = newest.roles[deviceNumber] ?? 'spare';
    return {
      kernelName: device.kernelName,
      content: device.content,
      deviceNumber,
      deviceUuid: superblock?.deviceUuid ?? '',
      slot: typeof role === 'number' ? role : undefined,
      state: typeof role === 'number' ? 'active' : role,
    };
  });
  const array = new MdArray(
    kernelName,
    {
      uuid: newest.arrayUuid,
      name: newest.name,
      level: newest.level,
      raidDisks: newest.raidDisks,
      chunkBytes: newest.chunkBytes,
      usedBytes: newest.usedBytes,
      dataOffsetBytes: newest.dataOffsetBytes,
      createdAtSeconds: newest.createdAtSeconds,
      hasBitmap: newest.hasBitmap,
    },
    members,
  );
  array.events = newest.events;
  array.readAuto = true;
  if (newest.resyncOffsetBytes !== undefined)
    array.sync = {
      action: 'resync',
      fromBytes: newest.resyncOffsetBytes,
      startedAtMilliseconds: 0,
    };
  return array;
}
