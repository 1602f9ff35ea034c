// Keeps the store on disk: one file of JSON lines, a header and then every object and change.
// A line is handed to the operating system before the client hears of the write, so a killed
// process loses nothing it confirmed. A last line that was cut off is a write nobody heard of.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { asObject, deepFreeze } from '../objects/json.ts';
import { type KubeObject, keyOf } from '../objects/kube-object.ts';
import type { Change } from './shelf.ts';
import { Store } from './store.ts';

interface Header {
  readonly revision: number;
  /** Signs service-account tokens, so that they outlive a restart. Base64. */
  readonly tokenKey: string;
}

/** The file is rewritten when changes have made it this much larger than its objects need. */
const REWRITE_FACTOR = 4;
const REWRITE_FLOOR_BYTES = 16 * 1024 * 1024;

export class Journal {
  readonly store: Store;
  readonly tokenKey: Uint8Array;
  readonly #path: string;
  #file = -1;
  #sizeBytes = 0;
  #compactBytes = 0;

  /** Reads what is there; `newTokenKey` is used when nothing is. */
  constructor(directory: string, newTokenKey: Uint8Array) {
    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, 'objects.jsonl');
    const { header, shelves } = read(this.#path);
    this.tokenKey = header ? Buffer.from(header.tokenKey, 'base64') : newTokenKey;
    this.store = new Store(header?.revision);
    for (const [shelf, objects] of shelves) {
      for (const [key, object] of objects) this.store.shelf(shelf).restore(key, deepFreeze(object));
    }
    this.#rewrite();
    this.store.onCommit((shelf, change) => this.#append(shelf, change));
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  #append(shelf: string, change: Change): void {
    if (this.#file < 0) return;
    const { revision, key, object } = change;
    const deleted = change.type === 'DELETED';
    this.#write(deleted ? { shelf, deleted: key, revision } : { shelf, object, revision });
    const limit = Math.max(REWRITE_FLOOR_BYTES, REWRITE_FACTOR * this.#compactBytes);
    if (this.#sizeBytes > limit) this.#rewrite();
  }

  #write(line: object): void {
    this.#sizeBytes += writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  /** Writes all objects to a new file and puts it in the old one's place at once. */
  #rewrite(): void {
    this.close();
    const fresh = `${this.#path}.new`;
    this.#file = openSync(fresh, 'w', 0o600);
    this.#sizeBytes = 0;
    const tokenKey = Buffer.from(this.tokenKey).toString('base64');
    this.#write({ revision: this.store.revision, tokenKey } satisfies Header);
    for (const shelf of this.store.shelves()) {
      for (const object of shelf.list()) this.#write({ shelf: shelf.name, object });
    }
    fsyncSync(this.#file);
    renameSync(fresh, this.#path);
    this.#compactBytes = this.#sizeBytes;
  }
}

type Shelves = Map<string, Map<string, KubeObject>>;

function read(path: string): { header: Header | undefined; shelves: Shelves } {
  const shelves: Shelves = new Map();
  if (!existsSync(path)) return { header: undefined, shelves };
  const lines = readFileSync(path, 'utf8').split('\n');
  let header: Header | undefined;
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const entry = parseLine(line);
    if (!entry) {
      const last = lines.slice(index + 1).every((rest) => rest === '');
      if (last) break;
      throw new Error(`${path}:${index + 1} is damaged; move the file away to start anew`);
    }
    if (!header) header = entry as unknown as Header;
    else header = { ...header, revision: replay(shelves, entry, header.revision) };
  }
  return { header, shelves };
}

function replay(shelves: Shelves, entry: Record<string, unknown>, revision: number): number {
  const name = String(entry['shelf']);
  const shelf = shelves.get(name) ?? new Map<string, KubeObject>();
  shelves.set(name, shelf);
  const object = entry['object'] as KubeObject | undefined;
  if (object) shelf.set(keyOf(object), object);
  else shelf.delete(String(entry['deleted']));
  return Math.max(revision, Number(entry['revision'] ?? 0));
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(line));
  } catch {
    return undefined;
  }
}
