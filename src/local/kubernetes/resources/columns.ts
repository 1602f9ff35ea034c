// Columns of `kubectl get`: for custom resources from their definition's JSONPaths, and the few
// building blocks from which the built-ins' columns are made.
import { asArray, asObject, asString, getPath } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { ageSince } from '../reads/age.ts';
import { compileJsonPath } from '../reads/json-path.ts';
import type { Column } from './resource-type.ts';

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly description?: string;
  readonly format?: string;
  readonly priority?: number;
}

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  value: (object) => object.metadata.name,
};

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  value: (object, now) => ageSince(object.metadata.creationTimestamp, now),
};

export function textColumn(
  name: string,
  read: (object: KubeObject) => unknown,
  priority = 0,
): Column {
  return { name, type: 'string', priority, value: (object) => String(read(object) ?? '') };
}

export function pathColumn(name: string, path: string, priority = 0): Column {
  const keys = path.split('.');
  return textColumn(name, (object) => getPath(object, keys), priority);
}

export function countColumn(name: string, path: string): Column {
  const keys = path.split('.');
  const value = (object: KubeObject): number => {
    const counted = getPath(object, keys);
    return Array.isArray(counted) ? counted.length : Object.keys(asObject(counted)).length;
  };
  return { name, type: 'string', value };
}

export function customColumns(printerColumns: readonly PrinterColumn[] | undefined): Column[] {
  if (!printerColumns || printerColumns.length === 0) {
    return [nameColumn, { ...ageColumn, type: 'date' }];
  }
  return [nameColumn, ...printerColumns.map(customColumn)];
}

function customColumn(column: PrinterColumn): Column {
  const path = compileJsonPath(column.jsonPath);
  return {
    name: column.name,
    type: column.type as Column['type'],
    ...(column.format ? { format: column.format } : {}),
    description:
      column.description ??
      `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
    value: (object, now) => cell(column.type, path(object)[0], now),
  };
}

/** A value that does not have its column's type is shown as nothing. */
function cell(type: string, value: unknown, now: number): unknown {
  if (value === undefined) return null;
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
  if (type === 'date') return typeof value === 'string' ? ageSince(value, now) : null;
  if (type === 'integer') return typeof value === 'number' ? Math.trunc(value) : null;
  if (type === 'number') return typeof value === 'number' ? value : null;
  return typeof value === 'boolean' ? value : null;
}

/** Status of a condition, as most built-ins show it. */
export function conditionStatus(object: KubeObject, type: string): string {
  const conditions = asArray(asObject(object['status'])['conditions']).map(asObject);
  return asString(conditions.find((condition) => condition['type'] === type)?.['status']);
}
