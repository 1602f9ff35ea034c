// Empties namespaces that are being deleted and then lets them go, telling in their conditions
// what still holds them.
import { formatTime } from '../../../runtime/clock.ts';
import type { Backend } from '../backend.ts';
import { asArray, asObject, deepEqual } from '../objects/json.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../objects/kube-object.ts';
import { namespaces } from '../resources/core.ts';
import type { Change } from '../storage/shelf.ts';
import { deleteStored } from '../writes/delete.ts';
import type { Worker } from './collector.ts';

export class NamespaceCleaner implements Worker {
  readonly #backend: Backend;
  readonly #due = new Set<ObjectKey>();

  constructor(backend: Backend) {
    this.#backend = backend;
    for (const namespace of backend.store.shelf(namespaces.shelf).list()) {
      if (namespace.metadata.deletionTimestamp) this.#due.add(namespace.metadata.name);
    }
  }

  observe(shelf: string, change: Change): void {
    const { object } = change;
    if (shelf === namespaces.shelf) {
      if (object.metadata.deletionTimestamp) this.#due.add(object.metadata.name);
      return;
    }
    const home = object.metadata.namespace;
    if (home && change.type === 'DELETED' && this.#namespace(home)?.metadata.deletionTimestamp) {
      this.#due.add(home);
    }
  }

  work(): boolean {
    const due = [...this.#due];
    this.#due.clear();
    for (const name of due) this.#clean(name);
    return due.length > 0;
  }

  #namespace(name: string): KubeObject | undefined {
    return this.#backend.store.shelf(namespaces.shelf).get(name);
  }

  #clean(name: string): void {
    const { registry, store } = this.#backend;
    if (!this.#namespace(name)?.metadata.deletionTimestamp) return;
    const remaining: KubeObject[] = [];
    for (const type of registry.shelves().values()) {
      if (!type.namespaced) continue;
      for (const object of store.shelf(type.shelf).list(name)) {
        const deletion = deleteStored(this.#backend, type, keyOf(object), {});
        if (!deletion.gone) remaining.push(deletion.object);
      }
    }
    const namespace = this.#namespace(name);
    if (!namespace) return;
    if (remaining.length > 0) this.#report(namespace, remaining);
    else this.#finish(namespace);
  }

  #finish(namespace: KubeObject): void {
    const { store } = this.#backend;
    if ((namespace.metadata.finalizers ?? []).length > 0) {
      const spec = asObject(namespace['spec']);
      if (asArray(spec['finalizers']).length === 0) return;
      store.put(namespaces.shelf, { ...namespace, spec: { ...spec, finalizers: [] } });
    } else {
      store.delete(namespaces.shelf, namespace.metadata.name);
    }
  }

  #report(namespace: KubeObject, remaining: readonly KubeObject[]): void {
    const conditions = this.#conditions(namespace, remaining);
    const status = { ...asObject(namespace['status']), conditions };
    if (deepEqual(status, namespace['status'])) return;
    this.#backend.store.put(namespaces.shelf, { ...namespace, status });
  }

  #conditions(namespace: KubeObject, remaining: readonly KubeObject[]): object[] {
    const kinds = new Map<string, number>();
    const finalizers = new Map<string, number>();
    for (const object of remaining) {
      kinds.set(object.kind, (kinds.get(object.kind) ?? 0) + 1);
      for (const name of object.metadata.finalizers ?? []) {
        finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
      }
    }
    const list = (counts: Map<string, number>, words: string): string =>
      [...counts].map(([name, count]) => `${name} ${words} ${count}`).join(', ');
    const before = asArray(asObject(namespace['status'])['conditions']).map(asObject);
    const condition = (type: string, reason: string, message: string): object => ({
      type,
      status: 'True',
      lastTransitionTime:
        before.find((known) => known['type'] === type)?.['lastTransitionTime'] ??
        formatTime(this.#backend.clock.now()),
      reason,
      message,
    });
    return [
      condition(
        'NamespaceContentRemaining',
        'SomeResourcesRemain',
        `Some resources are remaining: ${list(kinds, 'has resource instances:')}`,
      ),
      condition(
        'NamespaceFinalizersRemaining',
        'SomeFinalizersRemain',
        `Some content in the namespace has finalizers remaining: ${list(finalizers, 'in resource instances:')}`,
      ),
    ];
  }
}
