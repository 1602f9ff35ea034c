import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionTypes, reasonGroups, reasonOf, reasons } from './reasons.ts';

test('every reason and type is CamelCase and has a whole sentence', () => {
  for (const [word, sentence] of [...Object.entries(reasons), ...Object.entries(conditionTypes)]) {
    assert.match(word, /^[A-Z][A-Za-z0-9]+$/);
    assert.match(sentence, /^[A-Z`s].*[.?]$/, word);
  }
});

test('a reason belongs to one area only, so that it has one meaning', () => {
  const words = Object.values(reasonGroups).flatMap((group) => Object.keys(group));
  assert.deepEqual([...new Set(words)].length, words.length);
});

test('an error code that nobody catalogued becomes InternalError', () => {
  assert.equal(reasonOf('QuotaExceeded'), 'QuotaExceeded');
  assert.equal(reasonOf('SomethingNew'), 'InternalError');
  assert.equal(reasonOf('toString'), 'InternalError');
});
