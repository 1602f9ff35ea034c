// docs/observability.md names every metric of the product, and no other.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isTest, repositoryRoot, sourceFiles } from './source-tree.ts';

const NAME = /'((?:poolkeeper|leader_election|rest_client|controller_runtime|workqueue)_[a-z_]+)'/g;

/** The local environment counts its own requests; nobody operates that. */
const product = sourceFiles('src').filter(
  ({ path }) => !isTest(path) && !path.startsWith('src/local/'),
);
const page = readFileSync(join(repositoryRoot, 'docs/observability.md'), 'utf8');

const inCode = new Set(
  product.flatMap(({ text }) => [...text.matchAll(NAME)].map(([, name]) => name!)),
);
const reference = page.slice(page.indexOf('## Metrics'), page.indexOf('## Alerts'));
const onPage = new Set([...reference.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, name]) => name!));

test('every metric is documented', () => {
  assert.deepEqual(
    [...inCode].filter((name) => !onPage.has(name)),
    [],
  );
});

test('every documented metric exists', () => {
  assert.deepEqual(
    [...onPage].filter((name) => !inCode.has(name)),
    [],
  );
});

test('the example alerts ask for metrics that exist', () => {
  const alerts = page.slice(page.indexOf('## Alerts'), page.indexOf('## GET /debug/pools'));
  const asked = [...alerts.matchAll(/\b((?:poolkeeper|leader_election)_[a-z_]+)/g)]
    .map(([, name]) => name!.replace(/_(count|sum|bucket)$/, ''))
    .filter((name) => !inCode.has(name));
  assert.deepEqual(asked, []);
});
