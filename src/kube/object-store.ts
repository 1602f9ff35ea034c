// The store: what a reflector fills and controllers read.
//
// Reading one's own writes: the server's answer to a write goes straight into the cache
// (`observe`), so a controller never decides on a state older than what it wrote itself. Watch
// events that are older than such an answer are dropped, which needs ordered resourceVersions;
// where they can't be ordered nothing is taken in ahead of the watch, and `ready` stays false
// until the watch has caught up. Confirmed deletions leave a tombstone, so that a late event can't
// bring the object back. Both expire, because a lost event must not block a key for ever.
import type { AnyObject, DeepReadonly, Resource } from '../api/object.ts';
import { assert } from '../runtime/assert.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { Breather } from './breather.ts';
import { Expectations } from './expectations.ts';
import { freezeObject } from './freeze.ts';
import {
  compareVersions,
  isGoneFromServer,
  type Key,
  keyOf,
  type ObjectReference,
} from './object-key.ts';
import type {
  EventOrigin,
  IndexFunction,
  Order,
  Store,
  StoreEventType,
  StoreHandler,
} from './store.ts';
import { StoreIndex } from './store-index.ts';

export interface ObjectStoreOptions<T extends AnyObject> {
  readonly resource: Resource<T>;
  readonly runtime: Runtime;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  /** The order in which an index lists what it finds; without one, any. */
  readonly orders?: Readonly<Record<string, Order<T>>> | undefined;
  /** Which answers to our own writes belong in here: those the watch would show. Default: all. */
  readonly accepts?: ((object: DeepReadonly<T>) => boolean) | undefined;
}

/** A list that is older than what the watch has shown already; the server behind it lags. */
export class StaleListError extends PoolkeeperError {
  constructor(kind: string, listed: string, known: string) {
    super('StaleList', `${kind}: listed at version ${listed}, but ${known} was seen before`);
    this.name = 'StaleListError';
  }
}

export class ObjectStore<T extends AnyObject> implements Store<T> {
  readonly #options: ObjectStoreOptions<T>;
  readonly #runtime: Runtime;
  readonly #objects = new Map<Key, DeepReadonly<T>>();
  readonly #keysByUid = new Map<string, Key>();
  readonly #byNamespace = new StoreIndex<DeepReadonly<T>>((o) => [meta(o).namespace ?? '']);
  readonly #everything = new StoreIndex<DeepReadonly<T>>(() => ['']);
  readonly #indexes = new Map<string, StoreIndex<DeepReadonly<T>>>();
  readonly #handlers = new Set<StoreHandler<T>>();
  readonly #tombstones: Expectations;
  readonly #pending: Expectations;
  readonly #onSynced = new Set<() => void>();
  #version: string | undefined;
  #synced = false;

