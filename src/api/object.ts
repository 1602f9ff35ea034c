// The shape every Kubernetes object shares, and the descriptor that ties a kind to its address in
// the API. Types only: importing this file costs nothing at run time.

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Metadata as an API server returns it. Times are RFC 3339 text. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  /** Present for every namespaced kind. */
  namespace?: string;
  uid: string;
  /** Opaque; changes with every write. */
  resourceVersion: string;
  /** Changes with every change of the spec. Some built-in kinds have none. */
  generation?: number;
  creationTimestamp: string;
  /** Set once deletion was asked for; finalizers hold the object until they are gone. */
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: object[];
}

/** What every object has, whatever its kind. */
export interface AnyObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface KubeObject<Spec, Status> extends AnyObject {
  spec: Spec;
  /** Absent until its writer has looked at the object for the first time. */
  status?: Status;
}

/** A `KubeObject` that always lives in a namespace. */
export interface NamespacedObject<Spec, Status> extends KubeObject<Spec, Status> {
  metadata: ObjectMeta & { namespace: string };
}

/** metav1.Condition. Write conditions through `conditions.ts` only. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  observedGeneration?: number;
  /** Changes only when `status` changes. */
  lastTransitionTime: string;
  reason: string;
  message: string;
}

declare const objectType: unique symbol;

/** Where a kind lives in the API. `T`, the type of its objects, exists for the compiler only. */
export interface Resource<T> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly [objectType]?: T;
}

/** Metadata of an object that is to be created: what the server fills in is left out. */
export interface NewObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

/** `T` as one sends it to create it. */
export type NewObject<T extends AnyObject> = Omit<T, 'metadata' | 'status'> & {
  metadata: NewObjectMeta;
};

/** `T` as a cache hands it out: nobody may change it. */
export type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** `group/version`, or just `version` for the core group. */
export function apiVersionOf(resource: Resource<unknown>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The reference that makes `owner` the one controller of another object. */
export function ownerReferenceTo(owner: DeepReadonly<AnyObject>): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
