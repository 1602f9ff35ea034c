// How items of a list are recognised between two versions of it: by their keys (maps), by their
// value (sets), or not at all (atomic lists).
import { isObject, type JsonObject } from '../objects/json.ts';
import type { Schema } from './schema.ts';

/** Canonical JSON of the item's identity, or undefined where items have none. */
export function listItemKey(item: unknown, schema: Schema): string | undefined {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === 'set') return JSON.stringify(item);
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType !== 'map' || !keys || !isObject(item)) return undefined;
  const identity: JsonObject = {};
  for (const key of [...keys].sort()) {
    const value = item[key] ?? schema.items?.properties?.[key]?.default;
    if (value !== undefined) identity[key] = value;
  }
  return JSON.stringify(identity);
}
