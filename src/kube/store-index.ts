// Finds cached objects by anything that can be computed from them.
import type { Key } from './object-key.ts';

interface Bucket<V> {
  readonly members: Map<Key, V>;
  /** Handed out again and again until a member changes. */
  listed: readonly V[] | undefined;
}

const EMPTY: readonly never[] = Object.freeze([]);

export class StoreIndex<V> {
  readonly #keysOf: (value: V) => readonly string[];
  readonly #buckets = new Map<string, Bucket<V>>();

  constructor(keysOf: (value: V) => readonly string[]) {
    this.#keysOf = keysOf;
  }

  find(indexKey: string): readonly V[] {
    const bucket = this.#buckets.get(indexKey);
    if (!bucket) return EMPTY;
    bucket.listed ??= Object.freeze([...bucket.members.values()]);
    return bucket.listed;
  }

  add(key: Key, value: V): void {
    for (const indexKey of this.#keysOf(value)) {
      const bucket = this.#buckets.get(indexKey) ?? { members: new Map(), listed: undefined };
      bucket.members.set(key, value);
      bucket.listed = undefined;
      this.#buckets.set(indexKey, bucket);
    }
  }

  remove(key: Key, value: V): void {
    for (const indexKey of this.#keysOf(value)) {
      const bucket = this.#buckets.get(indexKey);
      if (!bucket) continue;
      bucket.members.delete(key);
      bucket.listed = undefined;
      if (bucket.members.size === 0) this.#buckets.delete(indexKey);
    }
  }
}
