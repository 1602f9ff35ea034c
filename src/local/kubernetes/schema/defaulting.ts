// Fills in the schema's defaults where a field is absent (or null although it may not be).
// Unchanged parts are shared.
import { isObject, type JsonObject } from '../objects/json.ts';
import type { Schema } from './schema.ts';

/** Schemas that have a default nowhere are skipped; asked so often that it is remembered. */
const hasDefaults = new WeakMap<Schema, boolean>();

function anyDefault(schema: Schema): boolean {
  const known = hasDefaults.get(schema);
  if (known !== undefined) return known;
  const children = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
    ...(isObject(schema.additionalProperties) ? [schema.additionalProperties as Schema] : []),
  ];
  const found = children.some((child) => child.default !== undefined || anyDefault(child));
  hasDefaults.set(schema, found);
  return found;
}

export function applyDefaults<T>(value: T, schema: Schema): T {
  if (!anyDefault(schema)) return value;
  if (Array.isArray(value)) {
    if (!schema.items) return value;
    return mapShared(value, (item) => applyDefaults(item, schema.items!)) as T;
  }
  return isObject(value) ? (objectDefaults(value, schema) as T) : value;
}

function objectDefaults(object: JsonObject, schema: Schema): JsonObject {
  let result = object;
  const set = (key: string, value: unknown): void => {
    if (result === object) result = { ...object };
    result[key] = value;
  };
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const value = object[key];
    const absent = value === undefined || (value === null && property.nullable !== true);
    if (absent && property.default !== undefined) {
      set(key, applyDefaults(property.default, property));
    } else if (value !== undefined) {
      const defaulted = applyDefaults(value, property);
      if (defaulted !== value) set(key, defaulted);
    }
  }
  if (isObject(schema.additionalProperties)) {
    for (const key of Object.keys(object)) {
      if (schema.properties?.[key]) continue;
      const defaulted = applyDefaults(object[key], schema.additionalProperties as Schema);
      if (defaulted !== object[key]) set(key, defaulted);
    }
  }
  return result;
}

function mapShared(items: readonly unknown[], change: (item: unknown) => unknown): unknown {
  const changed = items.map(change);
  return changed.every((item, index) => item === items[index]) ? items : changed;
}

/**
 * Null where a field may not be null and has no default counts as not given; as an item of a list it
 * stays, and is refused. To be done after the defaults are in.
 */
export function dropNulls<T>(value: T, schema: Schema): T {
  if (Array.isArray(value)) {
    if (!schema.items) return value;
    return mapShared(value, (item) => dropNulls(item, schema.items!)) as T;
  }
  if (!isObject(value)) return value;
  let result: JsonObject = value;
  for (const [key, part] of Object.entries(value)) {
    const property = schema.properties?.[key] ?? schemaOfOthers(schema);
    if (!property) continue;
    const isDropped = part === null && property.nullable !== true;
    const kept = isDropped ? undefined : dropNulls(part, property);
    if (kept === part) continue;
    if (result === value) result = { ...value };
    if (isDropped) delete result[key];
    else result[key] = kept;
  }
  return result as T;
}

function schemaOfOthers({ additionalProperties }: Schema): Schema | undefined {
  return isObject(additionalProperties) ? (additionalProperties as Schema) : undefined;
}
