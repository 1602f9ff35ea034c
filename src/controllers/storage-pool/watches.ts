// What makes a storage pool be looked at again.
import { labels } from '../../api/names.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import {
  changedBeyondStatus,
  isEqual,
  type Key,
  keyOfObject,
  type WorkQueue,
  watchAndEnqueue,
} from '../../kube/index.ts';
import type { Sources, Stores } from '../context.ts';
import { mayNeedStep } from '../keys.ts';
import { BY_BACKEND, BY_NODE, BY_POOL, BY_VOLUME_POOL } from '../stores.ts';
import type { Agents } from './agents.ts';

/** Returns the function that ends it. */
export function watchStoragePools(sources: Sources, agents: Agents, queue: WorkQueue): () => void {
  const stores = sources as unknown as Stores;
  const poolsOf = ({ metadata }: DeepReadonly<{ metadata: { name: string } }>): Key[] =>
    poolsOfNode(stores, metadata.name);
  const ends = [
    watchAndEnqueue(sources.storagePools, queue, (pool) => [keyOfObject(pool)], {
      updatesWhen: changedBeyondStatus,
    }),
    // Agents pace what they write, so every change of a mount is worth a look.
    watchAndEnqueue(sources.nodeMounts, foldingMany(stores, queue), ({ metadata, spec }) => [
      `${metadata.namespace}/${spec.poolRef.name}`,
    ]),
    // Of an inventory and a Node only that they are there, and their labels, matter to pools.
    watchAndEnqueue(sources.storageNodes, queue, poolsOf, { updatesWhen: () => false }),
    watchAndEnqueue(sources.nodes, queue, poolsOf, {
      updatesWhen: (node, old) =>
        !isEqual(node.metadata.labels, old.metadata.labels) ||
        !isEqual(node.spec?.taints, old.spec?.taints) ||
        node.spec?.providerID !== old.spec?.providerID ||
        node.metadata.uid !== old.metadata.uid,
    }),
    watchAndEnqueue(
      sources.storageBackends,
      queue,
      (backend) => stores.storagePools.byIndex(BY_BACKEND, keyOfObject(backend)).map(keyOfObject),
      { updatesWhen: changedBeyondStatus },
    ),
    watchAndEnqueue(sources.persistentVolumes, queue, ({ metadata }) => {
      const { [labels.poolNamespace]: namespace, [labels.pool]: name } = metadata.labels ?? {};
      return namespace && name ? [`${namespace}/${name}`] : [];
    }),
    watchAndEnqueue(sources.poolVolumes, queue, (volume) => poolsOfVolume(stores, volume), {
      updatesWhen: mayNeedStep,
    }),
    watchAndEnqueue(
      sources.volumePools,
      queue,
      (pool) => stores.storagePools.byIndex(BY_VOLUME_POOL, keyOfObject(pool)).map(keyOfObject),
      { updatesWhen: changedBeyondStatus },
    ),
    // What one pool offers no more, another that waits for the directory may offer.
    sources.persistentVolumes.subscribe((type, { spec }) => {
      if (type === 'delete' && spec?.local) enqueueOffered(stores, queue);
    }),
    // Who lets go of a logical unit may do so for another pool that waits for it.
    sources.storagePools.subscribe((type, { spec }) => {
      if (type === 'delete' && spec.type === 'iscsi') enqueueUnits(stores, queue);
    }),
    sources.nodeMounts.subscribe((type, { spec }) => {
      if (type === 'delete' && spec.type === 'iscsi') enqueueUnits(stores, queue);
    }),
    agents.subscribe((nodeName) => {
      for (const key of poolsOfNode(stores, nodeName)) queue.add(key);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** A pool of so many nodes waits this long, so that a burst of reports costs one pass. */
const MANY_MOUNTS = 8;
const COALESCE_MILLISECONDS = 500;

function foldingMany({ nodeMounts }: Stores, queue: WorkQueue): Pick<WorkQueue, 'add'> {
  return {
    add: (key, options) =>
      nodeMounts.byIndex(BY_POOL, key).length > MANY_MOUNTS
        ? queue.addAfter(key, COALESCE_MILLISECONDS, options)
        : queue.add(key, options),
  };
}

/** The pool that has the disk, and those that may have waited for it. */
function poolsOfVolume(stores: Stores, { metadata, spec }: DeepReadonly<PoolVolume>): Key[] {
  const owner = spec.node && spec.claimRef && `${spec.claimRef.namespace}/${spec.claimRef.name}`;
  const key = `${metadata.namespace}/${spec.poolRef.name}`;
  const waiting = spec.claimRef ? [] : stores.storagePools.byIndex(BY_VOLUME_POOL, key);
  return [...(owner ? [owner] : []), ...waiting.map(keyOfObject)];
}

function enqueueOffered(stores: Stores, queue: WorkQueue): void {
  for (const pool of stores.storagePools.list())
    if (pool.spec.type === 'local' && pool.spec.expose) queue.add(keyOfObject(pool));
}

function enqueueUnits(stores: Stores, queue: WorkQueue): void {
  for (const pool of stores.storagePools.list())
    if (pool.spec.type === 'iscsi') queue.add(keyOfObject(pool));
}

/** Pools that name the node, those that may choose it, and those that have something on it. */
function poolsOfNode(stores: Stores, nodeName: string): Key[] {
  const { storagePools, nodeMounts } = stores;
  const named = storagePools.byIndex(BY_NODE, nodeName).map(keyOfObject);
  const choosing = storagePools.byIndex(BY_NODE, '*').map(keyOfObject);
  const mounted = nodeMounts
    .byIndex(BY_NODE, nodeName)
    .map(({ metadata, spec }) => `${metadata.namespace}/${spec.poolRef.name}`);
  return [...new Set([...named, ...choosing, ...mounted])];
}
