// Deletes the instances of definitions that are being deleted, then lets the definition go.
import type { Backend } from '../backend.ts';
import { keyOf, type ObjectKey, withMetadata } from '../objects/kube-object.ts';
import { customResourceDefinitions } from '../resources/cluster.ts';
import { INSTANCES_FINALIZER } from '../resources/definition-rules.ts';
import { shelfOfDefinition } from '../resources/registry.ts';
import type { Change } from '../storage/shelf.ts';
import { deleteStored } from '../writes/delete.ts';
import { isFinished } from '../writes/update.ts';
import type { Worker } from './collector.ts';

export class DefinitionCleaner implements Worker {
  readonly #backend: Backend;
  #due = false;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#due = this.#terminating().length > 0;
  }

  observe(shelf: string, change: Change): void {
    const isDefinition = shelf === customResourceDefinitions.shelf;
    if (isDefinition ? change.object.metadata.deletionTimestamp : change.type === 'DELETED') {
      this.#due = true;
    }
  }

  work(): boolean {
    if (!this.#due) return false;
    this.#due = false;
    for (const key of this.#terminating()) this.#clean(key);
    return true;
  }

  #terminating(): ObjectKey[] {
    const shelf = this.#backend.store.shelf(customResourceDefinitions.shelf);
    return shelf.list().flatMap((definition) => {
      const { deletionTimestamp, finalizers, name } = definition.metadata;
      return deletionTimestamp && finalizers?.includes(INSTANCES_FINALIZER) ? [name] : [];
    });
  }

  #clean(key: ObjectKey): void {
    const { store, registry } = this.#backend;
    const shelf = store.shelf(customResourceDefinitions.shelf);
    const definition = shelf.get(key)!;
    const instances = store.shelf(shelfOfDefinition(definition));
    const type = registry.all().find((candidate) => candidate.shelf === instances.name);
    if (type) {
      for (const object of instances.list()) {
        deleteStored(this.#backend, type, keyOf(object), {});
      }
    }
    const latest = shelf.get(key);
    if (!latest || instances.size > 0) return;
    const finalizers = latest.metadata.finalizers?.filter((name) => name !== INSTANCES_FINALIZER);
    const released = withMetadata(latest, { finalizers: finalizers ?? [] });
    if (isFinished(customResourceDefinitions, released)) {
      store.delete(customResourceDefinitions.shelf, key);
    } else {
      store.put(customResourceDefinitions.shelf, released);
    }
  }
}
