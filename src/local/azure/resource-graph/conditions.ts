// Evaluates one expression on one row.
import { scalarFunctions } from './functions.ts';
import type { Expression } from './syntax.ts';
import { QueryError } from './tokens.ts';
import { compareValues, equalValues, numberOf, textOf, type Value } from './values.ts';

export type Row = Readonly<Record<string, Value>>;

export function evaluate(expression: Expression, row: Row, now: number): Value {
  switch (expression.type) {
    case 'literal':
      return expression.value;
    case 'timespan':
      return expression.milliseconds;
    case 'column':
      return row[expression.name] ?? null;
    case 'member':
      return memberOf(evaluate(expression.object, row, now), evaluate(expression.key, row, now));
    case 'call': {
      const values = expression.arguments.map((argument) => evaluate(argument, row, now));
      return scalarFunctions[expression.name]!(values, now);
    }
    case 'membership': {
      const left = evaluate(expression.left, row, now);
      const ignoreCase = expression.operator.endsWith('~');
      const found = expression.candidates.some((candidate) =>
        equalValues(left, evaluate(candidate, row, now), ignoreCase),
      );
      return expression.operator.startsWith('!') ? !found : found;
    }
    case 'binary':
      return binary(expression, row, now);
  }
}

function binary(expression: Extract<Expression, { type: 'binary' }>, row: Row, now: number): Value {
  const { operator } = expression;
  const left = evaluate(expression.left, row, now);
  if (operator === 'and') return left === true && evaluate(expression.right, row, now) === true;
  if (operator === 'or') return left === true || evaluate(expression.right, row, now) === true;
  const right = evaluate(expression.right, row, now);
  switch (operator) {
    case '==':
      return equalValues(left, right, false);
    case '!=':
      return !equalValues(left, right, false);
    case '=~':
      return equalValues(left, right, true);
    case '!~':
      return !equalValues(left, right, true);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(operator, compareValues(left, right));
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(operator, left, right);
    default:
      return textMatches(operator, textOf(left), textOf(right));
  }
}

function ordered(operator: string, order: number | undefined): boolean {
  if (order === undefined) return false;
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}

function arithmetic(operator: string, left: Value, right: Value): Value {
  const a = left instanceof Date ? left.getTime() : numberOf(left);
  const b = right instanceof Date ? right.getTime() : numberOf(right);
  if (a === null || b === null) return null;
  if (operator === '*') return a * b;
  if (operator === '/') return a / b;
  if (operator === '%') return a % b;
  const result = operator === '+' ? a + b : a - b;
  const isMoment = left instanceof Date !== right instanceof Date;
  return isMoment ? new Date(result) : result;
}

function textMatches(operator: string, text: string, part: string): boolean {
  const negated = operator.startsWith('!');
  const caseSensitive = operator.endsWith('_cs');
  const word = operator.replace('!', '').replace('_cs', '');
  const [whole, wanted] = caseSensitive ? [text, part] : [text.toLowerCase(), part.toLowerCase()];
  return matchesWord(word, whole, wanted) !== negated;
}

function matchesWord(word: string, whole: string, wanted: string): boolean {
  if (word === 'contains') return whole.includes(wanted);
  if (word === 'startswith') return whole.startsWith(wanted);
  if (word === 'endswith') return whole.endsWith(wanted);
  // `has` wants a whole term: bounded by something that is neither a letter nor a digit.
  return ` ${whole} `
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .includes(` ${wanted.replace(/[^\p{L}\p{N}]+/gu, ' ')} `);
}

function memberOf(object: Value, key: Value): Value {
  if (Array.isArray(object)) return object[numberOf(key) ?? -1] ?? null;
  if (typeof object !== 'object' || object === null || object instanceof Date) return null;
  return Object.hasOwn(object, textOf(key)) ? (object[textOf(key)] ?? null) : null;
}

/** Columns and functions must exist before any row is looked at. */
export function checkExpression(
  expression: Expression,
  columns: ReadonlySet<string>,
  functions: Readonly<Record<string, unknown>> = scalarFunctions,
): void {
  switch (expression.type) {
    case 'column':
      if (!columns.has(expression.name))
        throw new QueryError('InvalidColumn', undefined, `no column '${expression.name}'`);
      return;
    case 'member':
      checkExpression(expression.object, columns);
      checkExpression(expression.key, columns);
      return;
    case 'call':
      if (!Object.hasOwn(functions, expression.name))
        throw new QueryError('UnknownFunction', undefined, `no function '${expression.name}'`);
      for (const argument of expression.arguments) checkExpression(argument, columns);
      return;
    case 'binary':
      checkExpression(expression.left, columns);
      checkExpression(expression.right, columns);
      return;
    case 'membership':
      checkExpression(expression.left, columns);
      for (const candidate of expression.candidates) checkExpression(candidate, columns);
      return;
    default:
      return;
  }
}
