// Files as text by absolute path: one tree per filesystem, with the immutable flag of chattr.
import { DeviceError } from './sparse-bytes.ts';

export class FileTree {
  readonly files = new Map<string, string>();
  readonly directories = new Set<string>(['/']);
  readonly immutable = new Set<string>();
  /** Grows with every change. */
  changes = 0;
  readonly #changed: () => void;

  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  exists(path: string): boolean {
    return this.files.has(path) || this.directories.has(path);
  }

  write(path: string, content: string): void {
    const parent = parentOf(path);
    if (!this.directories.has(parent)) throw new DeviceError('ENOENT', path);
    this.#beforeChange(parent, path);
    this.files.set(path, content);
    this.#note();
  }

  remove(path: string): void {
    if (!this.files.has(path)) return;
    this.#beforeChange(parentOf(path), path);
    this.files.delete(path);
    this.#note();
  }

  /** Like `mkdir -p`. */
  makeDirectory(path: string): void {
    if (this.files.has(path)) throw new DeviceError('ENOTDIR', path);
    if (this.directories.has(path)) return;
    this.makeDirectory(parentOf(path));
    this.#beforeChange(parentOf(path), path);
    this.directories.add(path);
    this.#note();
  }

  removeDirectory(path: string): void {
    this.#beforeChange(parentOf(path), path);
    if (this.immutable.has(path)) throw new DeviceError('EPERM', path);
    this.directories.delete(path);
    this.#note();
  }

  /** Names in a directory, sorted; undefined when it isn't one. */
  list(path: string): string[] | undefined {
    if (!this.directories.has(path)) return undefined;
    const prefix = path === '/' ? '/' : `${path}/`;
    const names = new Set<string>();
    for (const entry of [...this.files.keys(), ...this.directories])
      if (entry !== path && entry.startsWith(prefix))
        names.add(entry.slice(prefix.length).split('/')[0]!);
    return [...names].sort();
  }

  setImmutable(path: string, immutable: boolean): void {
    if (immutable) this.immutable.add(path);
    else this.immutable.delete(path);
    this.#note();
  }

  /** Forgets everything below a directory, as a tmpfs does at reboot. */
  clear(path: string): void {
    this.changes++;
    const prefix = `${path}/`;
    for (const file of this.files.keys()) if (file.startsWith(prefix)) this.files.delete(file);
    for (const directory of this.directories)
      if (directory.startsWith(prefix)) this.directories.delete(directory);
  }

  usedBytes(): number {
    return [...this.files.values()].reduce((sum, text) => sum + text.length, 0);
  }

  toJson(): string {
    return JSON.stringify({
      files: [...this.files],
      directories: [...this.directories],
      immutable: [...this.immutable],
    });
  }

  loadJson(text: string): void {
    const stored = JSON.parse(text) as {
      files: [string, string][];
      directories: string[];
      immutable: string[];
    };
    for (const [path, content] of stored.files) this.files.set(path, content);
    for (const directory of stored.directories) this.directories.add(directory);
    for (const path of stored.immutable) this.immutable.add(path);
  }

  #note(): void {
    this.changes++;
    this.#changed();
  }

  #beforeChange(...paths: string[]): void {
    for (const path of paths) if (this.immutable.has(path)) throw new DeviceError('EPERM', path);
  }
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
