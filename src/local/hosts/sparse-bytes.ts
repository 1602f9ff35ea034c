// Byte storage for simulated disks: terabytes of zeros cost nothing, every written byte is kept.
// What a tool "finds" on a simulated disk is found by reading these bytes, never by asking a flag.

/** Anything that holds bytes at offsets: a disk, a window on a disk, an assembled array. */
export interface Content {
  readonly sizeBytes: number;
  /** Throws DeviceError EIO where the medium can't be read. The answer must not be changed. */
  read(offsetBytes: number, lengthBytes: number): Uint8Array;
  write(offsetBytes: number, bytes: Uint8Array): void;
  /** Makes the range read as zeros. */
  zero(offsetBytes: number, lengthBytes: number): void;
}

/** An error of the kernel with its symbolic number, as a real port would reject with. */
export class DeviceError extends Error {
  readonly code: 'EIO' | 'EBUSY' | 'ENOENT' | 'EPERM' | 'ENOTDIR' | 'EEXIST' | 'EROFS';

  constructor(code: DeviceError['code'], path: string) {
    super(`${code}: ${path}`);
    this.name = 'DeviceError';
    this.code = code;
  }
}

export const PAGE_BYTES = 4096;

/** What reads of untouched ranges return: one array for all, which nobody may change. */
const zeros = new Uint8Array(1024 * 1024);

export class SparseBytes implements Content {
  readonly sizeBytes: number;
  /** Grows with every write. */
  changes = 0;
  readonly #pages = new Map<number, Uint8Array>();

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  read(offsetBytes: number, lengthBytes: number): Uint8Array {
    const length = Math.max(0, Math.min(lengthBytes, this.sizeBytes - offsetBytes));
    if (length <= zeros.length && !this.#hasPageIn(offsetBytes, length))
      return zeros.subarray(0, length);
    const result = new Uint8Array(length);
    this.#eachPage(offsetBytes, result.length, (page, within, at, count) => {
      const bytes = this.#pages.get(page);
      if (bytes) result.set(bytes.subarray(within, within + count), at);
    });
    return result;
  }

  /** A long range of an almost empty disk is quicker to judge by going through the few pages. */
  #hasPageIn(offsetBytes: number, lengthBytes: number): boolean {
    if (lengthBytes < this.#pages.size * PAGE_BYTES) return true;
    for (const page of this.#pages.keys()) {
      const at = page * PAGE_BYTES;
      if (at < offsetBytes + lengthBytes && at + PAGE_BYTES > offsetBytes) return true;
    }
    return false;
  }

  write(offsetBytes: number, bytes: Uint8Array): void {
    this.changes++;
    this.#eachPage(offsetBytes, bytes.length, (page, within, at, count) => {
      let target = this.#pages.get(page);
      if (!target) {
        target = new Uint8Array(PAGE_BYTES);
        this.#pages.set(page, target);
      }
      target.set(bytes.subarray(at, at + count), within);
    });
  }

  zero(offsetBytes: number, lengthBytes: number): void {
    this.changes++;
    const end = offsetBytes + lengthBytes;
    for (const [page, bytes] of this.#pages) {
      const from = Math.max(offsetBytes - page * PAGE_BYTES, 0);
      const to = Math.min(end - page * PAGE_BYTES, PAGE_BYTES);
      if (from < to) bytes.fill(0, from, to);
    }
  }

  /** Offsets of the pages that hold anything but zeros, ascending. */
  usedPageOffsets(): number[] {
    const used = [...this.#pages].filter(([, bytes]) => bytes.some((byte) => byte !== 0));
    return used.map(([page]) => page * PAGE_BYTES).sort((left, right) => left - right);
  }

  #eachPage(
    offsetBytes: number,
    lengthBytes: number,
    visit: (page: number, within: number, at: number, count: number) => void,
  ): void {
    for (let at = 0; at < lengthBytes; ) {
      const page = Math.floor((offsetBytes + at) / PAGE_BYTES);
      const within = offsetBytes + at - page * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, lengthBytes - at);
      visit(page, within, at, count);
      at += count;
    }
  }
}

/** A partition: a window on its disk. */
export function windowOf(whole: Content, startBytes: number, sizeBytes: number): Content {
  return {
    sizeBytes,
    read: (offset, length) =>
      whole.read(startBytes + offset, Math.max(0, Math.min(length, sizeBytes - offset))),
    write: (offset, bytes) => whole.write(startBytes + offset, bytes),
    zero: (offset, length) => whole.zero(startBytes + offset, Math.min(length, sizeBytes - offset)),
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('latin1');

export function writeText(content: Content, offsetBytes: number, text: string): void {
  content.write(offsetBytes, encoder.encode(text));
}

/** Text up to the first NUL. */
export function readText(content: Content, offsetBytes: number, lengthBytes: number): string {
  const text = decoder.decode(content.read(offsetBytes, lengthBytes));
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

export function writeUuid(content: Content, offsetBytes: number, uuid: string): void {
  content.write(offsetBytes, Buffer.from(uuid.replaceAll(/[-:]/g, ''), 'hex'));
}

/** Sixteen bytes as `8-4-4-4-12` hexadecimal digits. */
export function readUuid(content: Content, offsetBytes: number): string {
  const hex = Buffer.from(content.read(offsetBytes, 16)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
