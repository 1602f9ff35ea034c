// What makes a storage backend be looked at again.
import type { StoragePool } from '../../api/storage-pool.ts';
import {
  changedBeyondStatus,
  type Key,
  keyOfObject,
  type WorkQueue,
  watchAndEnqueue,
} from '../../kube/index.ts';
import { isProbedByNode } from '../../plan/storage-backend.ts';
import { backendNameOf } from '../../plan/storage-backend-users.ts';
import type { Sources, Stores } from '../context.ts';
import type { Agents } from '../storage-pool/index.ts';

/** Returns the function that ends it. */
export function watchStorageBackends(
  sources: Sources,
  agents: Agents,
  queue: WorkQueue,
): () => void {
  const stores = sources as unknown as Stores;
  const ends = [
    watchAndEnqueue(sources.storageBackends, queue, (backend) => [keyOfObject(backend)], {
      updatesWhen: changedBeyondStatus,
    }),
    // Agents pace what they write, so every change of a record is worth a look.
    watchAndEnqueue(sources.backendProbes, queue, ({ metadata, spec }) => [
      `${metadata.namespace}/${spec.backendRef.name}`,
    ]),
    watchAndEnqueue(
      sources.storagePools,
      queue,
      ({ metadata, spec }) => {
        const name = backendNameOf(spec as StoragePool['spec']);
        return name === undefined ? [] : [`${metadata.namespace}/${name}`];
      },
      {
        updatesWhen: (pool, old) =>
          changedBeyondStatus(pool, old) || pool.status?.mountPath !== old.status?.mountPath,
      },
    ),
    agents.subscribe((nodeName) => {
      for (const key of concernedBy(stores, nodeName)) queue.add(key);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** Backends that the node probes, those that want it to, and those that nobody probes. */
function concernedBy({ storageBackends, backendProbes }: Stores, nodeName: string): Key[] {
  return storageBackends
    .list()
    .filter(isProbedByNode)
    .filter(({ metadata, spec }) => {
      if ('nodeName' in spec && spec.nodeName === nodeName) return true;
      const record = backendProbes.get(metadata.namespace, metadata.name);
      return !record || record.spec.nodeName === nodeName;
    })
    .map(keyOfObject);
}
