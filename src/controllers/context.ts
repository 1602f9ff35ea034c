// What every controller works with: the caches, the client, the cloud, and whose installation it is.

import type { BackendProbe } from '../api/backend-probe.ts';
import type { Lease, Node, PersistentVolume } from '../api/built-in.ts';
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import type { NodeMount } from '../api/node-mount.ts';
import type { AnyObject, DeepReadonly } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { StorageBackend } from '../api/storage-backend.ts';
import type { StorageNode } from '../api/storage-node.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import type { AzureCloud, CallContext } from '../azure/port.ts';
import type { HistorySink } from '../history/port.ts';
import type { Key, KubeClient, Store } from '../kube/index.ts';
import type { InstallationDefaults } from '../plan/pool-scope.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Discovery } from './discovery/memory.ts';
import type { TenancySource } from './tenancy.ts';

/** One cache for each kind that the controller reads. */
export interface Sources {
  readonly volumePools: Store<VolumePool>;
  readonly instancePools: Store<InstancePool>;
  readonly instanceClaims: Store<InstanceClaim>;
  readonly poolVolumes: Store<PoolVolume>;
  readonly poolInstances: Store<PoolInstance>;
  readonly storagePools: Store<StoragePool>;
  readonly storageBackends: Store<StorageBackend>;
  readonly backendProbes: Store<BackendProbe>;
  readonly nodeMounts: Store<NodeMount>;
  readonly storageNodes: Store<StorageNode>;
  readonly nodes: Store<Node>;
  /** Those that offer storage pools to pods. */
  readonly persistentVolumes: Store<PersistentVolume>;
  /** Those of the operator's own namespace: the agents' heartbeats are among them. */
  readonly leases: Store<Lease>;
}

/**
 * A cache as gather steps read it. The objects are deeply frozen at run time; their types are the plain
 * ones, because planners take plain objects and never change them.
 */
export interface View<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  byKey(key: Key): T | undefined;
  byUid(uid: string): T | undefined;
  list(namespace?: string): readonly T[];
  byIndex(index: string, key: string): readonly T[];
}

export type Stores = {
  readonly [Kind in keyof Sources]: Sources[Kind] extends Store<infer T> ? View<T> : never;
};

/** Reports what happened to an object as a Kubernetes Event; never fails. */
export interface EventRecorder {
  event(
    object: DeepReadonly<AnyObject>,
    type: 'Normal' | 'Warning',
    reason: string,
    action: string,
    note: string,
  ): void;
}

export interface ControllerContext {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly cloud: AzureCloud;
  readonly events: EventRecorder;
  /** What the last look at Azure found. */
  readonly discovery: Discovery;
  /** Absent: nobody asked for a history. */
  readonly history?: HistorySink;
  /** The operator's own namespace, where the agents' heartbeats are. */
  readonly namespace: string;
  /** The only namespaces whose objects are obeyed; absent or empty: all of them. */
  readonly watchNamespaces?: readonly string[];
  /** The name in the tag `poolkeeper:installation`: resources of any other are never touched. */
  readonly installation: string;
  readonly defaults: InstallationDefaults;
  /** What the pools of each namespace may name in Azure. */
  readonly tenancy: TenancySource;
  /** How many times faster than real Azure the cloud runs: 1 but for the simulator. */
  readonly pollPace: number;
}

export function callContext(
  priority: CallContext['priority'],
  correlationId: string,
  signal: AbortSignal,
): CallContext {
  return { priority, correlationId, signal };
}
