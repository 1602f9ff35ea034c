// Creates objects.
import { formatTime } from '../../../runtime/clock.ts';
import { randomUuid } from '../../../runtime/random.ts';
import { trackUpdate, withManagedFields } from '../apply/field-managers.ts';
import { attributesOf, demand } from '../authorization/authorizer.ts';
import type { Backend, Call } from '../backend.ts';
import { without } from '../objects/json.ts';
import {
  type KubeObject,
  keyOf,
  looseMetadata,
  type ObjectMeta,
  objectKey,
} from '../objects/kube-object.ts';
import { checkMetadataTypes } from '../objects/metadata-rules.ts';
import { generatedName } from '../objects/names.ts';
import {
  alreadyExists,
  cause,
  forbidden,
  invalid,
  notFound,
  StatusError,
} from '../objects/status-error.ts';
import { askPolicies } from '../policies/admission-policies.ts';
import { namespaces } from '../resources/core.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import { prepare, shape, validate } from './admission.ts';
import { checkIdentity, decodeBody } from './decode.ts';
import { type WriteOptions, writeOptions } from './options.ts';

export function createObject(backend: Backend, call: Call): KubeObject {
  const options = writeOptions(call);
  return insert(backend, call, checkIdentity(call, decodeBody(call)), options);
}

/** Stores a new object of which identity and kind are checked already. */
export function insert(
  backend: Backend,
  call: Call,
  sent: Readonly<Record<string, unknown>>,
  options: WriteOptions,
  managedFields?: ObjectMeta['managedFields'],
): KubeObject {
  const { type, user, target } = call;
  // Apply and PUT create what is not there: whoever may only change things may not.
  if (target.verb !== 'create') demand(backend.authorizer, attributesOf(user, target, 'create'));
  const now = formatTime(backend.clock.now());
  const named = withIdentity(backend, type, sent, now);
  checkNamespace(backend, type, named.metadata);
  const context = { old: undefined, subresource: undefined, now };
  const shaped = prepare(type, shape(call, named, options), context);
  validate(type, shaped, context);
  askPolicies(backend.store, call, {
    operation: 'CREATE',
    object: shaped,
    oldObject: undefined,
    dryRun: options.dryRun,
  });
  if (backend.store.shelf(type.shelf).get(keyOf(shaped))) {
    throw alreadyExists(type, shaped.metadata.name);
  }
  const tracked = managedFields
    ? withManagedFields(shaped, managedFields)
    : trackUpdate({ type, old: undefined, object: shaped, options, now });
  const kept = type.toShelf?.(tracked) ?? tracked;
  const stored = options.dryRun ? kept : backend.store.put(type.shelf, kept);
  return type.fromShelf?.(stored) ?? stored;
}

/** What clients may not decide about a new object is decided here. */
function withIdentity(
  backend: Backend,
  type: ResourceType,
  sent: Readonly<Record<string, unknown>>,
  now: string,
): KubeObject {
  const metadata = looseMetadata(sent);
  checkMetadataTypes(metadata);
  if (metadata.resourceVersion) {
    const words = 'resourceVersion should not be set on objects to be created';
    throw new StatusError(500, '', words);
  }
  const name = metadata.name || newName(backend, metadata.generateName);
  if (!name) {
    const problem = cause.required('metadata.name', 'name or generateName is required');
    throw invalid(type, '', [problem]);
  }
  const { deletionTimestamp, deletionGracePeriodSeconds, generation, ...kept } = metadata;
  const identity: ObjectMeta = {
    ...kept,
    name,
    uid: randomUuid(backend.random),
    creationTimestamp: now,
    ...(type.generations ? { generation: 1 } : {}),
  };
  const dropsStatus = type.custom && type.statusSubresource;
  const body = dropsStatus ? without(sent, 'status') : sent;
  return { ...body, metadata: identity } as unknown as KubeObject;
}

function newName(backend: Backend, base: string | undefined): string {
  return base ? generatedName(base, backend.random) : '';
}

function checkNamespace(backend: Backend, type: ResourceType, metadata: ObjectMeta): void {
  if (!type.namespaced) return;
  const name = metadata.namespace ?? '';
  const namespace = backend.store.shelf(namespaces.shelf).get(objectKey(undefined, name));
  if (!namespace) throw notFound(namespaces, name);
  if (!namespace.metadata.deletionTimestamp) return;
  const words = `unable to create new content in namespace ${name} because it is being terminated`;
  throw forbidden(type, metadata.name, words, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${name} is being terminated`,
      field: 'metadata.namespace',
    },
  ]);
}
