// The part of kubectl's JSONPath that printer columns use: fields, quoted fields, indexes,
// wildcards and filters such as `[?(@.type=="Ready")]`.
import { isObject } from '../objects/json.ts';

type Step = (value: unknown) => unknown[];
export type JsonPath = (root: unknown) => unknown[];

export function compileJsonPath(expression: string): JsonPath {
  const steps = parseSteps(expression.replace(/^\{(.*)\}$/s, '$1').replace(/^\$/, ''));
  return (root) => {
    let values: unknown[] = [root];
    for (const step of steps) values = values.flatMap(step);
    return values.filter((value) => value !== undefined && value !== null);
  };
}

function parseSteps(path: string): Step[] {
  const steps: Step[] = [];
  let rest = path;
  while (rest !== '') {
    const field = /^\.((?:\\.|[^.[\\])+)/.exec(rest);
    const bracket = rest.startsWith('[') ? closingBracket(rest) : -1;
    if (field) {
      const name = field[1]!.replace(/\\(.)/g, '$1');
      steps.push(name === '*' ? allItems : fieldStep(name));
      rest = rest.slice(field[0].length);
    } else if (bracket > 0) {
      steps.push(bracketStep(rest.slice(1, bracket)));
      rest = rest.slice(bracket + 1);
    } else if (rest === '.') {
      rest = '';
    } else {
      throw new Error(`invalid JSONPath at '${rest}'`);
    }
  }
  return steps;
}

/** The bracket that closes the first one, leaving out those inside quotes. */
function closingBracket(text: string): number {
  let depth = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (quote) {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '[') depth++;
    else if (character === ']' && --depth === 0) return i;
  }
  return -1;
}

const allItems: Step = (value) =>
  Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];

const fieldStep =
  (name: string): Step =>
  (value) =>
    isObject(value) && Object.hasOwn(value, name) ? [value[name]] : [];

function bracketStep(content: string): Step {
  if (content === '*') return allItems;
  const quoted = /^(['"])(.*)\1$/.exec(content);
  if (quoted) return fieldStep(quoted[2]!);
  if (/^-?\d+$/.test(content)) {
    const index = Number(content);
    return (value) => (Array.isArray(value) ? [value.at(index)] : []);
  }
  const filter = /^\?\(\s*@(.*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*\)$/.exec(content);
  if (!filter) throw new Error(`invalid JSONPath element '[${content}]'`);
  const path = compileJsonPath(filter[1]!);
  const [, , operator, operand] = filter;
  if (!operator) return (value) => allItems(value).filter((item) => path(item).length > 0);
  const expected = literal(operand!);
  return (value) =>
    allItems(value).filter((item) => {
      const actual = path(item);
      return actual.length > 0 && compare(actual[0], operator, expected);
    });
}

function literal(text: string): unknown {
  const quoted = /^(['"])(.*)\1$/.exec(text);
  if (quoted) return quoted[2];
  if (text === 'true' || text === 'false') return text === 'true';
  return Number(text);
}

function compare(actual: unknown, operator: string, expected: unknown): boolean {
  if (operator === '==') return actual === expected;
  if (operator === '!=') return actual !== expected;
  const [left, right] = [actual as number, expected as number];
  if (operator === '<') return left < right;
  if (operator === '>') return left > right;
  return operator === '<=' ? left <= right : left >= right;
}
