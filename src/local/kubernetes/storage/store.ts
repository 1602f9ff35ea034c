// All objects of the server. Every write gets the next revision of the whole store, so that
// resource versions grow monotonically and can be compared. Objects are frozen once stored.
import { deepFreeze } from '../objects/json.ts';
import { type KubeObject, keyOf, type ObjectKey, type ObjectMeta } from '../objects/kube-object.ts';
import { type Change, Shelf } from './shelf.ts';

export type CommitListener = (shelf: string, change: Change) => void;

export class Store {
  readonly #shelves = new Map<string, Shelf>();
  readonly #listeners = new Set<CommitListener>();
  #revision: number;
  readonly #startRevision: number;

  constructor(startRevision = 1) {
    this.#revision = startRevision;
    this.#startRevision = startRevision;
  }

  get revision(): number {
    return this.#revision;
  }

  shelf(name: string): Shelf {
    let shelf = this.#shelves.get(name);
    if (!shelf) {
      shelf = new Shelf(name, this.#startRevision);
      this.#shelves.set(name, shelf);
    }
    return shelf;
  }

  shelves(): Shelf[] {
    return [...this.#shelves.values()];
  }

  /** Called after each commit, before watchers of later commits see anything. */
  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stores a new or changed object and returns it with its new resource version. */
  put(shelfName: string, object: KubeObject): KubeObject {
    const shelf = this.shelf(shelfName);
    const key = keyOf(object);
    const previous = shelf.get(key);
    const revision = ++this.#revision;
    const stored = versioned(object, revision);
    const type = previous ? 'MODIFIED' : 'ADDED';
    this.#commit(shelf, { revision, type, key, object: stored, previous });
    return stored;
  }

  delete(shelfName: string, key: ObjectKey): KubeObject | undefined {
    const shelf = this.shelf(shelfName);
    const previous = shelf.get(key);
    if (!previous) return undefined;
    const revision = ++this.#revision;
    const object = versioned(previous, revision);
    this.#commit(shelf, { revision, type: 'DELETED', key, object, previous });
    return object;
  }

  #commit(shelf: Shelf, change: Change): void {
    shelf.apply(change);
    for (const listener of this.#listeners) listener(shelf.name, change);
  }
}

function versioned(object: KubeObject, revision: number): KubeObject {
  const metadata: ObjectMeta = { ...object.metadata, resourceVersion: String(revision) };
  return deepFreeze({ ...object, metadata });
}
