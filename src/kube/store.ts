// An in-memory view of one kind of object, kept current by a reflector and by our own writes.
// Objects are deeply frozen and carry no managedFields.
import type { AnyObject, DeepReadonly } from '../api/object.ts';
import type { Key, ObjectReference } from './object-key.ts';

export type StoreEventType = 'add' | 'update' | 'delete';

/**
 * Where an event came from. `list`: the first list or a relist; `resync`: nothing changed, look
 * again; `watch`: the server told us; `write`: the server's answer to our own call.
 */
export type EventOrigin = 'list' | 'resync' | 'watch' | 'write';

/**
 * `old` is set for updates and deletes; a recreated object is a delete followed by an add. A
 * handler must not throw; if it does, that is logged and the others are still called.
 */
export type StoreHandler<T> = (
  type: StoreEventType,
  object: DeepReadonly<T>,
  old: DeepReadonly<T> | undefined,
  origin: EventOrigin,
) => void;

/** Returns the keys under which an object is found again. */
export type IndexFunction<T> = (object: DeepReadonly<T>) => readonly string[];

/** Negative when the first comes before the other. */
export type Order<T> = (one: DeepReadonly<T>, other: DeepReadonly<T>) => number;

export interface Store<T extends AnyObject> {
  get(namespace: string | undefined, name: string): DeepReadonly<T> | undefined;
  byKey(key: Key): DeepReadonly<T> | undefined;
  byUid(uid: string): DeepReadonly<T> | undefined;
  /** All objects, or those of one namespace, in no promised order. */
  list(namespace?: string): readonly DeepReadonly<T>[];
  /** Objects under one key of an index declared at construction. */
  byIndex(index: string, key: string): readonly DeepReadonly<T>[];
  readonly size: number;
  /** True once the first full list has been taken in. */
  readonly synced: boolean;
  whenSynced(signal?: AbortSignal): Promise<void>;
  /** Calls back for every change from now on; returns the function that ends that. */
  subscribe(handler: StoreHandler<T>): () => void;

  /**
   * Takes in the server's answer to a write (or a live read) at once, if it is newer than what is
   * here. The object is frozen by this.
   */
  observe(object: T): void;
  /** Takes in that the server has confirmed a deletion. */
  observeDeleted(reference: ObjectReference, uid: string | undefined): void;
  /** For writes whose answer isn't at hand: the object isn't ready before this version is seen. */
  wroteAt(reference: ObjectReference, resourceVersion: string): void;
  /** False while the cache is known to be older than our own last write of that object. */
  ready(reference: ObjectReference): boolean;
}
