import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.ts';

const texts: Record<string, number> = {
  '0s': 0,
  '250ms': 250,
  '10m': 600_000,
  '1h30m': 5_400_000,
  '1.5h': 5_400_000,
  '90s': 90_000,
  '1m1m': 120_000,
};

test('durations read as Go reads them', () => {
  for (const [text, milliseconds] of Object.entries(texts)) {
    assert.equal(parseDuration(text), milliseconds, text);
  }
});

test('what the schema would refuse is refused here too, naming the text', () => {
  for (const text of ['', '10', 'm', '-5m', '10 m', '10m ', '1d', '1e3s', '.5h']) {
    assert.throws(() => parseDuration(text), { name: 'RangeError', message: /is not a duration/ });
  }
});

test('the shortest exact text is written', () => {
  assert.equal(formatDuration(0), '0s');
  assert.equal(formatDuration(5_400_000), '1h30m');
  assert.equal(formatDuration(61_001), '1m1s1ms');
  assert.throws(() => formatDuration(-1), RangeError);
  assert.throws(() => formatDuration(Number.NaN), RangeError);
});

test('every duration survives being written and read', () => {
  fc.assert(
    fc.property(fc.nat(), (milliseconds) => {
      assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds);
    }),
  );
});
