// Arrays on a node whose agents, tools, power and operators fail; more with SIM_SEEDS, elsewhere with
// SIM_FROM. `npm run sim -- --storage --seed N --print` shows one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulateStorage } from './storage.ts';

const from = Number(process.env['SIM_FROM'] ?? 1);
const count = Math.min(Number(process.env['SIM_SEEDS'] ?? 5), 1000);

for (let seed = from; seed < from + count; seed++) {
  test(`storage under fire, seed ${seed}`, async () => {
    const { violations } = await simulateStorage(seed);
    assert.deepEqual(violations, [], `npm run sim -- --storage --seed ${seed} --print`);
  });
}

test('the same seed gives the same run', async () => {
  const [one, other] = [await simulateStorage(3), await simulateStorage(3)];
  assert.equal(one.fingerprint, other.fingerprint);
});
