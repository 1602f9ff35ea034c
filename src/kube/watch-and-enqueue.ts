// Turns what happens in a cache into keys to work on.
import type { AnyObject, DeepReadonly } from '../api/object.ts';
import type { Key } from './object-key.ts';
import { isEqual } from './patch.ts';
import type { EventOrigin, Store, StoreEventType } from './store.ts';
import { PRIORITY, type WorkQueue } from './work-queue.ts';

/** The keys to look at because of an event: the object's own, its owners', those it refers to. */
export type KeysOf<T> = (
  object: DeepReadonly<T>,
  type: StoreEventType,
  old: DeepReadonly<T> | undefined,
) => readonly Key[];

export interface EnqueueOptions<T> {
  /** Default normal. First lists and resyncs always come last. */
  readonly priority?: number | ((object: DeepReadonly<T>) => number);
  /** Updates for which this is false enqueue nothing; resyncs always do. */
  readonly updatesWhen?: (object: DeepReadonly<T>, old: DeepReadonly<T>) => boolean;
}

/** Turns a cache's events into work; what is in the cache already is enqueued too. */
export function watchAndEnqueue<T extends AnyObject>(
  store: Store<T>,
  queue: Pick<WorkQueue, 'add'>,
  keysOf: KeysOf<T>,
  options: EnqueueOptions<T> = {},
): () => void {
  const enqueue = (
    type: StoreEventType,
    object: DeepReadonly<T>,
    old: DeepReadonly<T> | undefined,
    origin: EventOrigin,
  ): void => {
    const isUpdate = type === 'update' && origin !== 'resync' && old !== undefined;
    if (isUpdate && options.updatesWhen?.(object, old) === false) return;
    const wanted = options.priority;
    const usual = typeof wanted === 'function' ? wanted(object) : (wanted ?? PRIORITY.normal);
    const priority = origin === 'list' || origin === 'resync' ? PRIORITY.low : usual;
    const keys = new Set(keysOf(object, type, old));
    // An object that changed hands concerns those it left as well.
    if (old && old !== object) for (const key of keysOf(old, type, old)) keys.add(key);
    for (const key of keys) queue.add(key, { priority });
  };
  for (const object of store.list()) enqueue('add', object, undefined, 'list');
  return store.subscribe(enqueue);
}

/**
 * For `updatesWhen`: true unless only the status changed. A controller that writes the status of
 * what it watches would otherwise wake itself.
 */
export function changedBeyondStatus(
  object: DeepReadonly<AnyObject>,
  old: DeepReadonly<AnyObject>,
): boolean {
  const { metadata } = object;
  const before = old.metadata;
  return (
    metadata.uid !== before.uid ||
    metadata.generation !== before.generation ||
    metadata.generation === undefined ||
    metadata.deletionTimestamp !== before.deletionTimestamp ||
    !isEqual(metadata.labels ?? {}, before.labels ?? {}) ||
    !isEqual(metadata.annotations ?? {}, before.annotations ?? {}) ||
    !isEqual(metadata.finalizers ?? [], before.finalizers ?? []) ||
    !isEqual(metadata.ownerReferences ?? [], before.ownerReferences ?? [])
  );
}
