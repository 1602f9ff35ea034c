import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { discoveryQueryText } from './resource-graph.ts';

/** Takes KQL's single-quoted literals out of a text, and tells what they mean. */
function literalsOf(query: string): { readonly values: string[]; readonly rest: string } {
  const values: string[] = [];
  const rest = query.replace(/'((?:[^'\\]|\\.)*)'/g, (_, inner: string) => {
    values.push(
      inner.replace(/\\(?:u([0-9a-f]{4})|(.))/g, (_, code?: string, character?: string) =>
        code === undefined ? (character ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
      ),
    );
    return '?';
  });
  return { values, rest };
}

const plain = literalsOf(discoveryQueryText('plain'));

test('whatever an installation is called, its name is one literal and changes nothing else', () => {
  const hostile = [
    "' or '1' == '1",
    "x') | union Resources //",
    'a\\',
    '"',
    'line\nbreak',
    '\u0007',
  ];
  const check = (name: string): void => {
    const { values, rest } = literalsOf(discoveryQueryText(name));
    assert.equal(rest, plain.rest);
    assert.equal(values.at(-1), name);
  };
  for (const name of hostile) check(name);
  fc.assert(fc.property(fc.string(), check));
});

test('resources of one installation are asked for by its tag', () => {
  assert.match(plain.rest, /\| where tostring\(tags\[\?\]\) == \?\n/);
  assert.deepEqual(plain.values.slice(-2), ['poolkeeper:installation', 'plain']);
});
