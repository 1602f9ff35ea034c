// The set of all fields in a value, as its sole writer would own them.
import { isObject } from '../objects/json.ts';
import type { Schema } from '../schema/schema.ts';
import { type FieldSet, makeNode } from './field-set.ts';
import { isNamedField, partsOf } from './structure.ts';

/** The fields a client applied: containers it merely went through are not its own. */
export function fieldSetOf(value: unknown, schema: Schema | undefined): FieldSet | undefined {
  const parts = partsOf(value, schema);
  if (!parts) return makeNode(true, []);
  const children = [...parts].map(([element, part]) => {
    const below = fieldSetOf(part.value, part.schema);
    const owned = !isNamedField(schema, element) || isEmptyMap(part.value);
    return [element, owned ? asMember(below) : below] as const;
  });
  return makeNode(false, children);
}

/** Everything in a value that appeared or vanished at once, containers included. */
export function wholeSetOf(value: unknown, schema: Schema | undefined): FieldSet {
  const parts = partsOf(value, schema) ?? [];
  const children = [...parts].map(
    ([element, part]) => [element, wholeSetOf(part.value, part.schema)] as const,
  );
  return makeNode(true, children)!;
}

function isEmptyMap(value: unknown): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

function asMember(node: FieldSet | undefined): FieldSet {
  return node && Object.keys(node).length > 0 ? { '.': {}, ...node } : {};
}
