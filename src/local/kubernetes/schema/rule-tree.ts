// Where in a schema there are validation rules. Made once per schema, so that an object without
// rules costs nothing and others are walked only where it matters.
import type { ParseResult } from '@marcbachmann/cel-js';
import { isObject } from '../objects/json.ts';
import { compileExpression } from './cel-environment.ts';
import type { Schema, ValidationRule } from './schema.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly evaluate: ParseResult;
  readonly message: ParseResult | undefined;
  /** Compares with the value before; skipped where there is none. */
  readonly transition: boolean;
}

export interface RuleNode {
  readonly schema: Schema;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly values: RuleNode | undefined;
  readonly items: RuleNode | undefined;
}

const trees = new WeakMap<Schema, { readonly root: RuleNode | undefined }>();

/** Undefined when there are no rules anywhere below. */
export function ruleTree(schema: Schema): RuleNode | undefined {
  const known = trees.get(schema);
  if (known) return known.root;
  const root = build(schema);
  trees.set(schema, { root });
  return root;
}

export function usesOldSelf(rule: string): boolean {
  return /\boldSelf\b/.test(rule);
}

function build(schema: Schema): RuleNode | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).map(compileRule);
  const properties = new Map<string, RuleNode>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const node = build(property);
    if (node) properties.set(name, node);
  }
  const { additionalProperties } = schema;
  const values = isObject(additionalProperties) ? build(additionalProperties as Schema) : undefined;
  const items = schema.items && build(schema.items);
  if (rules.length === 0 && properties.size === 0 && !values && !items) return undefined;
  return { schema, rules, properties, values, items };
}

function compileRule(rule: ValidationRule): CompiledRule {
  return {
    rule,
    evaluate: compileExpression(rule.rule),
    message: rule.messageExpression ? compileExpression(rule.messageExpression) : undefined,
    transition: usesOldSelf(rule.rule) && rule.optionalOldSelf !== true,
  };
}
