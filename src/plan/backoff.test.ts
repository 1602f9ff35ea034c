import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  backoffMilliseconds,
  MIN_POLL_MILLISECONDS,
  nextPollDelay,
  POLL_ATTACH,
  POLL_DISK,
  POLL_INSTANCE,
} from './backoff.ts';

const limits = { firstMilliseconds: 10_000, maxMilliseconds: 600_000 };

test('each failure doubles the wait up to the maximum', () => {
  const waits = [0, 1, 2, 3, 6, 7, 8, 1000].map((count) => backoffMilliseconds(count, limits));
  assert.deepEqual(waits, [0, 10_000, 20_000, 40_000, 320_000, 600_000, 600_000, 600_000]);
});

test('an attach is looked at after two seconds, then every second, then less and less', () => {
  const delays = [0, 2, 14, 20, 60, 3600].map((elapsed) =>
    nextPollDelay(POLL_ATTACH, elapsed * 1000),
  );
  assert.deepEqual(delays, [2000, 1000, 1000, 2000, 4000, 15_000]);
});

test('a faster cloud is polled faster, but never without a pause', () => {
  const schedules = [POLL_DISK, POLL_ATTACH, POLL_INSTANCE];
  fc.assert(
    fc.property(
      fc.constantFrom(...schedules),
      fc.nat(10_000_000),
      fc.integer({ min: 1, max: 10_000 }),
      (schedule, elapsed, pace) => {
        const delay = nextPollDelay(schedule, elapsed, pace);
        assert.ok(delay >= MIN_POLL_MILLISECONDS && delay <= 30_000);
        assert.ok(delay <= Math.max(MIN_POLL_MILLISECONDS, 30_000 / pace));
      },
    ),
  );
});
