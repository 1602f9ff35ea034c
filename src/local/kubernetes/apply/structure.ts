// How a value is taken apart for ownership: which parts have owners of their own (fields, items
// known by keys, members of sets) and which belong to one owner as a whole.
import { isObject, type JsonObject } from '../objects/json.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import { objectMeta } from '../resources/schemas/metadata.ts';
import { listItemKey } from '../schema/list-keys.ts';
import type { Schema } from '../schema/schema.ts';

export type Parts = ReadonlyMap<
  string,
  { readonly value: unknown; readonly schema: Schema | undefined }
>;

/** Undefined for what is owned as a whole: scalars, atomic maps and lists. */
export function partsOf(value: unknown, schema: Schema | undefined): Parts | undefined {
  if (isObject(value)) return isGranularMap(schema) ? fieldsOf(value, schema) : undefined;
  if (!Array.isArray(value) || !schema) return undefined;
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'map' && listType !== 'set') return undefined;
  const prefix = listType === 'map' ? 'k:' : 'v:';
  return new Map(
    value.map((item) => [
      `${prefix}${listItemKey(item, schema)}`,
      { value: item, schema: schema.items },
    ]),
  );
}

function isGranularMap(schema: Schema | undefined): boolean {
  return schema?.['x-kubernetes-map-type'] !== 'atomic';
}

function fieldsOf(object: JsonObject, schema: Schema | undefined): Parts {
  const parts = new Map<string, { value: unknown; schema: Schema | undefined }>();
  for (const key of Object.keys(object)) {
    if (object[key] === undefined) continue;
    parts.set(`f:${key}`, { value: object[key], schema: fieldSchema(schema, key) });
  }
  return parts;
}

export function fieldSchema(schema: Schema | undefined, key: string): Schema | undefined {
  const own = schema?.properties?.[key];
  if (own) return own;
  const values = schema?.additionalProperties;
  return isObject(values) ? (values as Schema) : undefined;
}

/** Whether a field is one the schema names, rather than an entry of a map. */
export function isNamedField(schema: Schema | undefined, element: string): boolean {
  return element.startsWith('f:') && schema?.properties?.[element.slice(2)] !== undefined;
}

const roots = new WeakMap<Schema, Schema>();

/** The schema of a kind with the metadata that every object has. */
export function rootSchema(type: ResourceType): Schema {
  const schema = type.schema ?? { type: 'object' };
  const known = roots.get(schema);
  if (known) return known;
  const root = { ...schema, properties: { ...schema.properties, metadata: objectMeta } };
  roots.set(schema, root);
  return root;
}
