// Descriptors of Poolkeeper's own kinds. No schema is loaded from here: a process that only talks
// to the API server (an agent, say) doesn't pay for them.
import type { BackendProbe } from './backend-probe.ts';
import type { InstanceClaim } from './instance-claim.ts';
import type { InstancePool } from './instance-pool.ts';
import type { NodeMount } from './node-mount.ts';
import type { AnyObject, Resource } from './object.ts';
import type { PoolInstance } from './pool-instance.ts';
import type { PoolVolume } from './pool-volume.ts';
import type { StorageBackend } from './storage-backend.ts';
import type { StorageNode } from './storage-node.ts';
import type { StoragePool } from './storage-pool.ts';
import type { VolumePool } from './volume-pool.ts';

export const apiGroup = 'poolkeeper.dev';
export const apiVersion = 'v1alpha1';
/** The `apiVersion` of every object of ours. */
export const groupVersion = `${apiGroup}/${apiVersion}`;

function resource<T extends AnyObject>(
  kind: string,
  shortName: string,
  scope: 'Namespaced' | 'Cluster' = 'Namespaced',
): Resource<T> {
  const singular = kind.toLowerCase();
  return Object.freeze({
    group: apiGroup,
    version: apiVersion,
    kind,
    plural: `${singular}s`,
    singular,
    shortNames: Object.freeze([shortName]),
    namespaced: scope === 'Namespaced',
  });
}

export const instancePools = resource<InstancePool>('InstancePool', 'ipool');
export const volumePools = resource<VolumePool>('VolumePool', 'vpool');
export const instanceClaims = resource<InstanceClaim>('InstanceClaim', 'iclaim');
export const storagePools = resource<StoragePool>('StoragePool', 'spool');
export const storageBackends = resource<StorageBackend>('StorageBackend', 'sbackend');
export const poolInstances = resource<PoolInstance>('PoolInstance', 'pinst');
export const poolVolumes = resource<PoolVolume>('PoolVolume', 'pvol');
export const nodeMounts = resource<NodeMount>('NodeMount', 'nmount');
export const backendProbes = resource<BackendProbe>('BackendProbe', 'bprobe');
export const storageNodes = resource<StorageNode>('StorageNode', 'snode', 'Cluster');
