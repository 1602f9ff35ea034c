// Alerts and the dashboard ask only for metrics that exist: a misspelt one is silent for ever.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { repositoryRoot } from '../structure/source-tree.ts';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
/** A test of its own keeps this page equal to the code. */
const page = read('docs/observability.md');
const known = new Set([...page.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, name]) => name!));
/** Node's own, which the page sums up as `process_*`. */
const isProcess = (name: string): boolean => name.startsWith('process_');

function unknownIn(expression: string): string[] {
  return [...expression.matchAll(/\b([a-z]+(?:_[a-z]+){2,})\b/g)]
    .map(([, name]) => name!)
    .filter((name) => /^(poolkeeper|leader_election|controller_runtime|workqueue|rest)_/.test(name))
    .map((name) => name.replace(/_(bucket|count|sum)$/, ''))
    .filter((name) => !known.has(name) && !isProcess(name));
}

describe('what the chart asks Prometheus', () => {
  it('in alerts, exists', () => {
    const { rules } = parse(read('charts/poolkeeper/files/alerts.yaml')) as {
      rules: { alert: string; expr: string }[];
    };
    for (const { alert, expr } of rules) assert.deepEqual(unknownIn(expr), [], alert);
  });

  it('in the dashboard, exists', () => {
    const { panels } = JSON.parse(read('charts/poolkeeper/files/dashboard.json')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    assert.ok(expressions.length > 15);
    for (const expression of expressions) assert.deepEqual(unknownIn(expression), [], expression);
  });

  it('in alerts, covers those on the page about observability', () => {
    const names = [...page.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
    const { rules } = parse(read('charts/poolkeeper/files/alerts.yaml')) as {
      rules: { alert: string }[];
    };
    const installed = rules.map(({ alert }) => alert.replace('Poolkeeper', ''));
    assert.deepEqual(
      names.filter((name) => !installed.includes(name)),
      [],
    );
  });
});
