// Short words for writing the schemas of built-in resources by hand.
import type { Schema } from './schema.ts';

export const text = (description = ''): Schema => ({ type: 'string', ...about(description) });
export const oneOf = (values: readonly string[], description = ''): Schema => ({
  type: 'string',
  enum: values,
  ...about(description),
});
export const whole = (description = ''): Schema => ({
  type: 'integer',
  format: 'int32',
  ...about(description),
});
export const long = (description = ''): Schema => ({
  type: 'integer',
  format: 'int64',
  ...about(description),
});
export const flag = (description = ''): Schema => ({ type: 'boolean', ...about(description) });
export const time = (description = ''): Schema => ({
  type: 'string',
  format: 'date-time',
  ...about(description),
});
export const bytes = (description = ''): Schema => ({
  type: 'string',
  format: 'byte',
  ...about(description),
});
/** A number with a unit, such as `10Gi`. */
export const quantity = (description = ''): Schema => ({
  'x-kubernetes-int-or-string': true,
  ...about(description),
});
/** Anything goes, and nothing is said about it. */
export const anything = (description = ''): Schema => ({
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
  ...about(description),
});

export const record = (
  properties: Readonly<Record<string, Schema>>,
  description = '',
  required: readonly string[] = [],
): Schema => ({
  type: 'object',
  ...about(description),
  properties,
  ...(required.length > 0 ? { required } : {}),
});

/** A record that lists only the better-known of its fields and keeps the others. */
export const openRecord = (
  properties: Readonly<Record<string, Schema>>,
  description = '',
): Schema => ({
  ...record(properties, description),
  'x-kubernetes-preserve-unknown-fields': true,
});

export const mapOf = (values: Schema, description = ''): Schema => ({
  type: 'object',
  ...about(description),
  additionalProperties: values,
});

/** A list that has one owner and is replaced as a whole. */
export const listOf = (items: Schema, description = ''): Schema => ({
  type: 'array',
  ...about(description),
  items,
  'x-kubernetes-list-type': 'atomic',
});

export const setOf = (items: Schema, description = ''): Schema => ({
  type: 'array',
  ...about(description),
  items,
  'x-kubernetes-list-type': 'set',
  'x-kubernetes-patch-strategy': 'merge',
});

/** A list whose items are known by `keys`; strategic merge patches know them by the first. */
export const listByKey = (items: Schema, keys: readonly string[], description = ''): Schema => ({
  type: 'array',
  ...about(description),
  items,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
  'x-kubernetes-patch-strategy': 'merge',
  'x-kubernetes-patch-merge-key': keys[0]!,
});

function about(description: string): { description?: string } {
  return description ? { description } : {};
}
