// The language's functions, scalar ones by name. Unknown names are the query's mistake.
import { createHash } from 'node:crypto';
import { dateOf, numberOf, textOf, type Value } from './values.ts';

export type ScalarFunction = (values: readonly Value[], now: number) => Value;

const first = (values: readonly Value[]): Value => values[0] ?? null;
const second = (values: readonly Value[]): Value => values[1] ?? null;

const isEmpty = (value: Value): boolean => textOf(value) === '';

export const scalarFunctions: Readonly<Record<string, ScalarFunction>> = {
  tostring: (values) => textOf(first(values)),
  tolower: (values) => textOf(first(values)).toLowerCase(),
  toupper: (values) => textOf(first(values)).toUpperCase(),
  toint: (values) => truncated(numberOf(first(values))),
  tolong: (values) => truncated(numberOf(first(values))),
  todouble: (values) => numberOf(first(values)),
  tobool: (values) => ({ true: true, false: false })[textOf(first(values)).toLowerCase()] ?? null,
  todatetime: (values) => dateOf(first(values)),
  datetime: (values) => dateOf(first(values)),
  now: (_, now) => new Date(now),
  ago: (values, now) => new Date(now - (numberOf(first(values)) ?? 0)),
  isempty: (values) => isEmpty(first(values)),
  isnotempty: (values) => !isEmpty(first(values)),
  isnull: (values) => first(values) === null,
  isnotnull: (values) => first(values) !== null,
  not: (values) => first(values) !== true,
  iff: (values) => (first(values) === true ? second(values) : (values[2] ?? null)),
  iif: (values) => (first(values) === true ? second(values) : (values[2] ?? null)),
  coalesce: (values) => values.find((value) => !isEmpty(value)) ?? null,
  strcat: (values) => values.map(textOf).join(''),
  strlen: (values) => textOf(first(values)).length,
  array_length: (values) => lengthOf(first(values)),
  bag_keys: (values) => keysOf(first(values)),
  split: (values) => textOf(first(values)).split(textOf(second(values))),
  substring: (values) => {
    const start = numberOf(second(values)) ?? 0;
    const length = numberOf(values[2] ?? null);
    return textOf(first(values)).slice(start, length === null ? undefined : start + length);
  },
  // Any stable spread will do: queries use it to cut a listing into even parts.
  hash: (values) => {
    const digest = createHash('sha256')
      .update(textOf(first(values)))
      .digest();
    const modulus = numberOf(second(values));
    const number = digest.readUIntBE(0, 6);
    return modulus ? number % modulus : number;
  },
};

function truncated(value: number | null): number | null {
  return value === null ? null : Math.trunc(value);
}

function lengthOf(value: Value): number | null {
  return Array.isArray(value) ? value.length : null;
}

function keysOf(value: Value): Value {
  const isBag = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isBag && !(value instanceof Date) ? Object.keys(value) : null;
}

/** Over the rows of one group; each gets the values of its argument, one per row. */
export const aggregateFunctions: Readonly<Record<string, (values: readonly Value[]) => Value>> = {
  count: (values) => values.length,
  countif: (values) => values.filter((value) => value === true).length,
  sum: (values) => numbers(values).reduce((total, value) => total + value, 0),
  avg: (values) => {
    const all = numbers(values);
    return all.length ? all.reduce((total, value) => total + value, 0) / all.length : null;
  },
  min: (values) => extreme(values, -1),
  max: (values) => extreme(values, 1),
  dcount: (values) => new Set(values.map(textOf)).size,
  make_list: (values) => values.filter((value) => value !== null),
  make_set: (values) => [...new Map(values.map((value) => [textOf(value), value])).values()],
  any: (values) => values[0] ?? null,
  take_any: (values) => values[0] ?? null,
};

function numbers(values: readonly Value[]): number[] {
  return values.map(numberOf).filter((value): value is number => value !== null);
}

function extreme(values: readonly Value[], sign: 1 | -1): Value {
  let best: Value = null;
  for (const value of values) {
    if (value === null) continue;
    const order = best === null ? 1 : sign * compareForExtreme(value, best);
    if (order > 0) best = value;
  }
  return best;
}

function compareForExtreme(left: Value, right: Value): number {
  if (left instanceof Date && right instanceof Date) return left.getTime() - right.getTime();
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return textOf(left) < textOf(right) ? -1 : textOf(left) > textOf(right) ? 1 : 0;
}
