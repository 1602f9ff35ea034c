// Lays an applied configuration over the live object, and takes away what nobody owns any more.
import { isObject, type JsonObject } from '../objects/json.ts';
import { listItemKey } from '../schema/list-keys.ts';
import type { Schema } from '../schema/schema.ts';
import type { FieldSet } from './field-set.ts';
import { childrenOf } from './field-set.ts';
import { fieldSchema, partsOf } from './structure.ts';

export function mergeApplied(live: unknown, applied: unknown, schema: Schema | undefined): unknown {
  if (live === undefined || live === null) return applied;
  if (!partsOf(applied, schema) || !partsOf(live, schema)) return applied;
  if (isObject(applied) && isObject(live)) {
    const merged: JsonObject = { ...live };
    for (const [key, value] of Object.entries(applied)) {
      merged[key] = mergeApplied(live[key], value, fieldSchema(schema, key));
    }
    return merged;
  }
  if (Array.isArray(applied) && Array.isArray(live)) return mergeItems(live, applied, schema!);
  return applied;
}

/** Items stay where they are; new ones follow in the applied order. */
function mergeItems(live: unknown[], applied: unknown[], schema: Schema): unknown[] {
  const wanted = new Map(applied.map((item) => [listItemKey(item, schema), item]));
  const merged = live.map((item) => {
    const key = listItemKey(item, schema);
    if (!wanted.has(key)) return item;
    const over = wanted.get(key);
    wanted.delete(key);
    return mergeApplied(item, over, schema.items);
  });
  return [...merged, ...wanted.values()];
}

/** Removes what was in `dropped` unless somebody still owns it or something inside it. */
export function removeUnowned(
  value: unknown,
  dropped: FieldSet,
  owned: FieldSet | undefined,
  schema: Schema | undefined,
): unknown {
  const gone = new Set<string>();
  const inner = new Map<string, FieldSet>();
  for (const [element, node] of childrenOf(dropped)) {
    if (!owned?.[element]) gone.add(element);
    else if (childrenOf(node).length > 0) inner.set(element, node);
  }
  const keep = (element: string, item: unknown, itemSchema: Schema | undefined): unknown => {
    const node = inner.get(element);
    return node ? removeUnowned(item, node, owned?.[element], itemSchema) : item;
  };
  if (Array.isArray(value) && schema) {
    const prefix = schema['x-kubernetes-list-type'] === 'set' ? 'v:' : 'k:';
    return value.flatMap((item) => {
      const element = `${prefix}${listItemKey(item, schema)}`;
      return gone.has(element) ? [] : [keep(element, item, schema.items)];
    });
  }
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const element = `f:${key}`;
    if (!gone.has(element)) result[key] = keep(element, item, fieldSchema(schema, key));
  }
  return result;
}
