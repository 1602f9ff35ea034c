// Validates a value against a structural schema, in the wording of kube-apiserver. What an update
// leaves unchanged is not checked again, so that a stricter schema doesn't lock old objects.
import { deepEqual, isObject, type JsonObject } from '../objects/json.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import { hasFormat } from './formats.ts';
import { listItemKey } from './list-keys.ts';
import { compilePattern } from './patterns.ts';
import type { Schema } from './schema.ts';

export interface Place {
  readonly path: string;
  /** The same part of the old object, where it can be told. */
  readonly old: unknown;
}

export function validateValue(value: unknown, schema: Schema, place: Place): StatusCause[] {
  if (place.old !== undefined && deepEqual(value, place.old)) return [];
  if (value === null && schema.nullable) return [];
  const wrongType = typeCause(value, schema, place.path);
  if (wrongType) return [wrongType];
  return [
    ...enumCauses(value, schema, place.path),
    ...(typeof value === 'string' ? stringCauses(value, schema, place.path) : []),
    ...(typeof value === 'number' ? numberCauses(value, schema, place.path) : []),
    ...(Array.isArray(value) ? arrayCauses(value, schema, place) : []),
    ...(isObject(value) ? objectCauses(value, schema, place) : []),
    ...junctorCauses(value, schema, place),
  ];
}

const inBody = (path: string, words: string): string => `${path} in body ${words}`;

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeCause(value: unknown, schema: Schema, path: string): StatusCause | undefined {
  const actual = typeName(value);
  if (schema['x-kubernetes-int-or-string']) {
    if (actual === 'integer' || actual === 'string') return undefined;
    const words = inBody(path, `must be of type integer,string: "${actual}"`);
    return cause.typeInvalid(path, actual, words);
  }
  if (!schema.type || actual === schema.type) return undefined;
  if (schema.type === 'number' && actual === 'integer') return undefined;
  const words = inBody(path, `must be of type ${schema.type}: "${actual}"`);
  return cause.typeInvalid(path, actual, words);
}

function enumCauses(value: unknown, schema: Schema, path: string): StatusCause[] {
  if (!schema.enum || schema.enum.some((allowed) => deepEqual(allowed, value))) return [];
  return [cause.notSupported(path, value, schema.enum)];
}

function stringCauses(value: string, schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    causes.push(cause.tooLong(path, schema.maxLength));
  }
  if (schema.minLength !== undefined && length < schema.minLength) {
    const words = `should be at least ${schema.minLength} chars long`;
    causes.push(cause.invalid(path, value, inBody(path, words)));
  }
  if (schema.pattern !== undefined && !compilePattern(schema.pattern).test(value)) {
    causes.push(cause.invalid(path, value, inBody(path, `should match '${schema.pattern}'`)));
  }
  if (schema.format && !hasFormat(value, schema.format)) {
    const words = `must be of type ${schema.format}: ${JSON.stringify(value)}`;
    causes.push(cause.invalid(path, value, inBody(path, words)));
  }
  return causes;
}

function numberCauses(value: number, schema: Schema, path: string): StatusCause[] {
  const { minimum, maximum, multipleOf, exclusiveMinimum, exclusiveMaximum } = schema;
  if (schema.format === 'int32' && (value >= 2 ** 31 || value < -(2 ** 31))) {
    const text = `Checked value must be of type integer with format int32 in ${path}`;
    return [cause.invalid('<nil>', '', text)];
  }
  const words: string[] = [];
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    words.push(`should be a multiple of ${multipleOf}`);
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    words.push(`should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    words.push(`should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
  return words.map((text) => cause.invalid(path, value, inBody(path, text)));
}

function arrayCauses(items: readonly unknown[], schema: Schema, place: Place): StatusCause[] {
  const { path } = place;
  const causes: StatusCause[] = [];
  if (schema.maxItems !== undefined && items.length > schema.maxItems) {
    causes.push(cause.tooMany(path, items.length, schema.maxItems));
  }
  if (schema.minItems !== undefined && items.length < schema.minItems) {
    const words = `should have at least ${schema.minItems} items`;
    causes.push(cause.invalid(path, items.length, inBody(path, words)));
  }
  if (
    schema.uniqueItems &&
    new Set(items.map((item) => JSON.stringify(item))).size < items.length
  ) {
    causes.push(cause.invalid(path, items, inBody(path, "shouldn't contain duplicates")));
  }
  const oldItems = oldByKey(place.old, schema);
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const itemPath = `${path}[${index}]`;
    const key = listItemKey(item, schema);
    if (key !== undefined && seen.has(key)) {
      causes.push(cause.duplicate(itemPath, JSON.parse(key)));
    }
    if (key !== undefined) seen.add(key);
    if (!schema.items) return;
    const old = key === undefined ? undefined : oldItems?.get(key);
    causes.push(...validateValue(item, schema.items, { path: itemPath, old }));
  });
  return causes;
}

function oldByKey(old: unknown, schema: Schema): Map<string, unknown> | undefined {
  if (!Array.isArray(old)) return undefined;
  return new Map(old.map((item) => [listItemKey(item, schema) ?? '', item]));
}

function objectCauses(object: JsonObject, schema: Schema, place: Place): StatusCause[] {
  const { path } = place;
  const causes: StatusCause[] = [];
  const keys = Object.keys(object);
  const old = isObject(place.old) ? place.old : {};
  const child = (key: string): string => (path ? `${path}.${key}` : key);
  for (const key of schema.required ?? []) {
    if (object[key] === undefined) causes.push(cause.required(child(key)));
  }
  if (schema.maxProperties !== undefined && keys.length > schema.maxProperties) {
    causes.push(cause.tooMany(path, keys.length, schema.maxProperties));
  }
  if (schema.minProperties !== undefined && keys.length < schema.minProperties) {
    const words = `should have at least ${schema.minProperties} properties`;
    causes.push(cause.invalid(path, keys.length, inBody(path, words)));
  }
  for (const key of keys) {
    const own = schema.properties?.[key] ?? schema.additionalProperties;
    if (!isObject(own)) continue;
    const where = { path: child(key), old: old[key] };
    causes.push(...validateValue(object[key], own as Schema, where));
  }
  return causes;
}

/** These name the place in their words only, and go on with what the first branch lacks. */
function junctorCauses(value: unknown, schema: Schema, place: Place): StatusCause[] {
  const { path } = place;
  const causes: StatusCause[] = [];
  const problems = (branch: Schema): StatusCause[] =>
    validateValue(value, branch, { path, old: undefined });
  const refuse = (words: string): void => {
    causes.push(cause.invalid('<nil>', '', `"${path}" ${words}`));
  };
  for (const branch of schema.allOf ?? []) causes.push(...validateValue(value, branch, place));
  if (schema.anyOf && !schema['x-kubernetes-int-or-string']) {
    const tried = schema.anyOf.map(problems);
    if (!tried.some((found) => found.length === 0)) {
      refuse('must validate at least one schema (anyOf)');
      causes.push(...(tried[0] ?? []));
    }
  }
  if (schema.oneOf) {
    const tried = schema.oneOf.map(problems);
    const count = tried.filter((found) => found.length === 0).length;
    const words = 'must validate one and only one schema (oneOf).';
    if (count === 0) {
      refuse(`${words} Found none valid`);
      causes.push(...(tried[0] ?? []));
    } else if (count > 1) {
      refuse(`${words} Found ${count} valid alternatives`);
    }
  }
  if (schema.not && problems(schema.not).length === 0) {
    refuse('must not validate the schema (not)');
  }
  return causes;
}
