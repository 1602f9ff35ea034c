// How schemas carry what JSON Schema can't say: rules in CEL, which the API server checks itself,
// each with a sentence that names the field and the fix.
import type * as z from 'zod';

export interface Rule {
  /** CEL; `self` is the value the rule sits on, `oldSelf` its former one. */
  readonly rule: string;
  readonly message: string;
  /** The field to blame, relative to the rule: `.minFree`. */
  readonly fieldPath?: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

export const rulesKey = 'x-kubernetes-validations';

/** The schema with rules added to those it has. */
export function withRules<Schema extends z.ZodType>(schema: Schema, ...rules: Rule[]): Schema {
  const meta = schema.meta() ?? {};
  const present = (meta[rulesKey] as Rule[] | undefined) ?? [];
  return schema.meta({ ...meta, [rulesKey]: [...present, ...rules] }) as Schema;
}

/** The schema with further `x-kubernetes-…` keys. */
export function withKubernetesKeys<Schema extends z.ZodType>(
  schema: Schema,
  keys: Record<`x-kubernetes-${string}`, unknown>,
): Schema {
  return schema.meta({ ...(schema.meta() ?? {}), ...keys }) as Schema;
}

/** A list of objects told apart by the given keys; server-side apply merges it item by item. */
export function keyedList<Item extends z.ZodObject>(
  list: z.ZodArray<Item>,
  ...keys: (keyof z.output<Item> & string)[]
): z.ZodArray<Item> {
  return withKubernetesKeys(list, {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
  });
}

/** A list of texts or numbers without doubles. */
export function setList<Item extends z.ZodType>(list: z.ZodArray<Item>): z.ZodArray<Item> {
  return withKubernetesKeys(list, { 'x-kubernetes-list-type': 'set' });
}

const celReserved = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for'],
  ...['function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var'],
  ...['void', 'while'],
]);

/** A field's name as CEL wants it: reserved words are wrapped. */
export function celName(field: string): string {
  return celReserved.has(field) ? `__${field}__` : field;
}

interface Immutable {
  /** Path of the object that holds the field, for the message: `spec.azure`. */
  readonly path: string;
  /** What to do instead. */
  readonly advice: string;
}

/**
 * A rule for the object that holds the field: it may not change, appear or disappear. It sits on
 * the parent because a rule on an optional field itself isn't asked when that field is removed.
 */
export function immutableRule(field: string, options: Immutable & { optional: boolean }): Rule {
  const name = celName(field);
  const same = `self.${name} == oldSelf.${name}`;
  return {
    rule: options.optional
      ? `has(self.${name}) == has(oldSelf.${name}) && (!has(self.${name}) || ${same})`
      : same,
    message: `${options.path}.${field} cannot be changed: ${options.advice}`,
    fieldPath: `.${field}`,
    reason: 'FieldValueForbidden',
  };
}

/** The object's schema with the fields made immutable. */
export function immutableFields<Schema extends z.ZodObject>(
  schema: Schema,
  fields: readonly (keyof z.output<Schema> & string)[],
  options: Immutable,
): Schema {
  const rules = fields.map((field) => {
    const optional = schema.shape[field]?.safeParse(undefined).data === undefined;
    const required = schema.shape[field]?.safeParse(undefined).success === false;
    return immutableRule(field, { ...options, optional: optional && !required });
  });
  return withRules(schema, ...rules);
}

/**
 * Either `backendRef` alone, or all the fields that a backend would have supplied. `path` is the
 * object's path for the message.
 */
export function backendOrInline(path: string, fields: readonly string[]): Rule {
  const none = fields.map((field) => `!has(self.${field})`).join(' && ');
  const all = fields.map((field) => `has(self.${field})`).join(' && ');
  return {
    rule: `has(self.backendRef) ? (${none}) : (${all})`,
    message: `${path} needs either backendRef alone or all of ${fields.join(', ')}`,
  };
}
