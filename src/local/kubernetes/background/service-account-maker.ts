// Gives every namespace its `default` service account, and a new one when it is deleted.
import { formatTime } from '../../../runtime/clock.ts';
import { randomUuid } from '../../../runtime/random.ts';
import type { Backend } from '../backend.ts';
import { objectKey } from '../objects/kube-object.ts';
import { namespaces, serviceAccounts } from '../resources/core.ts';
import type { Change } from '../storage/shelf.ts';
import type { Worker } from './collector.ts';

const NAME = 'default';

export class ServiceAccountMaker implements Worker {
  readonly #backend: Backend;
  readonly #due = new Set<string>();

  constructor(backend: Backend) {
    this.#backend = backend;
    for (const namespace of backend.store.shelf(namespaces.shelf).keys()) this.#due.add(namespace);
    this.work();
  }

  observe(shelf: string, change: Change): void {
    const { name, namespace } = change.object.metadata;
    if (shelf === namespaces.shelf && change.type === 'ADDED') this.#due.add(name);
    const isLost = shelf === serviceAccounts.shelf && change.type === 'DELETED' && name === NAME;
    if (isLost && namespace) this.#due.add(namespace);
  }

  work(): boolean {
    const due = [...this.#due];
    this.#due.clear();
    for (const namespace of due) this.#make(namespace);
    return due.length > 0;
  }

  #make(namespace: string): void {
    const { store, clock, random } = this.#backend;
    const home = store.shelf(namespaces.shelf).get(namespace);
    if (!home || home.metadata.deletionTimestamp) return;
    if (store.shelf(serviceAccounts.shelf).get(objectKey(namespace, NAME))) return;
    const creationTimestamp = formatTime(clock.now());
    store.put(serviceAccounts.shelf, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: NAME, namespace, uid: randomUuid(random), creationTimestamp },
    });
  }
}
