import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

/** Files that importing this one really loads; type-only imports are erased. */
function* loadedFrom(file: string, seen = new Set<string>()): Generator<string> {
  if (seen.has(file)) return;
  seen.add(file);
  yield file;
  const text = readFileSync(path.join(import.meta.dirname, file), 'utf8');
  for (const [, kind, target = ''] of text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)';/gm,
  )) {
    if (kind === undefined) yield* loadedFrom(path.normalize(target), seen);
  }
}

test('an agent that imports the API loads no schema', () => {
  const files = [...loadedFrom('index.ts')];
  assert.ok(files.includes('reasons.ts'));
  for (const file of files) {
    const text = readFileSync(path.join(import.meta.dirname, file), 'utf8');
    assert.doesNotMatch(text, /^import (?!type).* from 'zod'/m, file);
  }
});
