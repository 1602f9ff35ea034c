// Typed calls on Kubernetes objects. JSON goes in and out untouched: no generated models, so
// fields this version has never heard of survive a round trip.
import { type AnyObject, apiVersionOf, type ObjectMeta, type Resource } from '../api/object.ts';
import type { Connection } from './connection.ts';
import { isGone, isNotFound } from './errors.ts';
import { listPages } from './list-pages.ts';
import { isGoneFromServer, type ObjectReference } from './object-key.ts';
import { collectionPath, objectPath } from './resource-path.ts';
import type { Lane } from './transport.ts';

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
  get<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
  ): Promise<T | undefined>;
  /** Who and in which version it is, without its content; undefined when there is no such object. */
  getMetadata<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
  ): Promise<ObjectMeta | undefined>;
  /** All matching objects, fetched in pages. */
  list<T extends AnyObject>(resource: Resource<T>, options?: ListOptions): Promise<T[]>;
  create<T extends AnyObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options?: WriteOptions,
  ): Promise<T>;
  /** RFC 7396. `metadata.resourceVersion` or `metadata.uid` in the patch make it conditional. */
  mergePatch<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    patch: object,
    options?: WriteOptions,
  ): Promise<T>;
  /** RFC 6902. A `test` that fails is refused with 422, not 409. */
  jsonPatch<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    operations: readonly JsonPatchOperation[],
    options?: WriteOptions,
  ): Promise<T>;
  /** Server-side apply. What this manager applied before and leaves out now is removed. */
  apply<T extends AnyObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: ApplyOptions,
  ): Promise<T>;
  delete<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    options?: DeleteOptions,
  ): Promise<DeleteOutcome>;
  /** Create-only endpoints that aren't objects of their own: reviews, token requests. */
  post<Answer>(path: string, body: object): Promise<Answer>;
}

/** Told about every object version the server returned, so that caches needn't wait for a watch. */
export interface AnswerObserver {
  /** The object as it is now; also when it is on its way out (see `isGoneFromServer`). */
  answered(resource: Resource<AnyObject>, object: AnyObject): void;
  deleted(resource: Resource<AnyObject>, reference: ObjectReference, uid: string | undefined): void;
}

export interface KubeClientOptions {
  readonly connection: Connection;
  /** Who the API server says wrote a field. Default: `poolkeeper`. */
  readonly fieldManager?: string;
  readonly observer?: AnswerObserver;
  /** Which connections its calls take. Default: bulk. */
  readonly lane?: Lane;
}

export function createKubeClient(options: KubeClientOptions): KubeClient {
  return new ConnectedClient(options);
}

const MERGE_PATCH = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const MAX_LIST_RESTARTS = 3;

class ConnectedClient implements KubeClient {
  readonly #connection: Connection;
  readonly #fieldManager: string;
  readonly #observer: AnswerObserver | undefined;

  constructor(options: KubeClientOptions) {
    const { connection, lane } = options;
    this.#connection = lane
      ? { ...connection, call: (request) => connection.call({ lane, ...request }) }
      : connection;
    this.#fieldManager = options.fieldManager ?? 'poolkeeper';
    this.#observer = options.observer;
  }

  async get<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
  ): Promise<T | undefined> {
    try {
      const path = objectPath(resource, reference);
      return this.#answered(resource, await this.#connection.call<T>({ method: 'GET', path }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async getMetadata<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
  ): Promise<ObjectMeta | undefined> {
    try {
      const path = objectPath(resource, reference);
      const request = { method: 'GET', path, accept: METADATA_ONLY } as const;
      return (await this.#connection.call<AnyObject>(request)).metadata;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list<T extends AnyObject>(resource: Resource<T>, options: ListOptions = {}): Promise<T[]> {
    for (let restarts = 0; ; restarts++) {
      try {
        const items: T[] = [];
        for await (const page of listPages(this.#connection, resource, options))
          items.push(...page.items);
        return items;
      } catch (error) {
        // The server forgot the snapshot we were paging through.
        if (!isGone(error) || restarts >= MAX_LIST_RESTARTS) throw error;
      }
    }
  }

  async create<T extends AnyObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace } = metadataOf(object);
    const path = collectionPath(resource, namespace);
    const query = this.#query(options);
    const body = { ...typeOf(resource), ...object };
    return this.#answered(
      resource,
      await this.#connection.call<T>({ method: 'POST', path, query, body }),
    );
  }

  mergePatch<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    patch: object,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#patch(resource, reference, { ...options, body: patch, contentType: MERGE_PATCH });
  }

  jsonPatch<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions = {},
  ): Promise<T> {
    const sent = { ...options, body: operations, contentType: JSON_PATCH };
    return this.#patch(resource, reference, sent);
  }

  apply<T extends AnyObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: ApplyOptions,
  ): Promise<T> {
    const { namespace, name } = metadataOf(object);
    const body = { ...typeOf(resource), ...object };
    const sent = { ...options, body, contentType: APPLY_PATCH };
    return this.#patch(resource, { namespace, name: name ?? '' }, sent);
  }

  async delete<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    options: DeleteOptions = {},
  ): Promise<DeleteOutcome> {
    const { uid, resourceVersion, propagationPolicy } = options;
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagationPolicy ?? 'Background',
      ...(Object.keys(preconditions).length > 0 && { preconditions }),
    };
    try {
      const path = objectPath(resource, reference);
      const answer = await this.#connection.call<DeleteAnswer>({ method: 'DELETE', path, body });
      if (answer?.metadata?.uid === undefined || isGoneFromServer(answer)) {
        const gone = answer?.metadata?.uid ?? answer?.details?.uid ?? uid;
        this.#observer?.deleted(resource, reference, gone);
        return 'deleted';
      }
      this.#answered(resource, answer as T);
      return 'terminating';
    } catch (error) {
      if (isNotFound(error)) return 'absent';
      throw error;
    }
  }

  post<Answer>(path: string, body: object): Promise<Answer> {
    return this.#connection.call<Answer>({ method: 'POST', path, body });
  }

  async #patch<T extends AnyObject>(
    resource: Resource<T>,
    reference: ObjectReference,
    sent: PatchCall,
  ): Promise<T> {
    const suffix = sent.subresource ? `/${sent.subresource}` : '';
    const path = `${objectPath(resource, reference)}${suffix}`;
    const query = { ...this.#query(sent), ...(sent.force && { force: 'true' }) };
    const { body, contentType } = sent;
    return this.#answered(
      resource,
      await this.#connection.call<T>({ method: 'PATCH', path, query, body, contentType }),
    );
  }

  #query(options: WriteOptions): Record<string, string> {
    return { fieldManager: options.fieldManager ?? this.#fieldManager };
  }

  #answered<T extends AnyObject>(resource: Resource<T>, object: T): T {
    this.#observer?.answered(resource, object);
    return object;
  }
}

interface PatchCall extends WriteOptions {
  readonly force?: boolean;
  readonly body: unknown;
  readonly contentType: string;
}

/** The object as it was or still is, or a metav1.Status that says it is gone. */
type DeleteAnswer = Partial<AnyObject> & { readonly details?: { readonly uid?: string } };

function typeOf(resource: Resource<unknown>): { apiVersion: string; kind: string } {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function metadataOf(object: unknown): { namespace?: string; name?: string } {
  return (object as { metadata?: { namespace?: string; name?: string } }).metadata ?? {};
}
