// Runs a parsed query over rows, step by step.
import { checkExpression, evaluate, type Row } from './conditions.ts';
import { aggregateFunctions } from './functions.ts';
import type { NamedExpression, OrderTerm, Query, QueryStep } from './syntax.ts';
import { QueryError } from './tokens.ts';
import { compareValues, textOf, type Value } from './values.ts';

export interface QueryResult {
  readonly rows: readonly Row[];
  readonly columns: readonly string[];
  /** The query itself limits its rows: such a result has no further pages. */
  readonly limited: boolean;
}

/** @throws QueryError when the query names a column, function or table that isn't there */
export function runQuery(
  query: Query,
  source: { rows: readonly Row[]; columns: readonly string[] },
  now: number,
): QueryResult {
  if (query.table.toLowerCase() !== 'resources')
    throw new QueryError('InvalidTable', undefined, `no table '${query.table}'`);
  let state: QueryResult = { ...source, limited: false };
  for (const step of query.steps) state = runStep(step, state, now);
  return state;
}

function runStep(step: QueryStep, state: QueryResult, now: number): QueryResult {
  const known = new Set(state.columns);
  switch (step.type) {
    case 'where':
      checkExpression(step.condition, known);
      return {
        ...state,
        rows: state.rows.filter((row) => evaluate(step.condition, row, now) === true),
      };
    case 'extend': {
      checkAll(step.columns, known);
      const rows = state.rows.map((row) => ({ ...row, ...pick(step.columns, row, now) }));
      const names = step.columns.map((column) => column.name);
      return { ...state, rows, columns: [...new Set([...state.columns, ...names])] };
    }
    case 'project':
      checkAll(step.columns, known);
      return {
        ...state,
        rows: state.rows.map((row) => pick(step.columns, row, now)),
        columns: step.columns.map((column) => column.name),
      };
    case 'projectAway':
      return {
        ...state,
        columns: state.columns.filter((name) => !step.names.includes(name)),
        rows: state.rows.map((row) =>
          Object.fromEntries(Object.entries(row).filter(([name]) => !step.names.includes(name))),
        ),
      };
    case 'order':
      for (const term of step.terms) checkExpression(term.expression, known);
      return { ...state, rows: sorted(state.rows, step.terms, now) };
    case 'take':
      return { ...state, rows: state.rows.slice(0, step.rows), limited: true };
    case 'count':
      return { rows: [{ Count: state.rows.length }], columns: ['Count'], limited: true };
    case 'distinct':
      checkAll(step.columns, known);
      return summarize({ aggregates: [], by: step.columns }, state, now);
    case 'summarize':
      checkAll(step.by, known);
      for (const { expression } of step.aggregates) {
        if (expression.type !== 'call')
          throw new QueryError('InvalidAggregate', undefined, 'an aggregate function');
        checkExpression(expression, known, aggregateFunctions);
      }
      return summarize(step, state, now);
  }
}

function checkAll(columns: readonly NamedExpression[], known: ReadonlySet<string>): void {
  for (const column of columns) checkExpression(column.expression, known);
}

function pick(columns: readonly NamedExpression[], row: Row, now: number): Row {
  return Object.fromEntries(
    columns.map((column) => [column.name, evaluate(column.expression, row, now)]),
  );
}

function sorted(rows: readonly Row[], terms: readonly OrderTerm[], now: number): Row[] {
  const keyed = rows.map((row) => ({
    row,
    keys: terms.map((term) => evaluate(term.expression, row, now)),
  }));
  keyed.sort((left, right) => {
    for (const [i, term] of terms.entries()) {
      const order = compareKeys(left.keys[i] ?? null, right.keys[i] ?? null, term);
      if (order !== 0) return order;
    }
    return 0;
  });
  return keyed.map((entry) => entry.row);
}

function compareKeys(left: Value, right: Value, term: OrderTerm): number {
  if (left === null || right === null) {
    if (left === right) return 0;
    return (left === null) === term.nullsFirst ? -1 : 1;
  }
  return (compareValues(left, right) ?? 0) * (term.descending ? -1 : 1);
}

function summarize(
  step: { aggregates: readonly NamedExpression[]; by: readonly NamedExpression[] },
  state: QueryResult,
  now: number,
): QueryResult {
  const groups = new Map<string, { key: Row; rows: Row[] }>();
  if (step.by.length === 0) groups.set('', { key: {}, rows: [] });
  for (const row of state.rows) {
    const key = pick(step.by, row, now);
    const text = Object.values(key).map(textOf).join('\u0000');
    const group = groups.get(text) ?? { key, rows: [] };
    group.rows.push(row);
    groups.set(text, group);
  }
  const rows = [...groups.values()].map((group) => ({
    ...group.key,
    ...aggregate(step.aggregates, group.rows, now),
  }));
  const columns = [...step.by, ...step.aggregates].map((column) => column.name);
  return { rows, columns, limited: state.limited };
}

function aggregate(columns: readonly NamedExpression[], rows: readonly Row[], now: number): Row {
  return Object.fromEntries(
    columns.map(({ name, expression }) => {
      if (expression.type !== 'call') return [name, null];
      const argument = expression.arguments[0];
      const values = rows.map((row) => (argument ? evaluate(argument, row, now) : true));
      return [name, aggregateFunctions[expression.name]!(values)];
    }),
  );
}
