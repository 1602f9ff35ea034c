// Deletes objects: at once, or by marking them and waiting for their finalizers.
import { formatTime } from '../../../runtime/clock.ts';
import type { Backend, Call } from '../backend.ts';
import { asArray, asString, isObject } from '../objects/json.ts';
import {
  type KubeObject,
  keyOf,
  type ObjectKey,
  type ObjectMeta,
  withMetadata,
} from '../objects/kube-object.ts';
import { badRequest, cause, conflict, invalidOption, notFound } from '../objects/status-error.ts';
import { askPolicies } from '../policies/admission-policies.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import { parseBody } from './decode.ts';
import { find, isFinished } from './update.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions {
  readonly propagation?: Propagation | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly dryRun?: boolean;
}

export interface Deletion {
  readonly object: KubeObject;
  /** False when finalizers keep the object for now. */
  readonly gone: boolean;
}

const FINALIZER_OF: Readonly<Record<Propagation, string | undefined>> = {
  Background: undefined,
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
};

export function deleteObject(backend: Backend, call: Call): Deletion {
  const options = deleteOptions(call);
  const found = find(backend, call);
  if (!found) throw notFound(call.type, call.target.name);
  askPolicies(backend.store, call, {
    operation: 'DELETE',
    object: undefined,
    oldObject: found,
    dryRun: options.dryRun === true,
  });
  return deleteStored(backend, call.type, keyOf(found), options);
}

/** Deletes by key; also for the collectors, which act without a request. */
export function deleteStored(
  backend: Backend,
  type: ResourceType,
  key: ObjectKey,
  options: DeleteOptions,
): Deletion {
  const stored = backend.store.shelf(type.shelf).get(key);
  if (!stored) throw notFound(type, key);
  checkPreconditions(type, stored, options);
  const marked = mark(backend, type, stored, options.propagation);
  const shown = (object: KubeObject): KubeObject => type.fromShelf?.(object) ?? object;
  if (isFinished(type, marked)) {
    const gone = options.dryRun ? stored : backend.store.delete(type.shelf, key)!;
    return { object: shown(gone), gone: true };
  }
  if (marked === stored) return { object: shown(stored), gone: false };
  const kept = options.dryRun ? marked : backend.store.put(type.shelf, marked);
  return { object: shown(kept), gone: false };
}

/** The object with deletion timestamp, and the finalizers that the propagation asks for. */
function mark(
  backend: Backend,
  type: ResourceType,
  stored: KubeObject,
  propagation: Propagation | undefined,
): KubeObject {
  const before = stored.metadata.finalizers ?? [];
  const others = before.filter((name) => !Object.values(FINALIZER_OF).includes(name));
  const wanted = propagation && FINALIZER_OF[propagation];
  const finalizers = propagation ? [...others, ...(wanted ? [wanted] : [])] : before;
  const changed = finalizers.join() !== before.join();
  if (stored.metadata.deletionTimestamp && !changed) return stored;
  const changes: Partial<ObjectMeta> = {
    ...(changed ? { finalizers: finalizers.length > 0 ? finalizers : undefined } : {}),
  } as Partial<ObjectMeta>;
  if (stored.metadata.deletionTimestamp) return withMetadata(stored, changes);
  const now = formatTime(backend.clock.now());
  if (type.markDeleted) {
    return type.markDeleted(withMetadata(stored, { ...changes, deletionTimestamp: now }), now);
  }
  return withMetadata(stored, {
    ...changes,
    deletionTimestamp: now,
    deletionGracePeriodSeconds: 0,
    ...(type.generations ? { generation: (stored.metadata.generation ?? 0) + 1 } : {}),
  });
}

function checkPreconditions(type: ResourceType, stored: KubeObject, options: DeleteOptions): void {
  const { name, uid, resourceVersion } = stored.metadata;
  if (options.uid && options.uid !== uid) {
    const words = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(type, name, words);
  }
  if (options.resourceVersion && options.resourceVersion !== resourceVersion) {
    const words = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(type, name, words);
  }
}

/** Options come in the body or, less often, in the query. */
export function deleteOptions(call: Call): DeleteOptions {
  const { query } = call.target;
  const yaml = (call.headers['content-type'] ?? '').includes('yaml');
  const body = call.body.trim() === '' ? {} : parseBody(call.body, yaml);
  if (body['kind'] && body['kind'] !== 'DeleteOptions') {
    throw badRequest(`expected DeleteOptions, not ${asString(body['kind'])}`);
  }
  const preconditions = isObject(body['preconditions']) ? body['preconditions'] : {};
  const dryRun = [...asArray(body['dryRun']), ...query.getAll('dryRun')].filter(Boolean);
  if (dryRun.some((value) => value !== 'All')) {
    throw invalidOption('DeleteOptions', cause.notSupported('dryRun', dryRun, ['All']));
  }
  return {
    propagation: propagationOf(
      body['propagationPolicy'] ?? query.get('propagationPolicy'),
      body['orphanDependents'] ?? query.get('orphanDependents'),
    ),
    uid: asString(preconditions['uid']) || undefined,
    resourceVersion: asString(preconditions['resourceVersion']) || undefined,
    dryRun: dryRun.length > 0,
  };
}

function propagationOf(policy: unknown, orphan: unknown): Propagation | undefined {
  if (policy === null || policy === undefined || policy === '') {
    if (orphan === true || orphan === 'true') return 'Orphan';
    return orphan === false || orphan === 'false' ? 'Background' : undefined;
  }
  if (policy === 'Background' || policy === 'Foreground' || policy === 'Orphan') return policy;
  const supported = ['Foreground', 'Background', 'Orphan', 'nil'];
  throw invalidOption('DeleteOptions', cause.notSupported('propagationPolicy', policy, supported));
}
