// The rules a reader relies on: small files, honest names, and nondeterminism only in its home.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTest, roomOf, sourceFiles } from './source-tree.ts';

const files = sourceFiles('src');
const product = files.filter((file) => !isTest(file.path));

test('no source file is longer than 500 lines and no test longer than 800', () => {
  const tooLong = files
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter(({ path, lines }) => lines > (isTest(path) ? 800 : 500))
    .map(({ path, lines }) => `${path}: ${lines} lines`);
  assert.deepEqual(tooLong, []);
});

test('no file or folder has a name that says nothing', () => {
  const empty = /(^|\/)(utils?|helpers?|common|misc|manager)(\/|\.|-)/i;
  assert.deepEqual(
    files.filter((file) => empty.test(file.path)).map((file) => file.path),
    [],
  );
});

test('the entry point stays a table of contents', () => {
  const main = product.find((file) => file.path === 'src/main.ts');
  assert.ok(main, 'src/main.ts is missing');
  assert.ok(main.text.split('\n').length <= 81, 'src/main.ts is longer than 80 lines');
});

/** What makes two runs differ, and the only files where each may stand. */
const NONDETERMINISM: readonly { readonly pattern: RegExp; readonly home: RegExp }[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
    home: /^src\/runtime\/clock\.ts$/,
  },
  { pattern: /\bset(Timeout|Interval)\(/, home: /^src\/runtime\/clock\.ts$/ },
  {
    pattern: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/,
    home: /^src\/runtime\/random\.ts$/,
  },
  { pattern: /from 'node:child_process'/, home: /^src\/(agent|kube|cli)\// },
  {
    pattern: /from 'undici'|(?:await|return|=)\s+fetch\(/,
    home: /^src\/(kube|azure|backends)\/|^src\/cli\/check\.ts$/,
  },
];

test('time, chance, processes and the network are touched only behind their ports', () => {
  const violations = product.flatMap((file) =>
    NONDETERMINISM.filter(({ home }) => !home.test(file.path)).flatMap(({ pattern }) =>
      file.text
        .split('\n')
        .map((line, index) => ({ line, number: index + 1 }))
        .filter(({ line }) => pattern.test(line.replace(/\/\/.*$/, '')))
        .map(({ line, number }) => `${file.path}:${number}: ${line.trim()}`),
    ),
  );
  assert.deepEqual(violations, []);
});

test('planners decide without waiting', () => {
  const violations = product
    .filter((file) => roomOf(file.path) === 'plan')
    .filter((file) => /\b(async|await|Promise)\b/.test(file.text.replace(/\/\/.*$/gm, '')))
    .map((file) => file.path);
  assert.deepEqual(violations, []);
});
