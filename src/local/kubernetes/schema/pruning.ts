// Drops what the schema does not know, and says what was dropped. Unchanged parts are shared.
import { isObject, type JsonObject } from '../objects/json.ts';
import type { Schema } from './schema.ts';

/** Identity fields that every object and every embedded resource has. */
const IDENTITY = ['apiVersion', 'kind', 'metadata'];

export function prune(object: JsonObject, schema: Schema, unknown: string[]): JsonObject {
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  return pruneObject(object, { schema, path: '', unknown, open, resource: true });
}

interface Place {
  readonly schema: Schema;
  readonly path: string;
  readonly unknown: string[];
  /** Whether unknown fields are kept here. */
  readonly open: boolean;
  readonly resource: boolean;
}

function pruneValue(value: unknown, schema: Schema | undefined, place: Place): unknown {
  if (!schema) return value;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const resource = schema['x-kubernetes-embedded-resource'] === true;
  if (isObject(value)) return pruneObject(value, { ...place, schema, open, resource });
  if (!Array.isArray(value) || !schema.items) return value;
  let changed = false;
  const items = value.map((item, index) => {
    const path = `${place.path}[${index}]`;
    const pruned = pruneValue(item, schema.items, { ...place, path });
    changed ||= pruned !== item;
    return pruned;
  });
  return changed ? items : value;
}

function pruneObject(object: JsonObject, place: Place): JsonObject {
  const { schema, open, resource } = place;
  const { properties, additionalProperties } = schema;
  if (!properties && additionalProperties === undefined && open) return object;
  let changed = false;
  const result: JsonObject = {};
  for (const key of Object.keys(object)) {
    const value = object[key];
    const path = place.path ? `${place.path}.${key}` : key;
    const own = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (resource && IDENTITY.includes(key)) {
      result[key] = value;
    } else if (own) {
      result[key] = pruneValue(value, own, { ...place, path });
      changed ||= result[key] !== value;
    } else if (isObject(additionalProperties)) {
      result[key] = pruneValue(value, additionalProperties as Schema, { ...place, path });
      changed ||= result[key] !== value;
    } else if (open || additionalProperties === true) {
      result[key] = value;
    } else {
      place.unknown.push(path);
      changed = true;
    }
  }
  return changed ? result : object;
}
