// What the simulation has found, each told as the story that showed it, and kept from coming back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERED, type FaultPlan } from './calls.ts';
import { type Scenario, simulate } from './simulate.ts';

const few = { minFree: 2, maxFree: 3, maxTotal: 4 };

// A pool makes nothing before the first look at Azure, and is woken at its end. Those to wake were
// counted when the look began: a pool that was applied a moment later waited for ever.
test('a pool that comes while the first look at Azure is under way is filled too', async () => {
  const late: Scenario = {
    name: 'late',
    story: 'Two pools of one file, and Azure takes its time.',
    async play(people) {
      await people.volumePool('disks', few);
      await people.wait(2);
      await people.instancePool('boxes', few);
    },
  };
  const slow: FaultPlan = {
    fateOf: ({ what }) =>
      what === 'POST graph' ? { type: 'slow', milliseconds: 10_000 } : DELIVERED,
  };
  const { violations } = await simulate({ scenario: late, seed: 1, plan: slow });
  assert.deepEqual(violations, []);
});
