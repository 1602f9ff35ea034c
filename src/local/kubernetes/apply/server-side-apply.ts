// Server-side apply: a writer states the fields it wants; the server merges them, gives it their
// ownership, and removes what it stated before and doesn't state any more.
import { type JsonObject, without } from '../objects/json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../objects/kube-object.ts';
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts';
import { compare } from './comparison.ts';
import { conflictError, findConflicts } from './conflicts.ts';
import { emptyObject } from './field-managers.ts';
import { difference, type FieldSet, union } from './field-set.ts';
import { fieldSetOf } from './field-set-of.ts';
import { allowedByLastApplied, updateLastApplied } from './last-applied.ts';
import {
  type Identity,
  isSameManager,
  type Manager,
  readManagers,
  withFields,
  withoutFields,
  writeManagers,
} from './managers.ts';
import { mergeApplied, removeUnowned } from './merge.ts';
import { rootSchema } from './structure.ts';
import { ownable } from './system-fields.ts';

export interface Application {
  readonly type: ResourceType;
  /** Undefined when the object is created by this. */
  readonly live: KubeObject | undefined;
  /** What the client sent. */
  readonly applied: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  readonly subresource: string | undefined;
  readonly now: string;
}

export interface Applied {
  readonly object: JsonObject;
  readonly managedFields: readonly ManagedFieldsEntry[];
}

/** Throws the conflicts unless forced. */
export function applyConfiguration(application: Application): Applied {
  const { type, live, applied, subresource, now } = application;
  const schema = rootSchema(type);
  const identity: Identity = {
    name: application.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(type),
    subresource: subresource ?? '',
  };
  const wanted = ownable(fieldSetOf(applied, schema), type, subresource);
  if (!live) {
    return { object: applied, managedFields: writeManagers(withFields([], identity, wanted, now)) };
  }
  const known = startingManagers(live, type, now);
  const stated = relevant(applied, subresource);
  const merged = mergeApplied(live, stated, schema) as JsonObject;
  const object = pruned(merged, { known, identity, wanted }, type);
  const { changed, removed } = compare(live, object, schema);
  const conflicting = ownable(changed, type, subresource);
  const conflicts = findConflicts(known, identity, conflicting);
  if (conflicts.length > 0 && !application.force) {
    if (!allowedByLastApplied(application, conflicts, schema)) throw conflictError(conflicts);
  }
  const losers = withoutFields(known, conflicting, identity);
  const left = withoutFields(losers, ownable(removed, type, subresource), identity);
  return {
    object: updateLastApplied(application, object),
    managedFields: writeManagers(withFields(left, identity, wanted, now)),
  };
}

/** The version is a lock, not a wish; a status endpoint takes only the status. */
function relevant(applied: JsonObject, subresource: string | undefined): JsonObject {
  if (subresource !== 'status') return applied;
  return 'status' in applied
    ? { status: applied['status'] }
    : without(applied, ...Object.keys(applied));
}

/** Objects that were never tracked belong to a writer of the past. */
function startingManagers(live: KubeObject, type: ResourceType, now: string): Manager[] {
  const known = readManagers(live.metadata);
  if (known.length > 0) return known;
  const { changed } = compare(emptyObject(live, type), live, rootSchema(type));
  const fields = ownable(changed, type, undefined);
  if (!fields) return [];
  const apiVersion = apiVersionOf(type);
  const name = 'before-first-apply';
  return [{ name, operation: 'Update', apiVersion, subresource: '', time: now, fields }];
}

interface Ownership {
  readonly known: readonly Manager[];
  readonly identity: Identity;
  readonly wanted: FieldSet | undefined;
}

function pruned(merged: JsonObject, ownership: Ownership, type: ResourceType): JsonObject {
  const { known, identity, wanted } = ownership;
  const last = known.find((manager) => isSameManager(manager, identity))?.fields;
  const dropped = difference(last, wanted);
  if (!dropped) return merged;
  let owned = wanted;
  for (const manager of known) {
    if (!isSameManager(manager, identity)) owned = union(owned, manager.fields);
  }
  return removeUnowned(merged, dropped, owned, rootSchema(type)) as JsonObject;
}
