// From a zod schema to a structural schema: the dialect of OpenAPI v3 that CRDs are written in.
// Whatever that dialect can't say is refused here, with the path, rather than by an API server.
import * as z from 'zod';
import { mergeUnion } from './union.ts';

export interface StructuralSchema {
  description?: string;
  type?: string;
  format?: string;
  enum?: unknown[];
  default?: unknown;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  'x-kubernetes-validations'?: object[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
}

/** JSON Schema as zod writes it: the same and the unions that a CRD may not have. */
export interface JsonSchema extends StructuralSchema {
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

/** Everything a node may carry, in the order in which it is written. */
const scalarKeys = [
  'description',
  'type',
  'format',
  'enum',
  'default',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'maxProperties',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

/** What zod writes and a CRD doesn't need: its meaning is said otherwise or lost on purpose. */
const droppedKeys = new Set(['$schema', 'propertyNames', 'id']);

export function refuse(path: string, message: string): never {
  throw new Error(`schema at ${path}: ${message}`);
}

/** `path` names the value in messages: `spec`. */
export function structuralSchema(schema: z.ZodType, path: string): StructuralSchema {
  const written = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    // As users write it: fields with a default may be left out.
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
    unrepresentable: 'throw',
  });
  return structuralNode(written as unknown as JsonSchema, path);
}

export function structuralNode(node: JsonSchema, path: string): StructuralSchema {
  const branches = node.oneOf ?? node.anyOf;
  if (branches !== undefined) return mergeUnion(node, branches, path);
  const out = scalarsOf(node, path);
  if (node.type === 'object') addMembers(out, node, path);
  else if (node.type === 'array') {
    if (node.items === undefined) refuse(path, 'a list needs a schema for its items');
    out.items = structuralNode(node.items, `${path}[]`);
  } else if (node.type === undefined) refuse(path, 'a type is needed');
  return out;
}

function addMembers(out: StructuralSchema, node: JsonSchema, path: string): void {
  if (node.properties !== undefined) {
    out.properties = {};
    for (const [name, member] of Object.entries(node.properties)) {
      out.properties[name] = structuralNode(member, `${path}.${name}`);
    }
    if (node.required !== undefined && node.required.length > 0) out.required = node.required;
  } else if (node.additionalProperties !== undefined) {
    out.additionalProperties = structuralNode(node.additionalProperties, `${path}.*`);
  } else refuse(path, 'an object needs properties');
}

/** The node's own keys without its children. */
export function scalarsOf(node: JsonSchema, path: string): StructuralSchema {
  const known = new Set<string>([
    ...scalarKeys,
    ...['properties', 'required', 'items', 'additionalProperties', 'oneOf', 'anyOf'],
  ]);
  for (const key of Object.keys(node)) {
    if (!known.has(key) && !droppedKeys.has(key)) refuse(path, `a CRD has no "${key}"`);
  }
  const out: Record<string, unknown> = {};
  for (const key of scalarKeys) if (node[key] !== undefined) out[key] = node[key];
  tidyNumber(out);
  if (typeof out['pattern'] === 'string') out['pattern'] = out['pattern'].replaceAll('\\/', '/');
  return out as StructuralSchema;
}

/** zod writes the bounds of safe integers, and `number` for literals that are whole. */
function tidyNumber(out: Record<string, unknown>): void {
  const values = out['enum'];
  if (out['type'] === 'number' && Array.isArray(values) && values.every(Number.isInteger)) {
    out['type'] = 'integer';
  }
  if (out['type'] !== 'integer') return;
  if (out['minimum'] === Number.MIN_SAFE_INTEGER) delete out['minimum'];
  if (out['maximum'] === Number.MAX_SAFE_INTEGER) delete out['maximum'];
  out['format'] = 'int64';
}
