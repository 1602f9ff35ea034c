// Strategic merge patch for built-in resources: lists are merged by their keys where the schema
// says so, and a few `$` directives say what a plain merge can't.

import { fieldSchema } from '../apply/structure.ts';
import { isObject, type JsonObject } from '../objects/json.ts';
import type { Schema } from '../schema/schema.ts';

const DIRECTIVE = '$patch';
const RETAIN = '$retainKeys';
const ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

export function strategicMerge(
  target: unknown,
  patch: unknown,
  schema: Schema | undefined,
): unknown {
  if (!isObject(patch)) return patch;
  const base: JsonObject = isObject(target) ? target : {};
  if (patch[DIRECTIVE] === 'replace') return withoutDirectives(patch);
  if (patch[DIRECTIVE] === 'delete') return {};
  const retained = patch[RETAIN];
  const result: JsonObject = Array.isArray(retained)
    ? Object.fromEntries(Object.entries(base).filter(([key]) => retained.includes(key)))
    : { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_PRIMITIVES)) {
      const name = key.slice(DELETE_PRIMITIVES.length);
      const items = result[name];
      if (Array.isArray(items))
        result[name] = items.filter((item) => !(value as unknown[]).includes(item));
    } else if (key.startsWith('$')) {
      // Orders are applied below, once the lists are merged; the other directives are done.
    } else if (value === null) {
      delete result[key];
    } else {
      result[key] = mergeField(result[key], value, fieldSchema(schema, key));
    }
  }
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ORDER) || !Array.isArray(order)) continue;
    const name = key.slice(ORDER.length);
    result[name] = ordered(result[name], order, fieldSchema(schema, name));
  }
  return result;
}

function mergeField(target: unknown, value: unknown, schema: Schema | undefined): unknown {
  if (!Array.isArray(value)) return strategicMerge(target, value, schema);
  if (!schema?.['x-kubernetes-patch-strategy'] || !Array.isArray(target)) {
    return value.filter((item) => !isDirective(item)).map(withoutDirectives);
  }
  const key = schema['x-kubernetes-patch-merge-key'];
  // What is new comes first, as on a real server.
  if (!key) return [...new Set([...value.filter((item) => !target.includes(item)), ...target])];
  return mergeByKey(target, value, key, schema);
}

function mergeByKey(target: unknown[], patch: unknown[], key: string, schema: Schema): unknown[] {
  if (patch.some((item) => isObject(item) && item[DIRECTIVE] === 'replace' && !(key in item))) {
    return patch.filter((item) => !isDirective(item));
  }
  let result = [...target];
  const fresh: unknown[] = [];
  for (const item of patch) {
    if (!isObject(item)) continue;
    const at = result.findIndex((known) => isObject(known) && known[key] === item[key]);
    if (item[DIRECTIVE] === 'delete') {
      result = result.filter((_, index) => index !== at);
    } else if (at < 0) {
      fresh.push(withoutDirectives(item));
    } else {
      result[at] = strategicMerge(result[at], item, schema.items);
    }
  }
  return [...fresh, ...result];
}

function ordered(items: unknown, order: readonly unknown[], schema: Schema | undefined): unknown {
  if (!Array.isArray(items)) return items;
  const key = schema?.['x-kubernetes-patch-merge-key'];
  const identity = (item: unknown): unknown => (key && isObject(item) ? item[key] : item);
  const positions = new Map(order.map((item, index) => [identity(item), index]));
  const rank = (item: unknown): number => positions.get(identity(item)) ?? order.length;
  return items.toSorted((left, right) => rank(left) - rank(right));
}

const isDirective = (item: unknown): boolean =>
  isObject(item) && DIRECTIVE in item && Object.keys(item).length === 1;

function withoutDirectives(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('$')));
}
