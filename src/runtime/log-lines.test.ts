// What reaches the reader of a log, and when the reader is slow or gone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { writeLines } from './log-lines.ts';

describe('the lines of a log', () => {
  test('of one turn of the event loop are written together, in their order', async () => {
    const written: string[] = [];
    const lines = writeLines(1, (_fd, bytes) => {
      written.push(Buffer.from(bytes).toString());
      return bytes.length;
    });
    lines.write('one\n');
    lines.write('two\n');
    assert.deepEqual(written, []);
    await turn();
    assert.deepEqual(written, ['one\ntwo\n']);
  });

  test('are all written when the process ends', () => {
    const written: string[] = [];
    const lines = writeLines(1, (_fd, bytes) => {
      written.push(Buffer.from(bytes.subarray(0, 2)).toString());
      return 2;
    });
    lines.write('last');
    lines.flush();
    assert.equal(written.join(''), 'last');
  });

  test('wait for a slow reader', async () => {
    const written: string[] = [];
    let isSlow = true;
    const write = (_fd: number, bytes: Uint8Array): number => {
      if (isSlow) throw Object.assign(new Error('try again'), { code: 'EAGAIN' });
      written.push(Buffer.from(bytes).toString());
      return bytes.length;
    };
    const lines = writeLines(1, write, () => {
      isSlow = false;
    });
    lines.write('one\n');
    await turn();
    assert.deepEqual(written, []);
    lines.write('two\n');
    lines.flush();
    assert.equal(written.join(''), 'one\ntwo\n');
  });

  test('are dropped when nobody reads any more, and nobody is told', () => {
    const lines = writeLines(1, () => {
      throw Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
    });
    lines.write('one\n');
    assert.doesNotThrow(() => lines.flush());
  });
});
