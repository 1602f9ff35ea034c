// Asks the validation rules of a schema (x-kubernetes-validations) about an object. Rules on what
// an update leaves unchanged are not asked again.
import { Optional } from '@marcbachmann/cel-js';
import { asObject, deepEqual, isObject, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import { toCel } from './cel-values.ts';
import { listItemKey } from './list-keys.ts';
import { type CompiledRule, type RuleNode, ruleTree } from './rule-tree.ts';
import type { Schema } from './schema.ts';

export function validateRules(
  object: KubeObject,
  old: KubeObject | undefined,
  schema: Schema,
): StatusCause[] {
  const tree = ruleTree(schema);
  return tree ? visit(visible(object), tree, { path: '', old: old && visible(old) }) : [];
}

/** Of the metadata, rules see only the names. */
function visible(object: KubeObject): JsonObject {
  const { name, generateName } = object.metadata;
  return { ...object, metadata: { name, ...(generateName ? { generateName } : {}) } };
}

interface Place {
  readonly path: string;
  readonly old: unknown;
}

function visit(value: unknown, node: RuleNode, place: Place): StatusCause[] {
  if (value === null || value === undefined) return [];
  if (place.old !== undefined && deepEqual(value, place.old)) return [];
  const causes = node.rules.length > 0 ? ask(value, node, place) : [];
  if (Array.isArray(value)) return [...causes, ...visitItems(value, node, place)];
  if (!isObject(value)) return causes;
  const old = isObject(place.old) ? place.old : {};
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.values;
    if (!child) continue;
    const path = place.path ? `${place.path}.${key}` : key;
    causes.push(...visit(value[key], child, { path, old: old[key] }));
  }
  return causes;
}

function visitItems(items: readonly unknown[], node: RuleNode, place: Place): StatusCause[] {
  if (!node.items) return [];
  const { schema } = node;
  // Only items that can be told apart have a past; a position means nothing.
  const isMap = schema['x-kubernetes-list-type'] === 'map';
  const before = Array.isArray(place.old) && isMap ? place.old : [];
  const old = new Map(before.map((item) => [listItemKey(item, schema), item]));
  return items.flatMap((item, index) =>
    visit(item, node.items!, {
      path: `${place.path}[${index}]`,
      old: isMap ? old.get(listItemKey(item, schema)) : undefined,
    }),
  );
}

function ask(value: unknown, node: RuleNode, place: Place): StatusCause[] {
  const self = toCel(value, node.schema);
  const oldSelf = place.old === undefined ? undefined : toCel(place.old, node.schema);
  return node.rules.flatMap((rule) => {
    if (rule.transition && oldSelf === undefined) return [];
    const context = { self, oldSelf: previous(rule, oldSelf) };
    return verdict(rule, context, value, place);
  });
}

function previous(rule: CompiledRule, oldSelf: unknown): unknown {
  if (rule.rule.optionalOldSelf !== true) return oldSelf;
  return oldSelf === undefined ? Optional.none() : Optional.of(oldSelf);
}

function verdict(
  compiled: CompiledRule,
  context: JsonObject,
  value: unknown,
  place: Place,
): StatusCause[] {
  const { rule } = compiled;
  try {
    if (compiled.evaluate(context) === true) return [];
  } catch (error) {
    const summary = asObject(error)['summary'] ?? (error as Error).message;
    const words = `${String(summary)} evaluating rule: ${rule.message ?? rule.rule}`;
    return [cause.invalid(place.path || '<nil>', typeof value, words)];
  }
  return [refusal(messageOf(compiled, context), compiled, value, place)];
}

function messageOf(compiled: CompiledRule, context: JsonObject): string {
  const fallback = compiled.rule.message ?? `failed rule: ${compiled.rule.rule}`;
  if (!compiled.message) return fallback;
  try {
    const text = compiled.message(context);
    return typeof text === 'string' && text.trim() !== '' ? text : fallback;
  } catch {
    return fallback;
  }
}

const PREFIXES: Readonly<Record<string, string>> = {
  FieldValueForbidden: 'Forbidden: ',
  FieldValueRequired: 'Required value: ',
};

function refusal(words: string, compiled: CompiledRule, value: unknown, place: Place): StatusCause {
  const reason = compiled.rule.reason ?? 'FieldValueInvalid';
  const field = trimmed(place.path + (compiled.rule.fieldPath ?? ''));
  // Whole objects and lists are too long to be shown.
  const shown = typeof value === 'object' ? '' : `: ${JSON.stringify(value)}`;
  if (reason === 'FieldValueDuplicate') {
    return { reason, message: `Duplicate value${shown}`, field };
  }
  return { reason, message: `${PREFIXES[reason] ?? `Invalid value${shown}: `}${words}`, field };
}

/** Paths from the root start with a field, not with a dot. */
function trimmed(field: string): string {
  return field.replace(/^\./, '') || '<nil>';
}
