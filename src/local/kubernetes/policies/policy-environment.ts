// The CEL language as admission policies see it: the object before and after, the request, and the
// policy's own variables. Compiled expressions are kept.
import type { ParseResult } from '@marcbachmann/cel-js';
import { makeEnvironment } from '../schema/cel-environment.ts';

const NAMES = ['object', 'oldObject', 'request', 'namespaceObject', 'params', 'variables'];
const environment = makeEnvironment(NAMES);
const compiled = new Map<string, ParseResult>();

/** Throws when the expression is no CEL, or names what doesn't exist. */
export function compilePolicyExpression(expression: string): ParseResult {
  const known = compiled.get(expression);
  if (known) return known;
  const parsed = environment.parse(expression);
  const { valid, error } = parsed.check();
  if (!valid) throw error;
  compiled.set(expression, parsed);
  return parsed;
}
