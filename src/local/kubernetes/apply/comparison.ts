// Which fields differ between two versions of an object.
import { deepEqual } from '../objects/json.ts';
import type { Schema } from '../schema/schema.ts';
import { type FieldSet, makeNode, union } from './field-set.ts';
import { wholeSetOf } from './field-set-of.ts';
import { partsOf } from './structure.ts';

export interface Comparison {
  /** Added or modified. */
  readonly changed: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

const EQUAL: Comparison = { changed: undefined, removed: undefined };

export function compare(before: unknown, after: unknown, schema: Schema | undefined): Comparison {
  if (before === after) return EQUAL;
  if (before === undefined) return { changed: wholeSetOf(after, schema), removed: undefined };
  if (after === undefined) return { changed: undefined, removed: wholeSetOf(before, schema) };
  const oldParts = partsOf(before, schema);
  const newParts = partsOf(after, schema);
  if (!oldParts || !newParts)
    return deepEqual(before, after) ? EQUAL : replaced(before, after, schema);
  const elements = new Set([...oldParts.keys(), ...newParts.keys()]);
  const compared = [...elements].map((element) => {
    const [older, newer] = [oldParts.get(element), newParts.get(element)];
    const inner = newer?.schema ?? older?.schema;
    return [element, compare(older?.value, newer?.value, inner)] as const;
  });
  return {
    changed: makeNode(
      false,
      compared.map(([element, found]) => [element, found.changed]),
    ),
    removed: makeNode(
      false,
      compared.map(([element, found]) => [element, found.removed]),
    ),
  };
}

/** A scalar or atomic value became another one, or one kind of value another kind. */
function replaced(before: unknown, after: unknown, schema: Schema | undefined): Comparison {
  const [old, now] = [wholeSetOf(before, schema), wholeSetOf(after, schema)];
  const below = partsOf(before, schema) ? old : undefined;
  return { changed: union(makeNode(true, []), now), removed: below };
}
