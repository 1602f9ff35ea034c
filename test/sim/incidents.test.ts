// What the simulation has found, each told as the story that showed it, and kept from coming back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERED, type FaultPlan } from './calls.ts';
import { type Scenario, simulate } from './simulate.ts';
import type { World } from './world.ts';

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

// A machine that was claimed and released before its record said more than Free let go of its claim
// first and told of it afterwards: another claim took it in between, and lost it to the late word.
test('a machine that is let go of is nobody else’s before its record says that it is free', async () => {
  const hasty: Scenario = {
    name: 'hasty',
    story: 'One machine for two claims; the first changes its mind at once.',
    async play(people) {
      const scaling = { minFree: 1, maxFree: 1, maxTotal: 1 };
      await people.instancePool('boxes', scaling, { recyclePolicy: 'Reuse' });
      await people.untilFree('boxes', 1);
      await people.claim('one');
      await people.claim('two');
      await people.release('one');
      await people.untilReady('two');
    },
  };
  const lateWord: FaultPlan = {
    fateOf: ({ what, body }) =>
      what === 'PATCH poolinstances/boxes-0/status' && body.includes('is over')
        ? { type: 'slow', milliseconds: 5_000 }
        : DELIVERED,
  };
  const { violations } = await simulate({ scenario: hasty, seed: 1, plan: lateWord });
  assert.deepEqual(violations, []);
});

// Nothing woke a pool of machines when the disk came that its free machines were waiting for: they
// stayed bare until something else happened, and claims paid for it with an attach.
test('free machines get their disks ahead of time also when the disks come last', async () => {
  const lateDisks: Scenario = {
    name: 'late-disks',
    story: 'Machines are free before there are any disks.',
    async play(people) {
      const prewarm = { volumePoolRef: { name: 'disks' }, count: 2 };
      await people.instancePool('boxes', few, { prewarm });
      await people.untilFree('boxes', 2);
      await people.wait(60);
      await people.volumePool('disks', few);
    },
  };
  const { violations } = await simulate({ scenario: lateDisks, seed: 1 });
  assert.deepEqual(violations, []);
});

// An operator that had been stopped saw a machine running that was to wait switched off, and switched it
// off. Meanwhile another had done so, the machine was free, a claim had it, and it ran for its user.
test('an operator that wakes up late does not switch off what a claim has by now', async () => {
  const asleep: Scenario = {
    name: 'asleep',
    story: 'Two operators make one machine; one of them sleeps over its first claim.',
    async play(people) {
      const scaling = { minFree: 1, maxFree: 1, maxTotal: 1 };
      await people.instancePool('boxes', scaling, { warmState: 'Deallocated' });
      await people.untilFree('boxes', 1);
      await people.claim('one');
      await people.untilReady('one');
      await people.wait(120);
    },
  };
  const sleep = ({ loop, operators, network }: World): void => {
    loop.after(15_000, () => {
      operators[0]!.stoppedUntil = loop.elapsed + 120_000;
      network.hold(operators[0]!, 'poolinstances', 180_000);
      network.hold(operators[0]!, 'instanceclaims', 180_000);
    });
  };
  const run = { scenario: asleep, seed: 1, operators: 2, elects: false, disturb: sleep };
  const { violations } = await simulate(run);
  assert.deepEqual(violations, []);
});

// A detach that failed left the disk marked as leaving, and still there. Taken for gone, it was let go of
// and its machine retired, which then could not be deleted for the disk on it: both waited for ever.
test('a disk whose detach failed is taken off in the end', async () => {
  const failing: Scenario = {
    name: 'failing',
    story: 'Azure accepts the release of a disk, and fails at it.',
    async play(people) {
      await people.volumePool('disks', few);
      await people.instancePool('boxes', few);
      await people.claimWithDisk('one');
      await people.untilReady('one');
      people.world.azure.faults.add({
        match: { operation: 'virtualMachines.update' },
        effect: { type: 'failOperation', code: 'AttachDiskWhileBeingDetached' },
        times: 1,
      });
      await people.release('one');
      await people.untilGone('one');
    },
  };
  const { violations } = await simulate({ scenario: failing, seed: 1 });
  assert.deepEqual(violations, []);
});
