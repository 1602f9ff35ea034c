// Finds fields that a rule names but the schema doesn't have, so that a misspelt rule is refused
// when the definition is written and not when the first object is.
import type { ASTNode } from '@marcbachmann/cel-js';
import { isObject } from '../objects/json.ts';
import { escapeName } from './cel-values.ts';
import type { Schema } from './schema.ts';

/** What is known of an expression's shape: a schema, or nothing. */
type Shape = Schema | undefined;

export function fieldProblems(ast: ASTNode, schema: Schema): string[] {
  const problems: string[] = [];
  shapeOf(ast, schema, problems);
  return problems;
}

function shapeOf(node: unknown, root: Schema, problems: string[]): Shape {
  if (Array.isArray(node)) {
    for (const item of node) shapeOf(item, root, problems);
    return undefined;
  }
  if (!isNode(node)) return undefined;
  const { op, args } = node;
  if (op === 'id') return args === 'self' || args === 'oldSelf' ? withIdentity(root) : undefined;
  if (op === '.' || op === '.?') {
    const [target, name] = args as [unknown, string];
    return memberOf(shapeOf(target, root, problems), name, problems);
  }
  if (op === '[]') {
    const [target, index] = args as [unknown, unknown];
    shapeOf(index, root, problems);
    const shape = shapeOf(target, root, problems);
    return shape?.items ?? valuesOf(shape);
  }
  shapeOf(args, root, problems);
  return undefined;
}

function memberOf(shape: Shape, name: string, problems: string[]): Shape {
  if (!shape || shape['x-kubernetes-preserve-unknown-fields']) return undefined;
  const values = valuesOf(shape);
  if (values) return values;
  if (!shape.properties) return undefined;
  for (const [key, property] of Object.entries(shape.properties)) {
    if (escapeName(key) === name) return property;
  }
  problems.push(`undefined field '${name}'`);
  return undefined;
}

function valuesOf(shape: Shape): Shape {
  const values = shape?.additionalProperties;
  return isObject(values) ? (values as Schema) : undefined;
}

const ROOT_IDENTITY = { apiVersion: {}, kind: {}, metadata: {} } as const;

/** The root always has its identity, declared or not; inner values just don't use these names. */
function withIdentity(schema: Schema): Schema {
  if (!schema.properties) return schema;
  return { ...schema, properties: { ...ROOT_IDENTITY, ...schema.properties } };
}

function isNode(value: unknown): value is { op: string; args: unknown } {
  return isObject(value) && typeof value['op'] === 'string' && 'args' in value;
}
