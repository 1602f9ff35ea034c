import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolkeeperError } from '../runtime/errors.ts';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import { type ControllerOptions, type Result, runController } from './controller.ts';
import { ApiError } from './errors.ts';

/** A controller whose reconciles answer with the given results, one after the other, then done. */
function aController(results: (Result | Error)[], options: Partial<ControllerOptions> = {}) {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock, random: seededRandom(1) });
  const runs: { key: string; at: number }[] = [];
  const controller = runController({
    name: 'widgets',
    runtime,
    reconcile: async (key) => {
      runs.push({ key, at: clock.monotonic() });
      const result = results.shift() ?? { type: 'done' };
      if (result instanceof Error) throw result;
      return result;
    },
    ...options,
  });
  return { clock, runtime, controller, runs };
}

test('done means nothing happens until something changes', async () => {
  const { controller, clock, runs } = aController([]);
  controller.queue.add('shop/a');
  await clock.advance(24 * 3_600_000);
  assert.equal(runs.length, 1);
});

test('wait looks again after a while, or at a wall-clock time', async () => {
  const { controller, clock, runs } = aController([
    { type: 'wait', afterMilliseconds: 5000, why: 'the disk is being made' },
    { type: 'wait', untilMilliseconds: Date.UTC(2026, 0, 1) + 60_000, why: 'the cooldown' },
  ]);
  controller.queue.add('shop/a');
  await clock.advance(3_600_000);
  assert.deepEqual(
    runs.map((run) => run.at),
    [0, 5000, 60_000],
  );
});

test('a thrown error is retried with growing delays', async () => {
  const { controller, clock, runs } = aController([new Error('1'), new Error('2'), new Error('3')]);
  controller.queue.add('shop/a');
  await clock.advance(1000);
  assert.equal(runs.length, 4);
  assert.equal(controller.queue.retries('shop/a'), 0);
});

test('a retry honours the time the other side asked for', async () => {
  const error = new PoolkeeperError('Throttled', 'slow down', { retryAfterMilliseconds: 30_000 });
  const { controller, clock, runs } = aController([{ type: 'retry', error }]);
  controller.queue.add('shop/a');
  await clock.advance(29_999);
  assert.equal(runs.length, 1);
  await clock.advance(1);
  assert.equal(runs.length, 2);
});

test('a lost race is retried at once', async () => {
  const conflict = new ApiError({ status: 409, call: 'PATCH /x' });
  const { controller, clock, runs } = aController([conflict]);
  controller.queue.add('shop/a');
  await clock.advance(10);
  assert.equal(runs.length, 2);
});

test('what failed for good is looked at again after ten minutes', async () => {
  const { controller, clock, runs } = aController([
    { type: 'failed', reason: 'ScopeMismatch', message: 'the pool names another subscription' },
  ]);
  controller.queue.add('shop/a');
  await clock.advance(599_999);
  assert.equal(runs.length, 1);
  await clock.advance(1);
  assert.equal(runs.length, 2);
});

test('a key whose cache is older than our own write is put off', async () => {
  let fresh = false;
  const { controller, clock, runs } = aController([], { ready: () => fresh });
  controller.queue.add('shop/a');
  await clock.advance(100);
  assert.equal(runs.length, 0);
  fresh = true;
  await clock.advance(1000);
  assert.equal(runs.length, 1);
});

test('keys wait until the controller may start', async () => {
  const start = Promise.withResolvers<void>();
  const { controller, runs } = aController([], { startWhen: start.promise });
  controller.queue.add('shop/a');
  await settle();
  assert.equal(runs.length, 0);
  start.resolve();
  await settle();
  assert.equal(runs.length, 1);
});

test('several workers run different keys side by side, never one key twice', async () => {
  const running = new Map<string, number>();
  let most = 0;
  const { controller, clock } = aController([], {
    workers: 3,
    reconcile: async (key) => {
      running.set(key, (running.get(key) ?? 0) + 1);
      most = Math.max(most, running.size);
      assert.equal(running.get(key), 1);
      controller.queue.add('shop/a');
      await settle(2);
      running.delete(key);
      return { type: 'done' };
    },
  });
  for (const key of ['shop/a', 'shop/b', 'shop/c', 'shop/d']) controller.queue.add(key);
  await clock.advance(1000);
  assert.equal(most, 3);
  await controller.stop();
});

test('stopping aborts running reconciles and waits for them', async () => {
  let aborted = false;
  const { controller } = aController([], {
    reconcile: (_key, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason);
        });
      }),
  });
  controller.queue.add('shop/a');
  await settle();
  await controller.stop();
  assert.equal(aborted, true);
});

test('results show in the metrics under controller-runtime names', async () => {
  const { controller, clock, runtime } = aController([
    new Error('no'),
    { type: 'wait', afterMilliseconds: 1, why: 'so' },
  ]);
  controller.queue.add('shop/a');
  await clock.advance(1000);
  const text = await runtime.metrics.expose();
  const total = (result: string): RegExp =>
    new RegExp(`controller_runtime_reconcile_total\\{controller="widgets",result="${result}"\\} 1`);
  for (const result of ['error', 'requeue_after', 'success']) assert.match(text, total(result));
});
