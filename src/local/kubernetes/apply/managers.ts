// The writers of an object and the fields each owns, read from and written to managedFields.

import { deepEqual } from '../objects/json.ts';
import type { ManagedFieldsEntry, ObjectMeta } from '../objects/kube-object.ts';
import { difference, type FieldSet, makeNode } from './field-set.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  readonly fields: FieldSet;
}

export function readManagers(metadata: Partial<ObjectMeta>): Manager[] {
  return (metadata.managedFields ?? []).flatMap((entry) => {
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') return [];
    return [
      {
        name: entry.manager ?? '',
        operation: entry.operation,
        apiVersion: entry.apiVersion ?? '',
        subresource: entry.subresource ?? '',
        time: entry.time ?? '',
        fields: (entry.fieldsV1 ?? {}) as FieldSet,
      },
    ];
  });
}

export function writeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] {
  return [...managers].sort(inOrder).map((manager) => ({
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time ? { time: manager.time } : {}),
    fieldsType: 'FieldsV1',
    fieldsV1: manager.fields,
    ...(manager.subresource ? { subresource: manager.subresource } : {}),
  }));
}

function inOrder(left: Manager, right: Manager): number {
  const key = (manager: Manager): string =>
    [manager.operation, manager.time, manager.name, manager.apiVersion, manager.subresource].join(
      '\u0000',
    );
  return key(left) < key(right) ? -1 : 1;
}

export type Identity = Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>;

export function isSameManager(left: Identity, right: Identity): boolean {
  return (
    left.name === right.name &&
    left.operation === right.operation &&
    left.apiVersion === right.apiVersion &&
    left.subresource === right.subresource
  );
}

/** The list with one manager's fields replaced; a manager without fields leaves it. */
export function withFields(
  managers: readonly Manager[],
  identity: Identity,
  fields: FieldSet | undefined,
  now: string,
): Manager[] {
  const others = managers.filter((manager) => !isSameManager(manager, identity));
  if (!fields || Object.keys(fields).length === 0) return others;
  const before = managers.find((manager) => isSameManager(manager, identity));
  // The time tells when the set changed, not when it was last confirmed.
  const time = before && deepEqual(before.fields, fields) ? before.time : now;
  return [...others, { ...identity, fields, time }];
}

/** Takes fields away from all managers but one. */
export function withoutFields(
  managers: readonly Manager[],
  fields: FieldSet | undefined,
  except?: Identity,
): Manager[] {
  if (!fields) return [...managers];
  return managers.flatMap((manager) => {
    if (except && isSameManager(manager, except)) return [manager];
    const left = difference(rooted(manager.fields), fields);
    return left && Object.keys(left).length > 0 ? [{ ...manager, fields: left }] : [];
  });
}

/** An empty root would read as a member; as a set it is empty. */
function rooted(fields: FieldSet): FieldSet | undefined {
  return Object.keys(fields).length === 0 ? makeNode(false, []) : fields;
}
