// A small campaign for every change: the seeds that once showed something, then a fixed range. More
// with SIM_SEEDS, elsewhere with SIM_FROM; `npm run sim -- --seed N --print` tells one in full.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawRun } from './campaign.ts';
import seeds from './seeds.json' with { type: 'json' };
import { simulate } from './simulate.ts';

const from = Number(process.env['SIM_FROM'] ?? 1);
const count = Number(process.env['SIM_SEEDS'] ?? 30);
const range = Array.from({ length: count }, (_, at) => from + at);
const known = new Set<number>(seeds.known);

for (const seed of [...new Set([...seeds.replay, ...range])]) {
  const { run, about } = drawRun(seed);
  test(about, { skip: known.has(seed) && 'known, see seeds.json' }, async () => {
    const { violations } = await simulate(run);
    assert.deepEqual(violations, [], `npm run sim -- --seed ${seed} --print`);
  });
}
