// One view of a kind that is watched namespace by namespace: a store for each, none for any other. Every
// part keeps its own place in the stream of changes, so that a namespace whose watch lags neither hides
// what was written in it nor is taken for a list that goes back in time.
import type { AnyObject, DeepReadonly } from '../api/object.ts';
import { type Key, type ObjectReference, referenceOf } from './object-key.ts';
import type { Order, Store, StoreHandler } from './store.ts';

export class JoinedStore<T extends AnyObject> implements Store<T> {
  readonly #parts: ReadonlyMap<string, Store<T>>;
  readonly #orders: Readonly<Record<string, Order<T>>>;

  /** By namespace. An index that has an order is listed in it across all parts. */
  constructor(
    parts: ReadonlyMap<string, Store<T>>,
    orders: Readonly<Record<string, Order<T>>> = {},
  ) {
    this.#parts = parts;
    this.#orders = orders;
  }

  get(namespace: string | undefined, name: string): DeepReadonly<T> | undefined {
    return this.#parts.get(namespace ?? '')?.get(namespace, name);
  }

  byKey(key: Key): DeepReadonly<T> | undefined {
    return this.#partOf(referenceOf(key))?.byKey(key);
  }

  byUid(uid: string): DeepReadonly<T> | undefined {
    for (const part of this.#parts.values()) {
      const found = part.byUid(uid);
      if (found) return found;
    }
    return undefined;
  }

  list(namespace?: string): readonly DeepReadonly<T>[] {
    if (namespace !== undefined) return this.#parts.get(namespace)?.list() ?? [];
    return this.#all((part) => part.list());
  }

  byIndex(index: string, key: string): readonly DeepReadonly<T>[] {
    const found = this.#all((part) => part.byIndex(index, key));
    const order = this.#orders[index];
    return order ? [...found].sort(order) : found;
  }

  get size(): number {
    return [...this.#parts.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get synced(): boolean {
    return [...this.#parts.values()].every(({ synced }) => synced);
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#parts.values()].map((part) => part.whenSynced(signal)));
  }

  subscribe(handler: StoreHandler<T>): () => void {
    const ends = [...this.#parts.values()].map((part) => part.subscribe(handler));
    return () => {
      for (const end of ends) end();
    };
  }

  observe(object: T): void {
    this.#partOf(object.metadata)?.observe(object);
  }

  observeDeleted(reference: ObjectReference, uid: string | undefined): void {
    this.#partOf(reference)?.observeDeleted(reference, uid);
  }

  wroteAt(reference: ObjectReference, resourceVersion: string): void {
    this.#partOf(reference)?.wroteAt(reference, resourceVersion);
  }

  ready(reference: ObjectReference): boolean {
    return this.#partOf(reference)?.ready(reference) ?? true;
  }

  #partOf({ namespace }: { readonly namespace?: string | undefined }): Store<T> | undefined {
    return this.#parts.get(namespace ?? '');
  }

  /** Mostly all there is lies in one part: then nothing is copied. */
  #all(of: (part: Store<T>) => readonly DeepReadonly<T>[]): readonly DeepReadonly<T>[] {
    const filled = [...this.#parts.values()].map(of).filter(({ length }) => length > 0);
    return filled.length === 1 ? (filled[0] ?? []) : filled.flat();
  }
}