  constructor(options: ObjectStoreOptions<T>) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#tombstones = new Expectations(options.runtime.clock);
    this.#pending = new Expectations(options.runtime.clock);
    for (const [name, keysOf] of Object.entries(options.indexes ?? {}))
      this.#indexes.set(name, new StoreIndex(keysOf, options.orders?.[name]));
  }

  get(namespace: string | undefined, name: string): DeepReadonly<T> | undefined {
    return this.#objects.get(keyOf({ namespace, name }));
  }

  byKey(key: Key): DeepReadonly<T> | undefined {
    return this.#objects.get(key);
  }

  byUid(uid: string): DeepReadonly<T> | undefined {
    const key = this.#keysByUid.get(uid);
    return key === undefined ? undefined : this.#objects.get(key);
  }

  list(namespace?: string): readonly DeepReadonly<T>[] {
    if (namespace === undefined) return this.#everything.find('');
    return this.#byNamespace.find(namespace);
  }

  byIndex(index: string, key: string): readonly DeepReadonly<T>[] {
    const found = this.#indexes.get(index);
    assert(found, `${this.#options.resource.kind} has no index ${index}`);
    return found.find(key);
  }

  get size(): number {
    return this.#objects.size;
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** The version of the last list, event or bookmark. */
  get version(): string | undefined {
    return this.#version;
  }

  whenSynced(signal?: AbortSignal): Promise<void> {
    if (this.#synced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#onSynced.add(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  subscribe(handler: StoreHandler<T>): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  observe(answer: T): void {
    const object = freezeObject(answer);
    if (this.#options.accepts?.(object) === false) return;
    const { uid, resourceVersion } = answer.metadata;
    if (isGoneFromServer(answer)) {
      this.observeDeleted(answer.metadata, uid);
      return;
    }
    const key = keyOf(answer.metadata);
    const known = this.#objects.get(key);
    if (known && meta(known).resourceVersion === resourceVersion) return;
    if (this.#tombstones.get(key)?.uid === uid) return;
    // An unknown object that is older than the watch was deleted again in the meantime.
    const order = compareVersions(resourceVersion, known ? version(known) : this.#version);
    if (order === undefined) this.wroteAt(answer.metadata, resourceVersion);
    else if (order > 0) this.#put(key, object, 'write');
  }

  observeDeleted(reference: ObjectReference, uid: string | undefined): void {
    const key = keyOf(reference);
    const known = this.#objects.get(key);
    const gone = uid ?? (known && meta(known).uid);
    if (gone !== undefined) this.#tombstones.set(key, known && version(known), gone);
    if (known && meta(known).uid === gone) this.#remove(key, known, 'write');
  }

  wroteAt(reference: ObjectReference, resourceVersion: string): void {
    const key = keyOf(reference);
    const known = this.#objects.get(key);
    if (isAtLeast(known && version(known), resourceVersion)) return;
    this.#pending.set(key, resourceVersion);
  }

  ready(reference: ObjectReference): boolean {
    const key = keyOf(reference);
    const pending = this.#pending.get(key);
    if (!pending) return true;
    if (!isAtLeast(this.#version, pending.version)) return false;
    this.#pending.delete(key);
    return true;
  }

  /** Takes in one event of a watch. */
  take(type: 'ADDED' | 'MODIFIED' | 'DELETED', event: T): void {
    this.advance(event.metadata.resourceVersion);
    if (type === 'DELETED') this.#takeDeleted(event);
    else this.#takeCurrent(event, 'watch');
  }

  #takeDeleted(event: T): void {
    const { uid, resourceVersion } = event.metadata;
    const key = keyOf(event.metadata);
    this.#settle(key, resourceVersion);
    if (this.#tombstones.get(key)?.uid === uid) this.#tombstones.delete(key);
    const known = this.#objects.get(key);
    const newer = known && (compareVersions(version(known), resourceVersion) ?? -1) > 0;
    if (!known || (newer && meta(known).uid !== uid)) return;
    this.#remove(key, meta(known).uid === uid ? freezeObject(event) : known, 'watch');
  }

  /** A bookmark: everything up to this version has been delivered. */
  advance(resourceVersion: string): void {
    const behind = (compareVersions(resourceVersion, this.#version) ?? 1) < 0;
    if (!behind) this.#version = resourceVersion;
  }

  /**
   * Takes in a complete list, as the changes that lead to it. Refuses one that goes back in time,
   * unless told to believe it: then a backup was restored and what we remember never happened.
   */
  async replace(
    objects: Iterable<T>,
    listed: { readonly resourceVersion: string; readonly startedAt: number },
    believe = false,
  ): Promise<void> {
    const behind = (compareVersions(listed.resourceVersion, this.#version) ?? 0) < 0;
    if (behind && !believe)
      throw new StaleListError(
        this.#options.resource.kind,
        listed.resourceVersion,
        this.#version ?? '',
      );
    if (behind) {
      this.#tombstones.clear();
      this.#pending.clear();
    }
    const breather = new Breather(this.#runtime.clock);
    const seen = new Set<Key>();
    for (const object of objects) {
      seen.add(keyOf(object.metadata));
      if (behind) this.#put(keyOf(object.metadata), freezeObject(object), 'list');
      else this.#takeCurrent(object, 'list');
      if (breather.isDue()) await breather.pause();
    }
    for (const [key, object] of this.#objects) {
      // What we wrote after the list was taken can't be in it.
      const after = (compareVersions(version(object), listed.resourceVersion) ?? -1) > 0;
      if (!seen.has(key) && (behind || !after)) this.#remove(key, object, 'list');
    }
    this.#pending.clear(listed.startedAt);
    this.#version = listed.resourceVersion;
    this.#markSynced();
  }

  /** Shows every object again, as if it had changed: the net under lost wake-ups. */
  async resync(): Promise<void> {
    const breather = new Breather(this.#runtime.clock);
    for (const object of this.list()) {
      const current = this.#objects.get(keyOf(meta(object)));
      if (current === object) this.#emit('update', object, object, 'resync');
      if (breather.isDue()) await breather.pause();
    }
  }

  #takeCurrent(event: T, origin: EventOrigin): void {
    const { uid, resourceVersion } = event.metadata;
    const key = keyOf(event.metadata);
    this.#settle(key, resourceVersion);
    const tombstone = this.#tombstones.get(key);
    if (tombstone?.uid === uid) return;
    if (tombstone && isAtLeast(tombstone.version, resourceVersion)) return;
    const known = this.#objects.get(key);
    if (known && (compareVersions(resourceVersion, version(known)) ?? 1) <= 0) return;
    this.#put(key, freezeObject(event), origin);
  }

  #put(key: Key, object: DeepReadonly<T>, origin: EventOrigin): void {
    const known = this.#objects.get(key);
    const recreated = known && meta(known).uid !== meta(object).uid;
    if (recreated) this.#remove(key, known, origin);
    else if (known) this.#unindex(key, known);
    this.#objects.set(key, object);
    this.#keysByUid.set(meta(object).uid, key);
    for (const index of this.#allIndexes()) index.add(key, object);
    if (known && !recreated) this.#emit('update', object, known, origin);
    else this.#emit('add', object, undefined, origin);
  }

  /** `final` is the last version the server showed, which may be newer than the cached one. */
  #remove(key: Key, final: DeepReadonly<T>, origin: EventOrigin): void {
    const known = this.#objects.get(key);
    if (!known) return;
    this.#unindex(key, known);
    this.#objects.delete(key);
    this.#keysByUid.delete(meta(known).uid);
    this.#emit('delete', final, known, origin);
  }

  #unindex(key: Key, object: DeepReadonly<T>): void {
    for (const index of this.#allIndexes()) index.remove(key, object);
  }

  *#allIndexes(): Iterable<StoreIndex<DeepReadonly<T>>> {
    yield this.#everything;
    yield this.#byNamespace;
    yield* this.#indexes.values();
  }

  #emit(
    type: StoreEventType,
    object: DeepReadonly<T>,
    old: DeepReadonly<T> | undefined,
    origin: EventOrigin,
  ): void {
    for (const handler of this.#handlers) {
      try {
        handler(type, object, old, origin);
      } catch (error) {
        const kind = this.#options.resource.kind;
        this.#runtime.log.error('a cache handler threw', { kind, type, reason: messageOf(error) });
      }
    }
  }

  #markSynced(): void {
    this.#synced = true;
    for (const callback of this.#onSynced) callback();
    this.#onSynced.clear();
  }

  #settle(key: Key, resourceVersion: string): void {
    const pending = this.#pending.get(key);
    if (pending && isAtLeast(resourceVersion, pending.version)) this.#pending.delete(key);
  }
}

/** The compiler can't see through DeepReadonly of a type parameter; here is where it must. */
function meta(object: DeepReadonly<AnyObject>): DeepReadonly<AnyObject>['metadata'] {
  return object.metadata;
}

function version(object: DeepReadonly<AnyObject>): string {
  return object.metadata.resourceVersion;
}

function isAtLeast(actual: string | undefined, wanted: string | undefined): boolean {
  return (compareVersions(actual, wanted) ?? -1) >= 0;
}
