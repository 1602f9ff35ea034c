// The caches of the controller and the indexes its gather steps look things up by.
import {
  instanceClaims,
  instancePools,
  nodeMounts,
  poolInstances,
  poolVolumes,
  storageBackends,
  storageNodes,
  storagePools,
  volumePools,
} from '../api/resources.ts';
import type { Caches } from '../kube/index.ts';
import type { Sources, Stores } from './context.ts';

/** Members by `<namespace>/<pool name>`: also those of a former pool of the same name. */
export const BY_POOL = 'pool';
/** Members by the uid of the claim that owns them. */
export const BY_CLAIM = 'claim';
/** Volumes by the uid of the instance that is to hold them. */
export const BY_INSTANCE = 'instance';
/** Claims by the `<namespace>/<name>` of their instance pool, and of the volume pool they draw from. */
export const BY_INSTANCE_POOL = 'instancePool';
export const BY_VOLUME_POOL = 'volumePool';
/** NodeMounts by the uid of their StoragePool. */
export const BY_STORAGE_POOL = 'storagePool';
/** StoragePools by the `<namespace>/<name>` of the backend that they use. */
export const BY_BACKEND = 'backend';

export function createSources(caches: Caches): Sources {
  return {
    volumePools: caches.add(volumePools),
    instancePools: caches.add(instancePools),
    instanceClaims: caches.add(instanceClaims, {
      indexes: {
        [BY_INSTANCE_POOL]: ({ metadata, spec }) => [
          `${metadata.namespace}/${spec.instancePoolRef.name}`,
        ],
        [BY_VOLUME_POOL]: ({ metadata, spec }) =>
          spec.volume?.type === 'New'
            ? [`${metadata.namespace}/${spec.volume.new.poolRef.name}`]
            : [],
      },
    }),
    poolVolumes: caches.add(poolVolumes, {
      indexes: {
        [BY_POOL]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.poolRef.name}`],
        [BY_CLAIM]: ({ spec }) => (spec.claimRef ? [spec.claimRef.uid] : []),
        [BY_INSTANCE]: ({ spec }) => (spec.instanceRef ? [spec.instanceRef.uid] : []),
      },
    }),
    poolInstances: caches.add(poolInstances, {
      indexes: {
        [BY_POOL]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.poolRef.name}`],
        [BY_CLAIM]: ({ spec }) => (spec.claimRef ? [spec.claimRef.uid] : []),
      },
    }),
    storagePools: caches.add(storagePools),
    storageBackends: caches.add(storageBackends),
    nodeMounts: caches.add(nodeMounts, {
      indexes: { [BY_STORAGE_POOL]: ({ spec }) => [spec.poolRef.uid] },
    }),
    storageNodes: caches.add(storageNodes),
  };
}

/** The same caches, as gather steps read them. */
export function viewsOf(sources: Sources): Stores {
  return sources as unknown as Stores;
}
