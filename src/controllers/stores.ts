// The caches of the controller and the indexes its gather steps look things up by.
import { leases, nodes, persistentVolumes } from '../api/built-in.ts';
import type { InstanceClaim } from '../api/instance-claim.ts';
import { labels } from '../api/names.ts';
import type { DeepReadonly } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import {
  backendProbes,
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
import type { StoragePool } from '../api/storage-pool.ts';
import type { Caches } from '../kube/index.ts';
import { isLacking } from '../plan/instance-claim.ts';
import { longestFreeFirst, shelfOfInstance, shelfOfVolume } from '../plan/stock.ts';
import { backendNameOf } from '../plan/storage-backend-users.ts';
import { volumePoolNameOf } from '../plan/volume-lease-order.ts';
import type { Sources, Stores } from './context.ts';

/** Members and NodeMounts by `<namespace>/<pool name>`: also those of a former pool of that name. */
export const BY_POOL = 'pool';
/** Members by the uid of the claim that owns them. */
export const BY_CLAIM = 'claim';
/** Adopted members by the uid of the record that they had before. */
export const BY_FORMER_UID = 'formerUid';
/** Instances that a claim owns, by the `<namespace>/<name>` of their pool. */
export const BY_POOL_CLAIMED = 'poolClaimed';
/** Volumes by the uid of the instance that is to hold them. */
export const BY_INSTANCE = 'instance';
/** Volumes that are to be detached, by the lower-cased id of the VM that Azure says holds them. */
export const BY_MACHINE = 'machine';
/**
 * Claims by the `<namespace>/<name>` of their instance pool, and of the volume pool they draw from; so are
 * StoragePools that do.
 */
export const BY_INSTANCE_POOL = 'instancePool';
export const BY_VOLUME_POOL = 'volumePool';
/** Instances that may be bound and volumes that are fresh, longest free first: see `shelfKey`. */
export const BY_SHELF = 'shelf';
/** Claims that lack something, by the `<namespace>/<name>` of their instance pool. */
export const BY_LACKING = 'lacking';
/** NodeMounts by the uid of their StoragePool. */
export const BY_STORAGE_POOL = 'storagePool';
/** NodeMounts and StoragePools by the name of the node; a pool of many nodes is under `*`. */
export const BY_NODE = 'node';
/** StoragePools by the `<namespace>/<name>` of the backend that they use. */
export const BY_BACKEND = 'backend';

/** The lower-cased id of the VM that a disk on its way out still hangs on. */
export function machineToLeave({ status }: PoolVolume): string[] {
  const isLeaving = status?.phase === 'Detaching' || status?.phase === 'Deleting';
  return isLeaving && status.azure?.managedBy ? [status.azure.managedBy.toLowerCase()] : [];
}

/**
 * `agentNamespace` is where the agents' heartbeats are: the operator's own, unless another installation
 * runs the agents. Of what users make only `watched` namespaces are seen; empty: all of them.
 */
export function createSources(
  caches: Caches,
  agentNamespace = 'poolkeeper-system',
  watched: readonly string[] = [],
): Sources {
  return {
    ...createUserSources(caches, watched),
    storageNodes: caches.add(storageNodes),
    nodes: caches.add(nodes),
    persistentVolumes: caches.add(persistentVolumes, {
      labelSelector: `${labels.poolKind}=StoragePool`,
      accepts: ({ metadata }) => metadata.labels?.[labels.poolKind] === 'StoragePool',
      indexes: {
        [BY_STORAGE_POOL]: ({ metadata }) => {
          const uid = metadata.labels?.[labels.poolUid];
          return uid === undefined ? [] : [uid];
        },
      },
    }),
    leases: caches.add(leases, { namespace: agentNamespace }),
  };
}

type ClusterSource = 'storageNodes' | 'nodes' | 'persistentVolumes' | 'leases';

function createUserSources(
  caches: Caches,
  namespaces: readonly string[],
): Omit<Sources, ClusterSource> {
  return {
    volumePools: caches.add(volumePools, { namespaces }),
    instancePools: caches.add(instancePools, { namespaces }),
    instanceClaims: caches.add(instanceClaims, {
      namespaces,
      indexes: {
        [BY_INSTANCE_POOL]: ({ metadata, spec }) => [
          `${metadata.namespace}/${spec.instancePoolRef.name}`,
        ],
        [BY_LACKING]: ({ metadata, spec, status }) =>
          isLacking({ metadata, spec, status } as InstanceClaim)
            ? [`${metadata.namespace}/${spec.instancePoolRef.name}`]
            : [],
        [BY_VOLUME_POOL]: ({ metadata, spec }) =>
          spec.volume?.type === 'New'
            ? [`${metadata.namespace}/${spec.volume.new.poolRef.name}`]
            : [],
      },
    }),
    poolVolumes: caches.add(poolVolumes, {
      namespaces,
      orders: { [BY_SHELF]: inOrder },
      indexes: {
        [BY_POOL]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.poolRef.name}`],
        [BY_CLAIM]: ({ spec }) => (spec.claimRef ? [spec.claimRef.uid] : []),
        [BY_FORMER_UID]: ({ spec }) => (spec.adopt?.uid ? [spec.adopt.uid] : []),
        [BY_INSTANCE]: ({ spec }) => (spec.instanceRef ? [spec.instanceRef.uid] : []),
        [BY_SHELF]: (volume) =>
          shelfKeys(volume as PoolVolume, shelfOfVolume(volume as PoolVolume)),
        [BY_MACHINE]: (volume) => machineToLeave(volume as PoolVolume),
      },
    }),
    poolInstances: caches.add(poolInstances, {
      namespaces,
      orders: { [BY_SHELF]: inOrder },
      indexes: {
        [BY_SHELF]: (instance) =>
          shelfKeys(instance as PoolInstance, shelfOfInstance(instance as PoolInstance)),
        [BY_POOL]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.poolRef.name}`],
        [BY_POOL_CLAIMED]: ({ metadata, spec }) =>
          spec.claimRef ? [`${metadata.namespace}/${spec.poolRef.name}`] : [],
        [BY_CLAIM]: ({ spec }) => (spec.claimRef ? [spec.claimRef.uid] : []),
        [BY_FORMER_UID]: ({ spec }) => (spec.adopt?.uid ? [spec.adopt.uid] : []),
      },
    }),
    storagePools: caches.add(storagePools, {
      namespaces,
      indexes: {
        [BY_NODE]: ({ spec }) => [
          spec.type === 'mdadm'
            ? spec.mdadm.nodeName
            : spec.type === 'iscsi'
              ? spec.iscsi.nodeName
              : '*',
        ],
        [BY_VOLUME_POOL]: ({ metadata, spec }) => {
          const name = volumePoolNameOf({ spec: spec as StoragePool['spec'] });
          return name === undefined ? [] : [`${metadata.namespace}/${name}`];
        },
        [BY_BACKEND]: ({ metadata, spec }) => {
          const name = backendNameOf(spec as StoragePool['spec']);
          return name === undefined ? [] : [`${metadata.namespace}/${name}`];
        },
      },
    }),
    storageBackends: caches.add(storageBackends, { namespaces }),
    backendProbes: caches.add(backendProbes, { namespaces }),
    nodeMounts: caches.add(nodeMounts, {
      namespaces,
      indexes: {
        [BY_STORAGE_POOL]: ({ spec }) => [spec.poolRef.uid],
        [BY_POOL]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.poolRef.name}`],
        [BY_NODE]: ({ spec }) => [spec.nodeName],
      },
    }),
  };
}

const inOrder = (
  one: DeepReadonly<PoolInstance | PoolVolume>,
  other: DeepReadonly<PoolInstance | PoolVolume>,
): number => longestFreeFirst(one as PoolInstance, other as PoolInstance);

/** Where a member of a pool, by `<namespace>/<name>`, is found on its shelf. */
export function shelfKey(pool: string, shelf: string): string {
  return `${pool} ${shelf}`;
}

function shelfKeys(
  { metadata, spec }: PoolInstance | PoolVolume,
  shelf: string | undefined,
): string[] {
  return shelf === undefined ? [] : [shelfKey(`${metadata.namespace}/${spec.poolRef.name}`, shelf)];
}

/** The same caches, as gather steps read them. */
export function viewsOf(sources: Sources): Stores {
  return sources as unknown as Stores;
}
