// Which schemas a definition may have: structural ones, with patterns in RE2, sound list types,
// and rules that are CEL and speak of fields that exist.
import { asObject, isObject } from '../objects/json.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import { compileExpression } from './cel-environment.ts';
import { fieldProblems } from './cel-fields.ts';
import { compilePattern } from './patterns.ts';
import { usesOldSelf } from './rule-tree.ts';
import type { Schema, ValidationRule } from './schema.ts';
import { validateValue } from './validation.ts';

/** Keys that would make a value's shape depend on the value. */
const FORBIDDEN = ['$ref', 'definitions', 'dependencies', 'patternProperties', 'id', '$schema'];
const JUNCTORS = ['allOf', 'anyOf', 'oneOf'] as const;
const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean'];

export function schemaCauses(schema: Schema, path: string): StatusCause[] {
  const root = schema.type === 'object' ? [] : [cause.required(`${path}.type`, 'must be object')];
  return [...root, ...nodeCauses(schema, { path, correlatable: true })];
}

interface Place {
  readonly path: string;
  /** Whether an old value can be told for values here. */
  readonly correlatable: boolean;
}

function nodeCauses(schema: Schema, place: Place): StatusCause[] {
  const { path } = place;
  return [
    ...keyCauses(schema, path),
    ...typeCauses(schema, path),
    ...patternCauses(schema, path),
    ...listCauses(schema, path),
    ...(schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) =>
      ruleCauses(rule, schema, { ...place, path: `${path}.x-kubernetes-validations[${index}]` }),
    ),
    ...defaultCauses(schema, path),
    ...childCauses(schema, place),
  ];
}

function keyCauses(schema: Schema, path: string): StatusCause[] {
  const causes = FORBIDDEN.filter((key) => key in schema).map((key) =>
    cause.forbidden(`${path}.${key}`, `${key} is not supported`),
  );
  for (const junctor of JUNCTORS) {
    if (schema['x-kubernetes-int-or-string']) break;
    (schema[junctor] ?? []).forEach((branch, index) => {
      for (const key of ['type', 'default', 'description', 'nullable', 'additionalProperties']) {
        if (!(key in branch)) continue;
        const field = `${path}.${junctor}[${index}].${key}`;
        causes.push(cause.forbidden(field, 'must be empty to be structural'));
      }
    });
  }
  return causes;
}

function typeCauses(schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const free =
    schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields'];
  if (!schema.type && !free) {
    const words = 'must not be empty for specified object fields';
    causes.push(cause.required(`${path}.type`, words));
  }
  if (schema.type && !TYPES.includes(schema.type)) {
    causes.push(cause.notSupported(`${path}.type`, schema.type, TYPES));
  }
  if (schema.properties && schema.additionalProperties) {
    const words = 'additionalProperties and properties are mutual exclusive';
    causes.push(cause.forbidden(`${path}.additionalProperties`, words));
  }
  if (schema.type === 'array' && !schema.items) {
    causes.push(cause.required(`${path}.items`, 'must be specified'));
  }
  if (Array.isArray(schema.items)) {
    causes.push(cause.forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  }
  if (schema.uniqueItems) {
    const words =
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    causes.push(cause.forbidden(`${path}.uniqueItems`, words));
  }
  return causes;
}

function patternCauses(schema: Schema, path: string): StatusCause[] {
  if (schema.pattern === undefined) return [];
  try {
    compilePattern(schema.pattern);
    return [];
  } catch (error) {
    const words = `must be a valid regular expression, but isn't: ${(error as Error).message}`;
    return [cause.invalid(`${path}.pattern`, schema.pattern, words)];
  }
}

function listCauses(schema: Schema, path: string): StatusCause[] {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map') return [];
  const field = `${path}.x-kubernetes-list-map-keys`;
  if (!keys || keys.length === 0) {
    return [cause.required(field, 'must not be empty if x-kubernetes-list-type is map')];
  }
  return keys.flatMap((key) => {
    const property = schema.items?.properties?.[key];
    if (!property) {
      return [cause.invalid(field, key, 'entries must all be names of item properties')];
    }
    if (schema.items?.required?.includes(key) || property.default !== undefined) return [];
    const words =
      'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
    return [cause.required(`${path}.items.properties[${key}].default`, words)];
  });
}

function ruleCauses(rule: ValidationRule, schema: Schema, place: Place): StatusCause[] {
  const { path } = place;
  if (!rule.rule?.trim()) return [cause.required(`${path}.rule`, 'rule is not specified')];
  const causes: StatusCause[] = [];
  for (const key of ['rule', 'messageExpression'] as const) {
    const expression = rule[key];
    if (!expression) continue;
    for (const words of expressionProblems(expression, schema)) {
      causes.push(cause.invalid(`${path}.${key}`, rule, `compilation failed: ERROR: ${words}`));
    }
  }
  if (usesOldSelf(rule.rule) && !place.correlatable) {
    const words =
      'oldSelf cannot be used on the uncorrelatable portion of the schema within an atomic list';
    causes.push(cause.invalid(`${path}.rule`, rule.rule, words));
  }
  if (rule.message !== undefined && /[\n\r]/.test(rule.message)) {
    causes.push(
      cause.invalid(`${path}.message`, rule.message, 'message must not contain line breaks'),
    );
  }
  if (rule.fieldPath && !fieldExists(rule.fieldPath, schema)) {
    const words = 'fieldPath must be a valid path: the field does not exist in the schema';
    causes.push(cause.invalid(`${path}.fieldPath`, rule.fieldPath, words));
  }
  return causes;
}

function expressionProblems(expression: string, schema: Schema): string[] {
  try {
    return fieldProblems(compileExpression(expression).ast, schema);
  } catch (error) {
    return [String(asObject(error)['summary'] ?? (error as Error).message)];
  }
}

function fieldExists(fieldPath: string, schema: Schema): boolean {
  let current: Schema | undefined = schema;
  for (const match of fieldPath.matchAll(/\.([^.[\]]+)|\['([^']+)'\]/g)) {
    const name = match[1] ?? match[2]!;
    const values: Schema | boolean | undefined = current?.additionalProperties;
    current = current?.properties?.[name] ?? (isObject(values) ? (values as Schema) : undefined);
  }
  return current !== undefined;
}

function defaultCauses(schema: Schema, path: string): StatusCause[] {
  if (schema.default === undefined) return [];
  // A default of `{}` is completed by the defaults inside, so what it lacks is no fault.
  return validateValue(schema.default, schema, { path: `${path}.default`, old: undefined }).filter(
    (problem) => problem.reason !== 'FieldValueRequired',
  );
}

function childCauses(schema: Schema, place: Place): StatusCause[] {
  const { path, correlatable } = place;
  const causes: StatusCause[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    causes.push(...nodeCauses(property, { path: `${path}.properties[${name}]`, correlatable }));
  }
  if (isObject(schema.additionalProperties)) {
    const values = schema.additionalProperties as Schema;
    causes.push(...nodeCauses(values, { path: `${path}.additionalProperties`, correlatable }));
  }
  if (schema.items && !Array.isArray(schema.items)) {
    const isMap = schema['x-kubernetes-list-type'] === 'map';
    const inner = { path: `${path}.items`, correlatable: correlatable && isMap };
    causes.push(...nodeCauses(schema.items, inner));
  }
  return causes;
}
