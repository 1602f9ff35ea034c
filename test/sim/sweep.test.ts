// A sample of the sweep for every change; all of it with `npm run sim -- --sweep`. Each story gets its
// own part of the sample, so that together they cover every kind of call in every way it can fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blindnessesOf, playBlind, sampledBlindnesses } from './histories.ts';
import { scenarios } from './scenarios.ts';
import { simulate } from './simulate.ts';
import { probe, probesOf, sampled } from './sweep.ts';

const seed = 1;
/** One in so many of what is left once calls that look alike are taken out. */
const SHARE = Number(process.env['SIM_SHARE'] ?? 12);

for (const [turn, scenario] of scenarios.entries()) {
  test(`${scenario.name}: ${scenario.story}`, async (context) => {
    const reference = await simulate({ scenario, seed });
    assert.deepEqual(reference.violations, []);
    const isOurs = (_: unknown, at: number): boolean => at % SHARE === turn % SHARE;
    const found: unknown[] = [];
    const probes = sampled(probesOf(reference), 1).filter(isOurs);
    for (const one of probes) found.push(await probe(scenario, seed, one));
    const blind = sampledBlindnesses(blindnessesOf(reference), 1).filter(isOurs);
    for (const one of blind) found.push(await playBlind(scenario, seed, one));
    context.diagnostic(`${probes.length} faults, ${blind.length} histories`);
    assert.deepEqual(
      found.filter((finding) => finding !== undefined),
      [],
    );
  });
}
