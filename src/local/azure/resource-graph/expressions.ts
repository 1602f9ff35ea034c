// Reads expressions: or, and, comparisons, arithmetic, calls, and paths into dynamic values.
import type { Expression } from './syntax.ts';
import { QueryError, type Token } from './tokens.ts';

const comparisonOperators = new Set(['==', '!=', '=~', '!~', '<', '<=', '>', '>=']);
const textOperators = new Set(
  ['has', 'contains', 'startswith', 'endswith'].flatMap((word) => [
    word,
    `${word}_cs`,
    `!${word}`,
    `!${word}_cs`,
  ]),
);
const membershipOperators = new Set(['in', 'in~', '!in', '!in~']);

/** A position in the words of a query. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    return this.#tokens[this.#position]!;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#position++;
    return token;
  }

  /** Takes the word if it is there. */
  accept(...texts: string[]): Token | undefined {
    const token = this.peek();
    const isWord = token.kind === 'name' || token.kind === 'symbol';
    return isWord && texts.includes(token.text) ? this.next() : undefined;
  }

  expect(text: string): Token {
    return this.accept(text) ?? this.fail(text);
  }

  name(): string {
    const token = this.peek();
    if (token.kind !== 'name') this.fail('a name');
    return this.next().text;
  }

  number(): number {
    const token = this.peek();
    if (token.kind !== 'number') this.fail('a number');
    return this.next().value;
  }

  fail(expected: string): never {
    throw new QueryError('ParserFailure', this.peek(), expected);
  }
}

export function readList<T>(reader: TokenReader, readOne: () => T): T[] {
  const items = [readOne()];
  while (reader.accept(',')) items.push(readOne());
  return items;
}

export function readExpression(reader: TokenReader): Expression {
  return readBinary(reader, ['or'], () =>
    readBinary(reader, ['and'], () => readComparison(reader)),
  );
}

function readBinary(
  reader: TokenReader,
  operators: string[],
  readOperand: () => Expression,
): Expression {
  let left = readOperand();
  for (;;) {
    const operator = reader.accept(...operators);
    if (!operator) return left;
    left = { type: 'binary', operator: operator.text, left, right: readOperand() };
  }
}

function readComparison(reader: TokenReader): Expression {
  const left = readSum(reader);
  const { text, kind } = reader.peek();
  if (kind !== 'name' && kind !== 'symbol') return left;
  if (comparisonOperators.has(text) || textOperators.has(text)) {
    reader.next();
    return { type: 'binary', operator: text, left, right: readSum(reader) };
  }
  if (membershipOperators.has(text)) {
    reader.next();
    reader.expect('(');
    const candidates = readList(reader, () => readExpression(reader));
    reader.expect(')');
    return { type: 'membership', operator: text, left, candidates };
  }
  return left;
}

function readSum(reader: TokenReader): Expression {
  return readBinary(reader, ['+', '-'], () =>
    readBinary(reader, ['*', '/', '%'], () => readPath(reader)),
  );
}

function readPath(reader: TokenReader): Expression {
  let expression = readPrimary(reader);
  for (;;) {
    if (reader.accept('.')) {
      const key: Expression = { type: 'literal', value: reader.name() };
      expression = { type: 'member', object: expression, key };
    } else if (reader.accept('[')) {
      const key = readExpression(reader);
      reader.expect(']');
      expression = { type: 'member', object: expression, key };
    } else return expression;
  }
}

function readPrimary(reader: TokenReader): Expression {
  const token = reader.peek();
  if (token.kind === 'string') return { type: 'literal', value: reader.next().text };
  if (token.kind === 'number') return { type: 'literal', value: reader.next().value };
  if (token.kind === 'timespan') return { type: 'timespan', milliseconds: reader.next().value };
  if (reader.accept('-'))
    return {
      type: 'binary',
      operator: '-',
      left: { type: 'literal', value: 0 },
      right: readPath(reader),
    };
  if (reader.accept('(')) {
    const inner = readExpression(reader);
    reader.expect(')');
    return inner;
  }
  if (token.kind !== 'name') reader.fail('an expression');
  const name = reader.name();
  if (name === 'true' || name === 'false') return { type: 'literal', value: name === 'true' };
  if (!reader.accept('(')) return { type: 'column', name };
  if (reader.accept(')')) return { type: 'call', name, arguments: [] };
  const values = readList(reader, () => readExpression(reader));
  reader.expect(')');
  return { type: 'call', name, arguments: values };
}
