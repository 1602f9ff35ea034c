// JSON as CEL sees it: integers are 64 bits wide, times and durations are values of their own,
// and names that aren't CEL identifiers are escaped.
import { isObject, type JsonObject } from '../objects/json.ts';
import { compileExpression } from './cel-environment.ts';
import type { Schema } from './schema.ts';

/** Words of the CEL grammar, which can't be field names as they are. */
const RESERVED = new Set(
  (
    'true false null in as break const continue else for function if import let loop package ' +
    'namespace return var void while'
  ).split(' '),
);

/** The name by which rules know a property, or undefined when they can't. */
export function escapeName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/.test(name)) return undefined;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

export function toCel(value: unknown, schema: Schema | undefined): unknown {
  if (typeof value === 'number') {
    if (schema?.type === 'number') return value;
    return Number.isInteger(value) ? BigInt(value) : value;
  }
  if (typeof value === 'string') return fromText(value, schema);
  if (Array.isArray(value)) return value.map((item) => toCel(item, schema?.items));
  return isObject(value) ? objectToCel(value, schema) : value;
}

function fromText(text: string, schema: Schema | undefined): unknown {
  if (schema?.format === 'date-time' || schema?.format === 'date') return new Date(text);
  if (schema?.format === 'duration') return compileExpression('duration(self)')({ self: text });
  if (schema?.format === 'byte') return new Uint8Array(Buffer.from(text, 'base64'));
  return text;
}

function objectToCel(object: JsonObject, schema: Schema | undefined): JsonObject {
  const result: JsonObject = {};
  const isMap = isObject(schema?.additionalProperties);
  for (const [key, value] of Object.entries(object)) {
    const own = schema?.properties?.[key];
    const inner = own ?? (isMap ? (schema?.additionalProperties as Schema) : undefined);
    // A null of a nullable field is the same as none at all.
    if (value === null) continue;
    // Keys of maps are data; only names of fields are escaped.
    const name = own ? escapeName(key) : key;
    if (name !== undefined) result[name] = toCel(value, inner);
  }
  return result;
}
