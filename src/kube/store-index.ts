// Finds cached objects by anything that can be computed from them.
import type { Key } from './object-key.ts';

interface Bucket<V> {
  add(key: Key, value: V): void;
  remove(key: Key, value: V): void;
  readonly size: number;
  /** Handed out again and again until a member changes. */
  list(): readonly V[];
}

const EMPTY: readonly never[] = Object.freeze([]);

export class StoreIndex<V> {
  readonly #keysOf: (value: V) => readonly string[];
  readonly #compare: ((one: V, other: V) => number) | undefined;
  readonly #buckets = new Map<string, Bucket<V>>();

  /** With `compare`, what is found comes in that order; equal members come in any. */
  constructor(
    keysOf: (value: V) => readonly string[],
    compare?: ((one: V, other: V) => number) | undefined,
  ) {
    this.#keysOf = keysOf;
    this.#compare = compare;
  }

  find(indexKey: string): readonly V[] {
    return this.#buckets.get(indexKey)?.list() ?? EMPTY;
  }

  add(key: Key, value: V): void {
    for (const indexKey of this.#keysOf(value)) {
      const bucket = this.#buckets.get(indexKey) ?? this.#newBucket();
      bucket.add(key, value);
      this.#buckets.set(indexKey, bucket);
    }
  }

  remove(key: Key, value: V): void {
    for (const indexKey of this.#keysOf(value)) {
      const bucket = this.#buckets.get(indexKey);
      if (!bucket) continue;
      bucket.remove(key, value);
      if (bucket.size === 0) this.#buckets.delete(indexKey);
    }
  }

  #newBucket(): Bucket<V> {
    return this.#compare ? new SortedBucket(this.#compare) : new PlainBucket();
  }
}

class PlainBucket<V> implements Bucket<V> {
  readonly #members = new Map<Key, V>();
  #listed: readonly V[] | undefined;

  get size(): number {
    return this.#members.size;
  }

  add(key: Key, value: V): void {
    this.#members.set(key, value);
    this.#listed = undefined;
  }

  remove(key: Key): void {
    this.#members.delete(key);
    this.#listed = undefined;
  }

  list(): readonly V[] {
    this.#listed ??= Object.freeze([...this.#members.values()]);
    return this.#listed;
  }
}

/** Kept sorted: a change moves memory, which for ten thousand members takes microseconds. */
class SortedBucket<V> implements Bucket<V> {
  readonly #compare: (one: V, other: V) => number;
  readonly #members: V[] = [];
  #listed: readonly V[] | undefined;

  constructor(compare: (one: V, other: V) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#members.length;
  }

  add(_: Key, value: V): void {
    this.#members.splice(this.#firstNotBefore(value), 0, value);
    this.#listed = undefined;
  }

  remove(_: Key, value: V): void {
    for (let at = this.#firstNotBefore(value); at < this.#members.length; at++) {
      if (this.#members[at] === value) {
        this.#members.splice(at, 1);
        this.#listed = undefined;
        return;
      }
      if (this.#compare(this.#members[at]!, value) > 0) return;
    }
  }

  list(): readonly V[] {
    // Not frozen: that would cost more than all the rest.
    this.#listed ??= this.#members.slice();
    return this.#listed;
  }

  #firstNotBefore(value: V): number {
    let low = 0;
    let high = this.#members.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.#members[middle]!, value) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
