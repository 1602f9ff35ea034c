// Keeps track of who wrote what when objects are created, replaced or patched: a writer owns the
// fields it changed, and others lose them.
import type { KubeObject, ManagedFieldsEntry } from '../objects/kube-object.ts';
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts';
import type { WriteOptions } from '../writes/options.ts';
import { compare } from './comparison.ts';
import { difference, union } from './field-set.ts';
import {
  isSameManager,
  readManagers,
  withFields,
  withoutFields,
  writeManagers,
} from './managers.ts';
import { rootSchema } from './structure.ts';
import { ownable } from './system-fields.ts';

export interface TrackedWrite {
  readonly type: ResourceType;
  readonly old: KubeObject | undefined;
  readonly object: KubeObject;
  readonly options: WriteOptions;
  readonly now: string;
  readonly subresource?: string | undefined;
}

/** The object with its managedFields brought up to date. */
export function trackUpdate(write: TrackedWrite): KubeObject {
  const { type, old, object, options, now, subresource } = write;
  const sent = object.metadata.managedFields;
  // Clients hand back what they read; an explicitly emptied list gives up all ownership.
  const isReset = sent !== undefined && readManagers(object.metadata).length === 0;
  const known = isReset ? [] : readManagers((sent ? object : old)?.metadata ?? {});
  // Who gave up all ownership is not tracked again before somebody applies.
  if (old && known.length === 0) return withManagedFields(object, []);
  const base = old ?? emptyObject(object, type);
  const { changed, removed } = compare(base, object, rootSchema(type));
  const written = ownable(changed, type, subresource);
  const vanished = ownable(removed, type, subresource);
  if (!written && !vanished) return withManagedFields(object, writeManagers(known));
  const identity = {
    name: options.fieldManager,
    operation: 'Update' as const,
    apiVersion: apiVersionOf(type),
    subresource: subresource ?? '',
  };
  const mine = known.find((manager) => isSameManager(manager, identity))?.fields;
  const others = withoutFields(withoutFields(known, written, identity), vanished);
  const fields = union(difference(mine, vanished), written);
  return withManagedFields(object, writeManagers(withFields(others, identity, fields, now)));
}

/** What a new object is compared with: parts that exist without anybody's doing. */
export function emptyObject(object: KubeObject, type: ResourceType): object {
  const { apiVersion, kind } = object;
  return { apiVersion, kind, metadata: {}, ...(type.custom ? {} : { spec: {}, status: {} }) };
}

export function withManagedFields(
  object: KubeObject,
  entries: readonly ManagedFieldsEntry[],
): KubeObject {
  const { managedFields: _replaced, ...metadata } = object.metadata;
  if (entries.length === 0) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, managedFields: entries } };
}
