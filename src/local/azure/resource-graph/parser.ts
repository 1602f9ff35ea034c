// Reads a whole query. What isn't read here, isn't supported: the answer is the parser's 400, never
// a silently different result.
import { readExpression, readList, TokenReader } from './expressions.ts';
import type { Expression, NamedExpression, OrderTerm, Query, QueryStep } from './syntax.ts';
import { QueryError, tokenize } from './tokens.ts';

const MAX_QUERY_LENGTH = 100_000;

/** @throws QueryError */
export function parseQuery(text: string): Query {
  if (text.length > MAX_QUERY_LENGTH)
    throw new QueryError('QueryTooLong', undefined, `at most ${MAX_QUERY_LENGTH} characters`);
  const reader = new TokenReader(tokenize(text));
  const table = readTable(reader);
  const steps: QueryStep[] = [];
  while (reader.accept('|')) steps.push(...readStep(reader));
  if (reader.peek().kind !== 'end') reader.fail('|');
  return { table, steps };
}

/** The table may be left out, with or without the first pipe. */
function readTable(reader: TokenReader): string {
  const first = reader.peek();
  if (first.kind === 'symbol' && first.text === '|') return 'Resources';
  return reader.name();
}

function readStep(reader: TokenReader): QueryStep[] {
  const token = reader.peek();
  const operator = reader.name();
  switch (operator) {
    case 'where':
    case 'filter':
      return [{ type: 'where', condition: readExpression(reader) }];
    case 'extend':
      return [{ type: 'extend', columns: readList(reader, () => readNamed(reader)) }];
    case 'project':
      if (reader.accept('-')) return [readProjectAway(reader)];
      return [{ type: 'project', columns: readList(reader, () => readNamed(reader)) }];
    case 'order':
    case 'sort':
      reader.expect('by');
      return [{ type: 'order', terms: readList(reader, () => readOrderTerm(reader)) }];
    case 'take':
    case 'limit':
      return [{ type: 'take', rows: reader.number() }];
    case 'top':
      return readTop(reader);
    case 'distinct':
      return [{ type: 'distinct', columns: readList(reader, () => readNamed(reader)) }];
    case 'count':
      return [{ type: 'count' }];
    case 'summarize':
      return [readSummarize(reader)];
    default:
      throw new QueryError('ParserFailure', token, 'a supported query operator');
  }
}

function readProjectAway(reader: TokenReader): QueryStep {
  reader.expect('away');
  return { type: 'projectAway', names: readList(reader, () => reader.name()) };
}

function readTop(reader: TokenReader): QueryStep[] {
  const rows = reader.number();
  reader.expect('by');
  return [
    { type: 'order', terms: readList(reader, () => readOrderTerm(reader)) },
    { type: 'take', rows },
  ];
}

function readOrderTerm(reader: TokenReader): OrderTerm {
  const expression = readExpression(reader);
  // The language's default is descending; nulls sort as the smallest value.
  const descending = reader.accept('asc', 'desc')?.text !== 'asc';
  let nullsFirst = !descending;
  if (reader.accept('nulls')) {
    const word = reader.accept('first', 'last') ?? reader.fail('first or last');
    nullsFirst = word.text === 'first';
  }
  return { expression, descending, nullsFirst };
}

function readSummarize(reader: TokenReader): QueryStep {
  const hasAggregates = reader.peek().text !== 'by';
  const aggregates = hasAggregates ? readList(reader, () => readNamed(reader)) : [];
  const by = reader.accept('by') ? readList(reader, () => readNamed(reader)) : [];
  if (aggregates.length + by.length === 0) reader.fail('an aggregate');
  return { type: 'summarize', aggregates, by };
}

/** `name = expression`, or an expression that names itself. */
function readNamed(reader: TokenReader): NamedExpression {
  const expression = readExpression(reader);
  if (expression.type === 'column' && reader.accept('='))
    return { name: expression.name, expression: readExpression(reader) };
  return { name: defaultName(expression), expression };
}

function defaultName(expression: Expression): string {
  if (expression.type === 'column') return expression.name;
  if (expression.type === 'member') {
    const key = expression.key.type === 'literal' ? String(expression.key.value) : '';
    return `${defaultName(expression.object)}_${key.replace(/\W/g, '_')}`;
  }
  if (expression.type === 'call') {
    const first = expression.arguments[0];
    if (expression.name === 'count' || !first) return `${expression.name}_`;
    return aggregateLike.has(expression.name)
      ? `${expression.name}_${defaultName(first)}`
      : defaultName(first);
  }
  return 'Column1';
}

const aggregateLike = new Set(['sum', 'min', 'max', 'avg', 'dcount', 'countif']);
