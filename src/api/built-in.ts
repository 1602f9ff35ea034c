// The Kubernetes kinds that Poolkeeper reads or writes, with as much of their shape as it uses.
import type { AnyObject, Condition, ObjectMeta, Resource } from './object.ts';

export interface Namespace extends AnyObject {
  status?: { phase?: 'Active' | 'Terminating' };
}

export interface Secret extends AnyObject {
  type?: string;
  /** Values are base64. */
  data?: Record<string, string>;
}

export interface ConfigMap extends AnyObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

export interface Node extends AnyObject {
  spec?: {
    /** `azure:///subscriptions/…/virtualMachines/<name>` on Azure. */
    providerID?: string;
    unschedulable?: boolean;
    /** The networks of its pods. */
    podCIDRs?: string[];
    taints?: { key: string; value?: string; effect: string }[];
  };
  status?: {
    conditions?: Omit<Condition, 'observedGeneration'>[];
    addresses?: { type: string; address: string }[];
    nodeInfo?: { bootID?: string; machineID?: string; kernelVersion?: string; osImage?: string };
  };
}

export interface ObjectReference {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  fieldPath?: string;
}

/** events.k8s.io/v1. Times with microseconds are RFC 3339 with six fractional digits. */
export interface Event extends AnyObject {
  metadata: ObjectMeta & { namespace: string };
  eventTime: string;
  type: 'Normal' | 'Warning';
  /** At most 128 bytes. */
  reason: string;
  /** At most 128 bytes. */
  action: string;
  /** At most 1024 bytes. */
  note?: string;
  regarding?: ObjectReference;
  related?: ObjectReference;
  reportingController: string;
  reportingInstance: string;
  series?: { count: number; lastObservedTime: string };
}

/** coordination.k8s.io/v1. */
export interface Lease extends AnyObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    leaseTransitions?: number;
    acquireTime?: string;
    renewTime?: string;
  };
}

export interface PersistentVolume extends AnyObject {
  spec?: {
    capacity?: { storage?: string };
    accessModes?: string[];
    persistentVolumeReclaimPolicy?: 'Retain' | 'Delete';
    storageClassName?: string;
    volumeMode?: 'Filesystem' | 'Block';
    mountOptions?: string[];
    claimRef?: ObjectReference;
    local?: { path: string; fsType?: string };
    nfs?: { server: string; path: string; readOnly?: boolean };
    nodeAffinity?: {
      required: {
        nodeSelectorTerms: {
          matchExpressions: { key: string; operator: string; values: string[] }[];
        }[];
      };
    };
  };
  status?: { phase?: 'Pending' | 'Available' | 'Bound' | 'Released' | 'Failed' };
}

export interface StorageClass extends AnyObject {
  provisioner: string;
  reclaimPolicy?: 'Retain' | 'Delete';
  volumeBindingMode?: 'Immediate' | 'WaitForFirstConsumer';
  parameters?: Record<string, string>;
}

interface BuiltIn {
  group: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  shortNames?: string[];
}

function builtIn<T extends AnyObject>(kind: BuiltIn): Resource<T> {
  return Object.freeze({
    group: kind.group,
    version: 'v1',
    kind: kind.kind,
    plural: kind.plural,
    singular: kind.kind.toLowerCase(),
    shortNames: Object.freeze(kind.shortNames ?? []),
    namespaced: kind.namespaced,
  });
}

export const namespaces = builtIn<Namespace>({
  group: '',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  shortNames: ['ns'],
});
export const secrets = builtIn<Secret>({
  group: '',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
});
export const configMaps = builtIn<ConfigMap>({
  group: '',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  shortNames: ['cm'],
});
export const nodes = builtIn<Node>({
  group: '',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
  shortNames: ['no'],
});
export const persistentVolumes = builtIn<PersistentVolume>({
  group: '',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
  shortNames: ['pv'],
});
export const events = builtIn<Event>({
  group: 'events.k8s.io',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
  shortNames: ['ev'],
});
export const leases = builtIn<Lease>({
  group: 'coordination.k8s.io',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
});
export const storageClasses = builtIn<StorageClass>({
  group: 'storage.k8s.io',
  kind: 'StorageClass',
  plural: 'storageclasses',
  namespaced: false,
  shortNames: ['sc'],
});
