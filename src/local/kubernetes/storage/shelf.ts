// One shelf holds all objects of one resource, ordered by key, and remembers its latest changes,
// so that watches can resume and lists can be read as they were a moment ago.
import type { KubeObject, ObjectKey } from '../objects/kube-object.ts';

export interface Change {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: ObjectKey;
  /** The object as written; for a deletion its last state with the deletion's version. */
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

/** Enough for a client that was away for a while; older ones are told to list again. */
export const HISTORY_LIMIT = 4096;

export class Shelf {
  readonly name: string;
  readonly #objects = new Map<ObjectKey, KubeObject>();
  readonly #listeners = new Set<(change: Change) => void>();
  #sortedKeys: ObjectKey[] = [];
  #history: Change[] = [];
  /** Changes up to this revision are forgotten. */
  #forgottenThrough: number;

  constructor(name: string, forgottenThrough: number) {
    this.name = name;
    this.#forgottenThrough = forgottenThrough;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(key);
  }

  /** Keys in order, of one namespace or all. */
  keys(namespace?: string): ObjectKey[] {
    if (!namespace) return this.#sortedKeys.slice();
    const from = lowerBound(this.#sortedKeys, `${namespace}/`);
    // '0' is the character after '/'.
    const to = lowerBound(this.#sortedKeys, `${namespace}0`);
    return this.#sortedKeys.slice(from, to);
  }

  list(namespace?: string): KubeObject[] {
    return this.keys(namespace).map((key) => this.#objects.get(key)!);
  }

  /** The objects as of `revision`, in key order, or undefined when that is forgotten. */
  listAt(revision: number, namespace?: string): KubeObject[] | undefined {
    if (revision < this.#forgottenThrough) return undefined;
    const later = this.since(revision);
    if (!later || later.length === 0) return this.list(namespace);
    const objects = new Map(this.#objects);
    for (const change of later.toReversed()) {
      if (change.previous) objects.set(change.key, change.previous);
      else objects.delete(change.key);
    }
    const keys = [...objects.keys()].sort();
    const prefix = namespace ? `${namespace}/` : '';
    return keys.filter((key) => key.startsWith(prefix)).map((key) => objects.get(key)!);
  }

  /** Changes after `revision`, or undefined when some of them are forgotten. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.#forgottenThrough) return undefined;
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  apply(change: Change): void {
    if (change.type === 'DELETED') this.#remove(change.key);
    else this.#put(change.key, change.object);
    this.#history.push(change);
    if (this.#history.length >= 2 * HISTORY_LIMIT) this.forget(HISTORY_LIMIT);
    for (const listener of this.#listeners) listener(change);
  }

  /** Puts an object back after a restart: nobody is told, nothing is remembered. */
  restore(key: ObjectKey, object: KubeObject): void {
    this.#put(key, object);
  }

  /** Forgets all but the newest `keep` changes, as a compaction does. */
  forget(keep: number): void {
    const forgotten = this.#history.slice(0, Math.max(0, this.#history.length - keep));
    const last = forgotten.at(-1);
    if (!last) return;
    this.#forgottenThrough = last.revision;
    this.#history = this.#history.slice(forgotten.length);
  }

  #put(key: ObjectKey, object: KubeObject): void {
    if (!this.#objects.has(key)) {
      this.#sortedKeys.splice(lowerBound(this.#sortedKeys, key), 0, key);
    }
    this.#objects.set(key, object);
  }

  #remove(key: ObjectKey): void {
    if (this.#objects.delete(key)) {
      this.#sortedKeys.splice(lowerBound(this.#sortedKeys, key), 1);
    }
  }
}

function lowerBound(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
