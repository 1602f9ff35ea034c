// The words of a query: names, literals, operators, each with its place for error messages.

export type TokenKind = 'name' | 'string' | 'number' | 'timespan' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Names and symbols as written; strings without their quotes. */
  readonly text: string;
  /** Numbers as they are; timespans in milliseconds. */
  readonly value: number;
  readonly line: number;
  readonly column: number;
}

/** The query can't be read; `expected` is what would have been fine at that place. */
export class QueryError extends Error {
  readonly code: string;
  readonly token: Token | undefined;
  readonly expected: string;

  constructor(code: string, token: Token | undefined, expected: string) {
    super(`${code}: ${expected}`);
    this.name = 'QueryError';
    this.code = code;
    this.token = token;
    this.expected = expected;
  }
}

const timespanUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const pattern = new RegExp(
  [
    '(?<space>\\s+|//[^\\n]*)',
    '(?<number>\\d+(?:\\.\\d+)?)(?<unit>ms|s|m|h|d)?(?![\\w.])',
    '(?<name>[A-Za-z_$]\\w*~?)',
    '(?<negated>!(?:in~?|has_cs|has|contains_cs|contains|startswith|endswith)(?![\\w]))',
    '@?"(?<double>(?:[^"\\\\\\n]|\\\\.)*)"',
    "@?'(?<single>(?:[^'\\\\\\n]|\\\\.)*)'",
    '(?<symbol>==|!=|=~|!~|<=|>=|\\.\\.|[|(),.=<>+*/%\\[\\]-])',
  ].join('|'),
  'y',
);

export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  pattern.lastIndex = 0;
  while (pattern.lastIndex < query.length) {
    const start = pattern.lastIndex;
    const place = { line, column: start - lineStart };
    const match = pattern.exec(query);
    if (!match) {
      const text = query[start]!;
      const token: Token = { kind: 'symbol', text, value: 0, ...place };
      throw new QueryError('ParserFailure', token, 'a name, a literal or an operator');
    }
    const token = tokenOf(match, place);
    if (token) tokens.push(token);
    for (const newline of match[0].matchAll(/\n/g)) {
      line++;
      lineStart = start + newline.index + 1;
    }
  }
  tokens.push({ kind: 'end', text: '<EOF>', value: 0, line, column: query.length - lineStart });
  return tokens;
}

function tokenOf(
  match: RegExpExecArray,
  place: { line: number; column: number },
): Token | undefined {
  const { space, number, unit, name, negated, double, single, symbol } = match.groups ?? {};
  if (space !== undefined) return undefined;
  if (number !== undefined) {
    const value = Number(number) * (unit ? timespanUnits[unit]! : 1);
    return { kind: unit ? 'timespan' : 'number', text: match[0], value, ...place };
  }
  const quoted = double ?? single;
  if (quoted !== undefined) {
    const text = match[0].startsWith('@')
      ? quoted
      : quoted.replace(/\\(u[0-9a-fA-F]{4}|.)/g, unescapeCharacter);
    return { kind: 'string', text, value: 0, ...place };
  }
  if (name !== undefined) return { kind: 'name', text: name, value: 0, ...place };
  return { kind: 'symbol', text: (negated ?? symbol)!, value: 0, ...place };
}

function unescapeCharacter(_: string, character: string): string {
  if (character.length > 1) return String.fromCharCode(Number.parseInt(character.slice(1), 16));
  return { n: '\n', t: '\t', r: '\r' }[character] ?? character;
}
