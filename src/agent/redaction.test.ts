import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact, renderTerminal, tailOf } from './redaction.ts';

test('secrets vanish by value, wherever a tool prints them', () => {
  const text = 'login with hunter2secret failed: "hunter2secret-long"';
  const clean = redact(text, ['hunter2secret', 'hunter2secret-long', 'a']);
  assert.equal(clean, 'login with <redacted> failed: "<redacted>"');
});

test('also as base64, as part of an address, as JSON and in hexadecimal', () => {
  const secret = 'p/ss "word" 7?';
  const bytes = Buffer.from(secret);
  const written = [
    `secret: ${bytes.toString('base64')}`,
    `iscsi://user:${encodeURIComponent(secret)}@host`,
    `query=${encodeURIComponent(secret).replaceAll('%20', '+')}`,
    JSON.stringify({ secret }),
    bytes.toString('hex'),
  ];
  for (const text of written) assert.match(redact(text, [secret]), /<redacted>/, text);
});

test('counters that overwrite themselves look as on a screen in the end', () => {
  const text = 'Writing inode tables:  0/32\b\b\b\b\b     \b\b\b\b\bdone\nnext\r\u001b[0m\n';
  assert.equal(renderTerminal(text), 'Writing inode tables: done\nnext\n');
});

test('of a long output the end is kept', () => {
  const { output, truncated } = tailOf(`${'x'.repeat(5000)}the error`);
  assert.equal(output.length, 4096);
  assert.ok(output.endsWith('the error'));
  assert.equal(truncated, true);
});
