// Replaces objects, and holds the one path by which every change of a stored object goes.
import { formatTime } from '../../../runtime/clock.ts';
import { trackUpdate, withManagedFields } from '../apply/field-managers.ts';
import type { Backend, Call } from '../backend.ts';
import { deepEqual, isObject, type JsonObject, without } from '../objects/json.ts';
import {
  type KubeObject,
  keyOf,
  looseMetadata,
  type ObjectMeta,
  objectKey,
} from '../objects/kube-object.ts';
import { checkMetadataTypes } from '../objects/metadata-rules.ts';
import { cause, conflict, invalid, notFound } from '../objects/status-error.ts';
import { askPolicies } from '../policies/admission-policies.ts';
import { namespaces } from '../resources/core.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import { prepare, shape, validate } from './admission.ts';
import { insert } from './create.ts';
import { checkIdentity, decodeBody } from './decode.ts';
import { type WriteOptions, writeOptions } from './options.ts';

export interface UpdateResult {
  readonly object: KubeObject;
  readonly created: boolean;
}

export function updateObject(backend: Backend, call: Call): UpdateResult {
  const options = writeOptions(call);
  const sent = checkIdentity(call, decodeBody(call));
  const stored = find(backend, call);
  if (!stored) {
    const { type, target } = call;
    if (!type.createOnUpdate || target.subresource) throw notFound(type, target.name);
    const metadata = without(looseMetadata(sent) as JsonObject, 'resourceVersion', 'uid');
    return { object: insert(backend, call, { ...sent, metadata }, options), created: true };
  }
  return { object: commitUpdate(backend, call, stored, { sent, options }), created: false };
}

/** The stored object the call is about, in the form of the call's version. */
export function find(backend: Backend, call: Call): KubeObject | undefined {
  const { type, target } = call;
  const namespace = type.namespaced ? target.namespace : undefined;
  const stored = backend.store.shelf(type.shelf).get(objectKey(namespace, target.name));
  return stored && (type.fromShelf?.(stored) ?? stored);
}

export interface Change {
  readonly sent: JsonObject;
  readonly options: WriteOptions;
  /** Set by server-side apply, which decides itself who owns what. */
  readonly managedFields?: ObjectMeta['managedFields'];
}

/** Checks and stores what `old` shall become; what changes nothing is not written. */
export function commitUpdate(
  backend: Backend,
  call: Call,
  old: KubeObject,
  change: Change,
): KubeObject {
  const { type, target } = call;
  const { sent, options } = change;
  const now = formatTime(backend.clock.now());
  checkMetadataTypes(looseMetadata(sent));
  checkPreconditions(call, old, looseMetadata(sent));
  const merged = withOldIdentity(type, old, sent, target.subresource);
  const context = { old, subresource: target.subresource, now };
  const shaped = prepare(type, shape(call, merged, options), context);
  const tracked = change.managedFields
    ? withManagedFields(shaped, change.managedFields)
    : trackUpdate({ type, old, object: shaped, options, now, subresource: target.subresource });
  if (unchanged(tracked, old)) return old;
  validate(type, tracked, context);
  askPolicies(backend.store, call, {
    operation: 'UPDATE',
    object: tracked,
    oldObject: old,
    dryRun: options.dryRun,
  });
  const counted = withGeneration(type, old, tracked);
  if (options.dryRun) return counted;
  const kept = type.toShelf?.(counted) ?? counted;
  const stored = isFinished(type, kept)
    ? backend.store.delete(type.shelf, keyOf(kept))!
    : backend.store.put(type.shelf, kept);
  return type.fromShelf?.(stored) ?? stored;
}

