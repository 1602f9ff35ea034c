// The CEL language as rules of custom resources see it: the standard, optionals, and the
// functions that Kubernetes adds. Compiled expressions are kept, as definitions reuse them.
import { Environment, type ParseResult } from '@marcbachmann/cel-js';
import { registerListFunctions } from './cel-lists.ts';
import { registerQuantity } from './cel-quantity.ts';
import { registerStringFunctions } from './cel-strings.ts';

const environment = makeEnvironment(['self', 'oldSelf']);
const compiled = new Map<string, ParseResult>();

/** The language with these variables, of which nothing is known before they are used. */
export function makeEnvironment(variables: readonly string[]): Environment {
  const made = new Environment({
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
  });
  for (const name of variables) made.registerVariable(name, 'dyn');
  registerListFunctions(made);
  registerStringFunctions(made);
  registerQuantity(made);
  return made;
}

/** Throws when the expression is no CEL, or names what doesn't exist. */
export function compileExpression(expression: string): ParseResult {
  const known = compiled.get(expression);
  if (known) return known;
  const parsed = environment.parse(expression);
  const { valid, error } = parsed.check();
  if (!valid) throw error;
  compiled.set(expression, parsed);
  return parsed;
}
