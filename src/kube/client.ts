// Typed calls on Kubernetes objects. JSON goes in and out untouched: no generated models, so
// fields this version has never heard of survive a round trip.
import type { Resource } from '../api/object.ts';
import type { KubernetesObject, ObjectReference } from './object-key.ts';

export interface ListOptions {
  readonly namespace?: string | undefined;
  /** As kubectl's `-l`: `app=web,tier!=cache`. */
  readonly labelSelector?: string | undefined;
  /** As kubectl's `--field-selector`: `spec.nodeName=node-1`. */
  readonly fieldSelector?: string | undefined;
}

/** What a caller hands in to create or apply: fields the server fills may be absent. */
export type Draft<T> = T extends readonly (infer Item)[]
  ? readonly Draft<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]?: Draft<T[Field]> | undefined }
    : T;

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly subresource?: 'status';
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Takes over fields that other managers own instead of failing with a conflict. */
  readonly force?: boolean;
  readonly subresource?: 'status';
}

export interface DeleteOptions {
  /** Preconditions: the server refuses (conflict) when the object is another or has moved on. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
}

/** `terminating`: marked for deletion, kept by its finalizers. `absent`: it was not there. */
export type DeleteOutcome = 'deleted' | 'terminating' | 'absent';

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  /** RFC 6901 pointer; `~` and `/` inside a name are written `~0` and `~1`. */
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Every call throws ApiError (the server said no) or UnreachableError (it said nothing; a write
 * may or may not have happened). Calls end within 30 seconds.
 */
export interface KubeClient {
  /** Undefined when there is no such object. */
  get<T extends KubernetesObject>(
    resource: Resource<T>,
    reference: ObjectReference,
  ): Promise<T | undefined>;
  /** All matching objects, fetched in pages. */
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<T[]>;
  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options?: WriteOptions,
  ): Promise<T>;
  /** RFC 7396. `metadata.resourceVersion` or `metadata.uid` in the patch make it conditional. */
  mergePatch<T extends KubernetesObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    patch: object,
    options?: WriteOptions,
  ): Promise<T>;
  /** RFC 6902. A `test` that fails is refused with 422, not 409. */
  jsonPatch<T extends KubernetesObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    operations: readonly JsonPatchOperation[],
    options?: WriteOptions,
  ): Promise<T>;
  /** Server-side apply. What this manager applied before and leaves out now is removed. */
  apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: ApplyOptions,
  ): Promise<T>;
  delete<T extends KubernetesObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    options?: DeleteOptions,
  ): Promise<DeleteOutcome>;
  /** Create-only endpoints that aren't objects of their own: reviews, token requests. */
  post<Answer>(path: string, body: object): Promise<Answer>;
}