function checkPreconditions(call: Call, old: KubeObject, sent: Partial<ObjectMeta>): void {
  const { type } = call;
  const { name, uid, resourceVersion } = old.metadata;
  const isForeign = sent.uid !== undefined && sent.uid !== '' && sent.uid !== uid;
  // In a replacement the uid is a precondition; in a patch it is a field like any other, judged last.
  if (isForeign && call.target.verb !== 'patch') {
    const words = `Precondition failed: UID in precondition: ${sent.uid}, UID in object meta: ${uid}`;
    throw conflict(type, name, words);
  }
  const wanted = sent.resourceVersion;
  if (!wanted && type.lockedUpdates && call.target.verb === 'update') {
    const words = 'must be specified for an update';
    throw invalid(type, name, [cause.invalid('metadata.resourceVersion', 0, words)]);
  }
  if (wanted && wanted !== '0' && wanted !== resourceVersion) throw conflict(type, name);
  // The status of a custom resource takes nothing from the metadata that is sent, not even the uid.
  const isIgnored = type.custom && call.target.subresource === 'status';
  if (isForeign && !isIgnored) {
    throw invalid(type, name, [cause.invalid('metadata.uid', sent.uid, 'field is immutable')]);
  }
}

/** Takes from `sent` only what this endpoint may change. */
function withOldIdentity(
  type: ResourceType,
  old: KubeObject,
  sent: JsonObject,
  subresource: string | undefined,
): KubeObject {
  const wanted = looseMetadata(sent);
  const metadata: JsonObject = {
    ...wanted,
    name: old.metadata.name,
    uid: old.metadata.uid,
    resourceVersion: old.metadata.resourceVersion,
    creationTimestamp: old.metadata.creationTimestamp,
  };
  for (const field of KEPT_METADATA) {
    if (old.metadata[field] === undefined) delete metadata[field];
    else metadata[field] = old.metadata[field];
  }
  const identity = { apiVersion: old.apiVersion, kind: old.kind };
  if (subresource === 'status') {
    const status = 'status' in sent ? { status: sent['status'] } : {};
    if (!type.custom) {
      return { ...without(old as JsonObject, 'status'), ...status, metadata } as never;
    }
    const managedFields = wanted.managedFields ?? old.metadata.managedFields;
    const kept = { ...old.metadata, ...(managedFields ? { managedFields } : {}) };
    return { ...without(old as JsonObject, 'status'), ...status, metadata: kept } as never;
  }
  const status = old['status'] === undefined ? {} : { status: old['status'] };
  const body = type.statusSubresource ? { ...without(sent, 'status'), ...status } : sent;
  return { ...body, ...identity, metadata } as unknown as KubeObject;
}

const KEPT_METADATA = [
  'namespace',
  'generateName',
  'generation',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

function unchanged(object: KubeObject, old: KubeObject): boolean {
  return deepEqual(stripEmpty(object), stripEmpty(old));
}

/** Empty metadata parts and absent ones are the same. */
function stripEmpty(object: KubeObject): KubeObject {
  const metadata = Object.fromEntries(
    Object.entries(object.metadata).filter(
      ([, value]) =>
        value !== undefined &&
        !(Array.isArray(value) && value.length === 0) &&
        !(isObject(value) && Object.keys(value).length === 0),
    ),
  );
  return { ...object, metadata: metadata as unknown as ObjectMeta };
}

function withGeneration(type: ResourceType, old: KubeObject, object: KubeObject): KubeObject {
  if (!type.generations) return object;
  const ignored = type.statusSubresource ? ['metadata', 'status'] : ['metadata'];
  const before = without(old as JsonObject, ...ignored);
  if (deepEqual(without(object as JsonObject, ...ignored), before)) return object;
  const generation = (old.metadata.generation ?? 0) + 1;
  return { ...object, metadata: { ...object.metadata, generation } };
}

/** A deleted object vanishes with the last of its finalizers. */
export function isFinished(type: ResourceType, object: KubeObject): boolean {
  if (!object.metadata.deletionTimestamp) return false;
  if ((object.metadata.finalizers ?? []).length > 0) return false;
  if (type.shelf !== namespaces.shelf) return true;
  const spec = object['spec'];
  const finalizers = isObject(spec) ? spec['finalizers'] : undefined;
  return !Array.isArray(finalizers) || finalizers.length === 0;
}
