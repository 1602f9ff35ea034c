// Patterns are RE2's. A pattern that JavaScript reads the same way runs as a native expression;
// anything RE2 refuses (look-around, back-references) is refused when the definition is written.
import { RE2JS } from 're2js';

interface Matcher {
  test(text: string): boolean;
}

const compiled = new Map<string, Matcher>();

/** Throws when the pattern is not RE2. */
export function compilePattern(pattern: string): Matcher {
  const known = compiled.get(pattern);
  if (known) return known;
  const re2 = RE2JS.compile(pattern);
  const matcher = native(pattern) ?? { test: (text: string) => re2.matcher(text).find() };
  compiled.set(pattern, matcher);
  return matcher;
}

/** Native expressions are much faster; syntax whose meaning differs is left to RE2. */
function native(pattern: string): RegExp | undefined {
  if (/\(\?|\\[pPzAQCE]|\[\[:/.test(pattern)) return undefined;
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
}
