import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, usePercent } from './size.ts';

const sizes: Record<string, number> = {
  '0 B': 0,
  '1023 B': 1023,
  '1.0 KiB': 1024,
  '512 MiB': 512 * 1024 ** 2,
  '9.9 GiB': 9.9 * 1024 ** 3,
  '10 GiB': 9.96 * 1024 ** 3,
  '1.0 GiB': 1024 ** 3 - 1,
  '1.0 TiB': 1024 ** 4,
};

test('sizes are short and have a binary unit', () => {
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(formatBytes(bytes), text);
});

test('use is counted as df counts it: against what can still be written', () => {
  assert.equal(usePercent(0, 100), 0);
  assert.equal(usePercent(1, 999), 1);
  assert.equal(usePercent(100, 0), 100);
  assert.equal(usePercent(0, 0), 0);
});
