// The caches of one process: a store and its reflector for each kind that is read, all of them
// told at once of what our own writes returned.
import type { AnyObject, DeepReadonly, Resource } from '../api/object.ts';
import { assert } from '../runtime/assert.ts';
import type { Runtime } from '../runtime/index.ts';
import type { AnswerObserver } from './client.ts';
import type { Connection } from './connection.ts';
import { JoinedStore } from './joined-store.ts';
import type { Selection } from './list-pages.ts';
import { ObjectStore } from './object-store.ts';
import { Reflector, type ReflectorHealth } from './reflector.ts';
import type { IndexFunction, Order, Store } from './store.ts';

export interface CacheOptions<T> extends Selection {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** The order in which an index lists what it finds; without one, any. */
  readonly orders?: Readonly<Record<string, Order<T>>>;
  /**
   * With a selector: tells which of our own writes the cache would show. Without it, writes only
   * refresh what is in the cache already.
   */
  readonly accepts?: (object: DeepReadonly<T>) => boolean;
  /** Watched one by one, and nothing else of the kind; empty: all of them at once. */
  readonly namespaces?: readonly string[];
  readonly startSpreadMilliseconds?: number;
  readonly resyncMilliseconds?: number;
}

export interface Caches {
  /** Declares a cache; call before `start`. */
  add<T extends AnyObject>(resource: Resource<T>, options?: CacheOptions<T>): Store<T>;
  /** Give it to the client, so that every cache shows our own writes at once. */
  readonly observer: AnswerObserver;
  /** Lists and watches until the signal is aborted; resolves when everything has ended. */
  start(signal: AbortSignal): Promise<void>;
  whenSynced(signal?: AbortSignal): Promise<void>;
  /** By plural name, in the order of `add`. */
  health(): readonly (ReflectorHealth & { readonly resource: string })[];
}

export function createCaches(options: {
  readonly connection: Connection;
  readonly runtime: Runtime;
}): Caches {
  return new ReflectedCaches(options.connection, options.runtime);
}

interface Cache {
  readonly resource: Resource<AnyObject>;
  /** Of one among several of the kind. */
  readonly namespace?: string | undefined;
  readonly store: ObjectStore<AnyObject>;
  readonly reflector: Reflector<AnyObject>;
}

class ReflectedCaches implements Caches {
  readonly #connection: Connection;
  readonly #runtime: Runtime;
  readonly #caches: Cache[] = [];
  #started = false;

  constructor(connection: Connection, runtime: Runtime) {
    this.#connection = connection;
    this.#runtime = runtime;
  }

  add<T extends AnyObject>(resource: Resource<T>, options: CacheOptions<T> = {}): Store<T> {
    assert(!this.#started, `the cache of ${resource.plural} was added after the start`);
    const { namespaces = [], ...shared } = options;
    if (namespaces.length === 0) return this.#addOne(resource, shared);
    const parts = new Map<string, ObjectStore<T>>();
    const joined = new JoinedStore<T>(parts, options.orders);
    const sizeOf = (): number => joined.size;
    for (const namespace of new Set(namespaces))
      parts.set(namespace, this.#addOne(resource, { ...shared, namespace, sizeOf }));
    return joined;
  }

  #addOne<T extends AnyObject>(
    resource: Resource<T>,
    options: CacheOptions<T> & { readonly sizeOf?: () => number },
  ): ObjectStore<T> {
    const runtime = this.#runtime;
    const { indexes, orders, namespace, labelSelector, fieldSelector } = options;
    const selective = Boolean(labelSelector || fieldSelector);
    const accepts = (object: DeepReadonly<T>): boolean => {
      const { namespace: actual, uid } = object.metadata as { namespace?: string; uid: string };
      if (namespace && actual !== namespace) return false;
      if (!selective) return true;
      return options.accepts?.(object) ?? store.byUid(uid) !== undefined;
    };
    const store = new ObjectStore<T>({ resource, runtime, indexes, orders, accepts });
    const reflector = new Reflector<T>({
      connection: this.#connection,
      runtime,
      resource,
      store,
      selection: { namespace, labelSelector, fieldSelector },
      ...(options.sizeOf && { sizeOf: options.sizeOf }),
      ...(options.startSpreadMilliseconds !== undefined && {
        startSpreadMilliseconds: options.startSpreadMilliseconds,
      }),
      ...(options.resyncMilliseconds !== undefined && {
        resyncMilliseconds: options.resyncMilliseconds,
      }),
    });
    // Caches of different kinds live in one list; each is only ever given objects of its own kind.
    this.#caches.push({
      resource,
      store,
      reflector,
      ...(options.sizeOf && { namespace }),
    } as unknown as Cache);
    return store;
  }

  get observer(): AnswerObserver {
    return {
      answered: (resource, object) => {
        for (const { store } of this.#of(resource)) store.observe(object);
      },
      deleted: (resource, reference, uid) => {
        for (const { store } of this.#of(resource)) store.observeDeleted(reference, uid);
      },
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#started = true;
    await Promise.all(this.#caches.map(({ reflector }) => reflector.run(signal)));
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#caches.map(({ store }) => store.whenSynced(signal)));
  }

  health(): readonly (ReflectorHealth & { readonly resource: string })[] {
    return this.#caches.map(({ resource, namespace, reflector }) => ({
      resource: namespace ? `${resource.plural} in ${namespace}` : resource.plural,
      ...reflector.health(),
    }));
  }

  #of(resource: Resource<AnyObject>): Cache[] {
    return this.#caches.filter(
      ({ resource: own }) => own.plural === resource.plural && own.group === resource.group,
    );
  }
}
