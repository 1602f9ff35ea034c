import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import {
  describeSettings,
  flag,
  list,
  readSettings,
  SettingsError,
  wholeNumber,
} from './settings.ts';

const schema = z.object({
  azureSpeed: wholeNumber(1, 1000).default(50).describe('How much faster than real Azure'),
  leaderElect: flag().default(true).describe('Run only while holding the lease'),
  watchNamespaces: list().default([]).describe('Namespaces to obey'),
});

const read = (
  argv: string[],
  env: Record<string, string> = {},
  file = '',
): z.output<typeof schema> => readSettings(schema, { argv, env, readFile: () => file });

test('defaults apply when nothing is set', () => {
  assert.deepEqual(read([]), { azureSpeed: 50, leaderElect: true, watchNamespaces: [] });
});

test('flags win over the environment, which wins over the file', () => {
  const file = 'azureSpeed: 2\nleaderElect: false\nwatchNamespaces: [a, b]';
  const env = { POOLKEEPER_AZURE_SPEED: '3', POOLKEEPER_WATCH_NAMESPACES: 'c,d' };
  const settings = read(['--config', 'f', '--azure-speed', '4'], env, file);
  assert.deepEqual(settings, { azureSpeed: 4, leaderElect: false, watchNamespaces: ['c', 'd'] });
});

test('a switch may stand alone or carry a value', () => {
  assert.equal(read(['--leader-elect']).leaderElect, true);
  assert.equal(read(['--leader-elect=false']).leaderElect, false);
});

const refused: Record<
  string,
  { argv: string[]; env?: Record<string, string>; file?: string; says: RegExp }
> = {
  'a value out of range names the flag': { argv: ['--azure-speed', '0'], says: /^--azure-speed: / },
  'a bad variable is named': {
    argv: [],
    env: { POOLKEEPER_AZURE_SPEED: 'x' },
    says: /^POOLKEEPER_AZURE_SPEED: /,
  },
  'a bad file value names setting and file': {
    argv: ['--config', 'f'],
    file: 'azureSpeed: x',
    says: /^azureSpeed in f: /,
  },
  'an unknown flag': { argv: ['--asure-speed', '4'], says: /--asure-speed/ },
  'an unknown setting in the file': {
    argv: ['--config', 'f'],
    file: 'speed: 4',
    says: /unknown setting speed/,
  },
};
for (const [name, { argv, env, file, says }] of Object.entries(refused)) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => read(argv, env, file),
      (error) => error instanceof SettingsError && says.test(error.message),
    );
  });
}

test('help lists every setting with its default', () => {
  assert.match(
    describeSettings(schema),
    /--azure-speed\s+How much faster than real Azure \(default 50\)/,
  );
});
