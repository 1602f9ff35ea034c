// One number decides a run: without that no finding could be looked at twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawRun } from './campaign.ts';
import { simulate } from './simulate.ts';

test('the same seed gives the same run, call by call', async () => {
  const runs = [await simulate(drawRun(7).run), await simulate(drawRun(7).run)];
  assert.ok(runs[0]!.calls.length > 100);
  assert.equal(runs[0]!.fingerprint, runs[1]!.fingerprint);
});

test('another seed gives another run', async () => {
  const [one, other] = [await simulate(drawRun(7).run), await simulate(drawRun(8).run)];
  assert.notEqual(one.fingerprint, other.fingerprint);
});
