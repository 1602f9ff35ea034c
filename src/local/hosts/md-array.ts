// One software RAID array as the kernel runs it: which member holds what, and how far it has synced.
//
// Data is kept on the members themselves, so an array is exactly as gone as its members' bytes are.
// Every 512 KiB chunk is stored on as many members as the level survives losing, plus one; for
// RAID1 that is the true layout, for the parity levels it stands in for computing parity.
import { type MdSuperblock, type Role, writeMdSuperblock } from './md-superblock.ts';
import { type Content, DeviceError, PAGE_BYTES, writeText } from './sparse-bytes.ts';

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
  /** Is being filled to take over the place of a member that still works. */
  replaces?: boolean;
  wantsReplacement?: boolean;
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

/** What a device of this size can give to an array; whole mebibytes. */
export function memberCapacity(deviceBytes: number, dataOffsetBytes: number): number {
  return Math.floor((deviceBytes - dataOffsetBytes) / 1024 ** 2) * 1024 ** 2;
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
  kernelName: string;
  shape: ArrayShape;
  readonly members: ArrayMember[];
  started = false;
  /** Set while the data is spread over more members; it lies as before until that is done. */
  reshapeTo: number | undefined;
  /** After assembly an array stays "read-auto" until the first write. */
  readAuto = false;
  events = 0;
  /** The kernel's word for what the last sync was, running, over or broken off. */
  lastSyncAction = 'none';
  #sync: ArraySync | undefined;
  mismatchCount = 0;
  /** What the next comparison will find. */
  mismatches = 0;

  constructor(kernelName: string, shape: ArrayShape, members: ArrayMember[]) {
    this.kernelName = kernelName;
    this.shape = shape;
    this.members = members;
  }

  get sync(): ArraySync | undefined {
    return this.#sync;
  }

  set sync(sync: ArraySync | undefined) {
    if (sync) this.lastSyncAction = sync.action === 'recover' ? 'recovery' : sync.action;
    this.#sync = sync;
  }

  get sizeBytes(): number {
    return dataDisks(this.shape.level, this.shape.raidDisks) * this.shape.usedBytes;
  }

  /** The name without the home host, as it appears under /dev/md/. */
  get linkName(): string {
    return this.shape.name.split(':').at(-1) ?? this.shape.name;
  }

  get degraded(): number {
    const working = this.members.filter(({ state, replaces }) => state === 'active' && !replaces);
    return (this.reshapeTo ?? this.shape.raidDisks) - working.length;
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
    if (!this.sync && this.members.some(({ replaces }) => replaces)) this.#recover(nowMilliseconds);
  }

  #recover(nowMilliseconds: number): void {
    this.sync = { action: 'recover', fromBytes: 0, startedAtMilliseconds: nowMilliseconds };
    this.persist();
  }

  #finishSync(): void {
    const { action } = this.sync!;
    this.sync = undefined;
    if (action === 'check') this.mismatchCount = this.mismatches;
    if (action === 'reshape') this.#finishReshape();
    else if (action === 'recover') this.#finishRecovery();
    this.persist();
  }

  /** Brings the data over from those who have it, then lets those go whose place was taken. */
  #finishRecovery(): void {
    const pages = this.#usedPages();
    for (const member of this.members.filter(({ state }) => state === 'rebuilding')) {
      const former = this.members.find(
        (other) => other !== member && other.slot === member.slot && other.state === 'active',
      );
      if (former) Object.assign(former, { state: 'faulty', slot: undefined });
      Object.assign(member, { state: 'active', replaces: false });
    }
    this.#writePages(pages);
  }

  #finishReshape(): void {
    const pages = this.#usedPages();
    this.shape = { ...this.shape, raidDisks: this.reshapeTo ?? this.shape.raidDisks };
    this.reshapeTo = undefined;
    this.#writePages(pages);
  }

  /** Everything the array holds, by its offset there. */
  #usedPages(): Map<number, Uint8Array> {
    const pages = new Map<number, Uint8Array>();
    for (const { content, state } of this.members) {
      const bytes = (content as { bytes?: { usedPageOffsets(): number[] } }).bytes;
      if (state !== 'active') continue;
      for (const offset of bytes?.usedPageOffsets() ?? []) {
        const at = offset - this.shape.dataOffsetBytes;
        if (at >= 0 && at < this.sizeBytes) pages.set(at, this.read(at, PAGE_BYTES).slice());
      }
    }
    return pages;
  }

  #writePages(pages: ReadonlyMap<number, Uint8Array>): void {
    for (const [at, bytes] of pages) this.write(at, bytes);
  }

  /** `--replace OLD --with NEW`: the old one works on until the new one has all of its share. */
  replace(old: ArrayMember, replacement: ArrayMember, nowMilliseconds: number): void {
    old.wantsReplacement = true;
    Object.assign(replacement, { slot: old.slot, state: 'rebuilding', replaces: true });
    if (!this.sync) this.#recover(nowMilliseconds);
  }

  /** Takes waiting spares into use. A mirror just gets more copies; others are reshaped. */
  grow(raidDisks: number, nowMilliseconds: number): void {
    const { level } = this.shape;
    if (level === 1) {
      const working = this.members.filter(({ state }) => state === 'active');
      for (const [slot, member] of working.entries()) member.slot = slot;
      this.shape = { ...this.shape, raidDisks };
      this.persist();
      return;
    }
    const before = this.shape.raidDisks;
    const spares = this.members.filter(({ state }) => state === 'spare');
    for (let slot = before; slot < raidDisks; slot++)
      Object.assign(spares[slot - before]!, { slot, state: 'active' });
    this.reshapeTo = raidDisks;
    this.sync = { action: 'reshape', fromBytes: 0, startedAtMilliseconds: nowMilliseconds };
    this.persist();
  }

  /** Uses what the smallest member has; what is new is synced. */
  growMembers(usedBytes: number, nowMilliseconds: number): void {
    const fromBytes = this.shape.usedBytes;
    this.shape = { ...this.shape, usedBytes };
    this.sync = { action: 'resync', fromBytes, startedAtMilliseconds: nowMilliseconds };
    this.persist();
  }

  startCheck(nowMilliseconds: number): void {
    this.readAuto = false;
    this.sync = { action: 'check', fromBytes: 0, startedAtMilliseconds: nowMilliseconds };
  }

  #startRecovery(nowMilliseconds: number): void {
    const spare = this.members.find(({ state }) => state === 'spare');
    if (!spare || this.shape.level === 0) return;
    const taken = new Set(this.members.map(({ slot }) => slot));
    const free = Array.from({ length: this.shape.raidDisks }, (_, slot) => slot);
    spare.slot = free.find((slot) => !taken.has(slot));
    spare.state = 'rebuilding';
    this.#recover(nowMilliseconds);
  }

  fail(member: ArrayMember): void {
    const { slot } = member;
    Object.assign(member, { state: 'faulty', slot: undefined, replaces: false });
    // Who was being filled in its place goes on as an ordinary rebuild.
    for (const other of this.members)
      if (other.slot === slot && other.replaces) other.replaces = false;
    const isBroken = this.sync?.action === 'recover' || this.sync?.action === 'check';
    if (this.failed || isBroken) this.sync = undefined;
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
    const { raidDisks } = this.shape;
    const superblock: MdSuperblock = {
      arrayUuid: this.shape.uuid,
      name: this.shape.name,
      level: this.shape.level,
      raidDisks: this.reshapeTo ?? raidDisks,
      deltaDisks: (this.reshapeTo ?? raidDisks) - raidDisks,
      isRecovering: member.state === 'rebuilding',
      isReplacement: member.replaces === true,
      chunkBytes: this.shape.chunkBytes,
      usedBytes: this.shape.usedBytes,
      dataOffsetBytes: this.shape.dataOffsetBytes,
      deviceNumber: member.deviceNumber,
      deviceUuid: member.deviceUuid,
      createdAtSeconds: this.shape.createdAtSeconds,
      updatedAtSeconds: this.shape.createdAtSeconds,
      events: this.events,
      resyncOffsetBytes:
        this.sync && this.sync.action !== 'check' ? (resyncOffsetBytes ?? 0) : undefined,
      hasBitmap: this.shape.hasBitmap,
      roles: Array.from(roles, (role) => role ?? 'spare'),
    };
    writeMdSuperblock(member.content, superblock);
    if (this.shape.hasBitmap) writeText(member.content, BITMAP_OFFSET, 'bitm');
  }
}
