// Garbage collection by owner references: dependents go when their last owner is gone; a
// foreground deletion waits for those that block it; an orphaning one sets them free first.
import type { Backend } from '../backend.ts';
import {
  type KubeObject,
  keyOf,
  type ObjectKey,
  type OwnerReference,
  withMetadata,
} from '../objects/kube-object.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import type { Change } from '../storage/shelf.ts';
import { deleteStored } from '../writes/delete.ts';
import { isFinished } from '../writes/update.ts';
import type { Worker } from './collector.ts';

interface Address {
  readonly shelf: string;
  readonly key: ObjectKey;
}

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

export class OwnerCollector implements Worker {
  readonly #backend: Backend;
  readonly #byUid = new Map<string, Address>();
  /** Who refers to an owner, by the owner's uid; the owner may be absent. */
  readonly #dependents = new Map<string, Map<string, Address>>();
  /** Dependents whose owners must be looked at again, by their own uid. */
  readonly #due = new Map<string, Address>();
  /** Owners being deleted in the foreground or orphaning, by uid. */
  readonly #deleting = new Set<string>();

  constructor(backend: Backend) {
    this.#backend = backend;
    for (const shelf of backend.store.shelves()) {
      for (const object of shelf.list()) this.#remember(shelf.name, object);
    }
  }

  observe(shelf: string, change: Change): void {
    const { object, previous, type } = change;
    const { uid } = object.metadata;
    if (previous && previous.metadata.ownerReferences !== object.metadata.ownerReferences) {
      this.#forgetReferences(previous);
    }
    if (type === 'DELETED') {
      this.#forgetReferences(object);
      this.#byUid.delete(uid);
      this.#deleting.delete(uid);
      this.#due.delete(uid);
      for (const [dependent, address] of this.#dependents.get(uid) ?? []) {
        this.#due.set(dependent, address);
      }
      // An owner that waits for its dependents may be able to go now.
      for (const owner of object.metadata.ownerReferences ?? []) {
        if (this.#byUid.has(owner.uid)) this.#noticeDeleting(owner.uid);
      }
    } else {
      this.#remember(shelf, object);
    }
  }

  work(): boolean {
    const due = [...this.#due.values()];
    const deleting = [...this.#deleting];
    this.#due.clear();
    this.#deleting.clear();
    for (const uid of deleting) this.#continueDeletion(uid);
    for (const address of due) this.#collect(address);
    return due.length + deleting.length > 0;
  }

  #remember(shelf: string, object: KubeObject): void {
    const { uid, ownerReferences } = object.metadata;
    const address = { shelf, key: keyOf(object) };
    this.#byUid.set(uid, address);
    this.#noticeDeleting(uid, object);
    for (const owner of ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid) ?? new Map<string, Address>();
      dependents.set(uid, address);
      this.#dependents.set(owner.uid, dependents);
      if (!this.#byUid.has(owner.uid)) this.#due.set(uid, address);
      else this.#noticeDeleting(owner.uid);
    }
  }

  #forgetReferences(object: KubeObject): void {
    for (const owner of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(object.metadata.uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
      if (this.#byUid.has(owner.uid)) this.#noticeDeleting(owner.uid);
    }
  }

  #noticeDeleting(uid: string, known?: KubeObject): void {
    const object = known ?? this.#read(this.#byUid.get(uid));
    const finalizers = object?.metadata.finalizers ?? [];
    const waits = finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN);
    if (object?.metadata.deletionTimestamp && waits) this.#deleting.add(uid);
  }

  #read(address: Address | undefined): KubeObject | undefined {
    return address && this.#backend.store.shelf(address.shelf).get(address.key);
  }

  #typeOf(address: Address): ResourceType | undefined {
    return this.#backend.registry.shelves().get(address.shelf);
  }

  /** An owner counts only where the dependent may refer to it: in its namespace, or cluster-wide. */
  #ownerOf(dependent: KubeObject, reference: OwnerReference): KubeObject | undefined {
    const owner = this.#read(this.#byUid.get(reference.uid));
    const home = owner?.metadata.namespace;
    return home && home !== dependent.metadata.namespace ? undefined : owner;
  }

  #collect(address: Address): void {
    const object = this.#read(address);
    const type = this.#typeOf(address);
    const references = object?.metadata.ownerReferences ?? [];
    if (!object || !type || references.length === 0) return;
    const solid = references.filter((reference) => this.#ownerOf(object, reference));
    if (solid.length === references.length) return;
    if (solid.length === 0) deleteStored(this.#backend, type, address.key, {});
    else this.#write(type, withMetadata(object, { ownerReferences: solid }));
  }

  #continueDeletion(uid: string): void {
    const address = this.#byUid.get(uid);
    const owner = this.#read(address);
    const type = address && this.#typeOf(address);
    if (!owner?.metadata.deletionTimestamp || !type) return;
    const finalizers = owner.metadata.finalizers ?? [];
    if (finalizers.includes(ORPHAN)) {
      for (const dependent of this.#dependentsOf(uid)) this.#setFree(dependent, uid);
      this.#release(type, owner, ORPHAN);
    } else if (finalizers.includes(FOREGROUND) && !this.#isBlocked(uid)) {
      this.#release(type, owner, FOREGROUND);
    }
  }

  #dependentsOf(uid: string): Address[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  /** Asks all dependents to go, and tells whether one that blocks its owner is still there. */
  #isBlocked(uid: string): boolean {
    for (const address of this.#dependentsOf(uid)) {
      const type = this.#typeOf(address);
      const dependent = this.#read(address);
      if (!type || !dependent) continue;
      const others = (dependent.metadata.ownerReferences ?? []).filter((o) => o.uid !== uid);
      if (others.some((reference) => this.#ownerOf(dependent, reference))) continue;
      if (dependent.metadata.deletionTimestamp) continue;
      const propagation = this.#dependents.has(dependent.metadata.uid) ? 'Foreground' : undefined;
      deleteStored(this.#backend, type, address.key, { propagation });
    }
    return this.#dependentsOf(uid).some((address) =>
      this.#read(address)?.metadata.ownerReferences?.some(
        (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
      ),
    );
  }

  #setFree(address: Address, ownerUid: string): void {
    const type = this.#typeOf(address);
    const object = this.#read(address);
    if (!type || !object) return;
    const kept = object.metadata.ownerReferences?.filter((owner) => owner.uid !== ownerUid) ?? [];
    const changes = kept.length > 0 ? { ownerReferences: kept } : { ownerReferences: undefined };
    this.#write(type, withMetadata(object, changes as never));
  }

  #release(type: ResourceType, owner: KubeObject, finalizer: string): void {
    const finalizers = owner.metadata.finalizers?.filter((name) => name !== finalizer) ?? [];
    this.#write(type, withMetadata(owner, { finalizers }));
  }

  #write(type: ResourceType, object: KubeObject): void {
    if (isFinished(type, object)) this.#backend.store.delete(type.shelf, keyOf(object));
    else this.#backend.store.put(type.shelf, object);
  }
}
