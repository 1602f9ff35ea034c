// However much the commands said, an object keeps a size that every API server takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundRecords } from './command-bounds.ts';
import type { CommandRecord } from './command-record.ts';

const record = (number: number, output: string, command = `mdadm --${number}`): CommandRecord => ({
  command,
  state: 'Succeeded',
  exitCode: 0,
  startedAt: '2026-01-01T00:00:00Z',
  output,
});

const bytesOf = (records: readonly CommandRecord[]): number =>
  Buffer.byteLength(JSON.stringify(records));

test('what is small is kept as it is', () => {
  const records = [record(1, 'one'), record(2, 'two')];
  assert.deepEqual(boundRecords(records, 64), records);
});

test('of too many, the newest', () => {
  const records = Array.from({ length: 100 }, (_, number) => record(number, 'x'));
  assert.deepEqual(boundRecords(records, 64), records.slice(-64));
});

test('64 long outputs in a script of three bytes a letter fit, and the newest are whole', () => {
  const records = Array.from({ length: 64 }, (_, number) =>
    record(number, '語'.repeat(4096), `mkfs.ext4 ${'語'.repeat(4000)}`),
  );
  const kept = boundRecords(records, 64);
  assert.ok(bytesOf(kept) < 224 * 1024, `${bytesOf(kept)} bytes`);
  assert.deepEqual(kept.at(-1), records.at(-1));
  assert.equal(kept.length, 64);
  assert.equal(kept[0]?.truncated, true);
  assert.equal(kept[0]?.output, '語'.repeat(256));
});

test('a line that the schema would refuse is cut', () => {
  const [kept] = boundRecords([record(1, '', 'x'.repeat(5000))], 64);
  assert.equal(kept?.command.length, 4096);
});

test('what was cut stays as it is', () => {
  const records = Array.from({ length: 64 }, (_, number) => record(number, 'y'.repeat(4096)));
  const once = boundRecords(records, 64);
  assert.deepEqual(boundRecords(once, 64), once);
});
