// Rooms import only downwards; this table is the architecture's picture of itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTest, roomOf, sourceFiles } from './source-tree.ts';

const MAY_IMPORT: Record<string, readonly string[]> = {
  api: [],
  plan: ['api'],
  runtime: [],
  kube: ['runtime', 'api'],
  azure: ['runtime'],
  backends: ['runtime', 'api', 'plan'],
  history: ['runtime'],
  agent: ['runtime', 'kube', 'api', 'plan', 'backends'],
  controllers: ['runtime', 'kube', 'azure', 'history', 'api', 'plan', 'backends'],
  local: ['runtime', 'api'],
  cli: [
    'runtime',
    'kube',
    'azure',
    'history',
    'api',
    'plan',
    'backends',
    'agent',
    'controllers',
    'local',
  ],
  kubectl: ['runtime', 'kube', 'api'],
  main: ['cli'],
};

/** The simulators implement ports; a port's file is an interface, not the room behind it. */
const PORTS = new Set([
  'src/azure/port.ts',
  'src/azure/errors.ts',
  'src/agent/host-port.ts',
  'src/backends/port.ts',
]);

test('every room imports only rooms below it', () => {
  const violations = sourceFiles('src').flatMap((file) => {
    const room = roomOf(file.path)!;
    const allowed = MAY_IMPORT[room];
    assert.ok(allowed, `${file.path}: the room src/${room} is not in the table of this test`);
    return file.imports
      .filter(({ path }) => roomOf(path) && roomOf(path) !== room)
      .filter(({ path }) => !(room === 'local' && PORTS.has(path)))
      .filter(({ path }) => !allowed.includes(roomOf(path)!))
      .map(({ path }) => `${file.path} imports ${path}`);
  });
  assert.deepEqual(violations, []);
});

test('the product never imports its tests', () => {
  const violations = sourceFiles('src')
    .filter((file) => !isTest(file.path))
    .flatMap((file) =>
      file.imports
        .filter(({ path }) => path.startsWith('test/') || isTest(path))
        .map(({ path }) => `${file.path} imports ${path}`),
    );
  assert.deepEqual(violations, []);
});
