import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import { createWorkQueue, PRIORITY, type WorkQueue } from './work-queue.ts';

function aQueue() {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock, random: seededRandom(1) });
  return { clock, runtime, queue: createWorkQueue({ name: 'widgets', runtime }) };
}

/** Takes and finishes everything that can be worked on now. */
async function drain(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.length > 0) {
    const item = await queue.take();
    keys.push(item!.key);
    queue.done(item!.key);
  }
  return keys;
}

test('a key that is added several times is worked on once', async () => {
  const { queue } = aQueue();
  queue.add('a');
  queue.add('b');
  queue.add('a');
  assert.deepEqual(await drain(queue), ['a', 'b']);
});

test('a key added while being worked on comes back once, and only after that', async () => {
  const { queue } = aQueue();
  queue.add('a');
  await queue.take();
  queue.add('a');
  queue.add('a');
  let second: string | undefined;
  void queue.take().then((item) => {
    second = item?.key;
  });
  await settle();
  assert.equal(second, undefined);
  queue.done('a');
  await settle();
  assert.equal(second, 'a');
  queue.done('a');
  assert.equal(queue.length, 0);
});

test('higher priorities go first, and in order of arrival within one', async () => {
  const { queue } = aQueue();
  queue.add('first-list', { priority: PRIORITY.low });
  queue.add('one');
  queue.add('two');
  queue.add('claim', { priority: PRIORITY.high });
  assert.deepEqual(await drain(queue), ['claim', 'one', 'two', 'first-list']);
});

test('adding again with a higher priority moves a key forward, a lower one does not', async () => {
  const { queue } = aQueue();
  queue.add('a', { priority: PRIORITY.low });
  queue.add('b');
  queue.add('a', { priority: PRIORITY.high });
  queue.add('a', { priority: PRIORITY.low });
  assert.deepEqual(await drain(queue), ['a', 'b']);
});

test('a delayed key waits for its time, and the earliest of several times wins', async () => {
  const { queue, clock } = aQueue();
  queue.addAfter('a', 5000);
  queue.addAfter('a', 2000);
  queue.addAfter('a', 9000);
  await clock.advance(1999);
  assert.equal(queue.length, 0);
  await clock.advance(1);
  assert.deepEqual(await drain(queue), ['a']);
  await clock.advance(60_000);
  assert.equal(queue.length, 0);
});

test('a delay asked for while the key is worked on is kept', async () => {
  const { queue, clock } = aQueue();
  queue.add('a');
  await queue.take();
  queue.addAfter('a', 1000);
  await clock.advance(1500);
  assert.equal(queue.length, 1);
  queue.done('a');
  assert.deepEqual(await drain(queue), ['a']);
});

test('back-off doubles from 5 ms to at most five minutes, and forgetting resets it', async () => {
  const { queue, clock } = aQueue();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 20; attempt++) {
    queue.addWithBackoff('a');
    const delay = clock.nextDelay()!;
    delays.push(delay);
    await clock.advance(delay);
    await drain(queue);
  }
  assert.ok(delays[0]! >= 4.5 && delays[0]! <= 5.5, `${delays[0]}`);
  assert.ok(delays[4]! >= 72 && delays[4]! <= 88, `${delays[4]}`);
  assert.ok(delays[19]! >= 270_000 && delays[19]! <= 330_000, `${delays[19]}`);
  assert.equal(queue.retries('a'), 20);
  queue.forget('a');
  queue.addWithBackoff('a');
  assert.ok(clock.nextDelay()! <= 5.5);
});

test('back-off is never shorter than what the other side asked for', async () => {
  const { queue, clock } = aQueue();
  queue.addWithBackoff('a', { atLeastMilliseconds: 7000 });
  assert.equal(clock.nextDelay(), 7000);
});

test('shutting down hands out nothing more and waits for what is being worked on', async () => {
  const { queue, clock } = aQueue();
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 10);
  await queue.take();
  let ended = false;
  const shutDown = queue.shutDown().then(() => {
    ended = true;
  });
  assert.equal(await queue.take(), undefined);
  await clock.advance(1000);
  assert.equal(ended, false);
  queue.done('a');
  await shutDown;
  assert.equal(clock.nextDelay(), undefined);
});

test('the depth is measured by priority', async () => {
  const { queue, runtime } = aQueue();
  queue.add('a', { priority: PRIORITY.high });
  queue.add('b');
  queue.addAfter('c', 1000);
  const text = await runtime.metrics.expose();
  const depth = (priority: number): RegExp =>
    new RegExp(`workqueue_depth\\{[^}]*priority="${priority}"[^}]*\\} 1`);
  assert.match(text, depth(100));
  assert.match(text, depth(0));
  await drain(queue);
  assert.match(await runtime.metrics.expose(), /workqueue_depth\{[^}]*priority="100"[^}]*\} 0/);
});

test('whatever is added in whatever order: nothing is lost and no key runs twice at a time', async () => {
  const action = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    kind: fc.constantFrom('add', 'addAfter', 'take', 'done', 'advance', 'backoff'),
    amount: fc.nat({ max: 500 }),
    priority: fc.constantFrom(-100, 0, 100),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const { queue, clock } = aQueue();
      const working = new Set<string>();
      const owed = new Set<string>();
      for (const { key, kind, amount, priority } of actions) {
        if (kind === 'add') queue.add(key, { priority });
        if (kind === 'addAfter') queue.addAfter(key, amount, { priority });
        if (kind === 'backoff') queue.addWithBackoff(key);
        if (['add', 'addAfter', 'backoff'].includes(kind)) owed.add(key);
        if (kind === 'advance') await clock.advance(amount);
        if (kind === 'done' && working.delete(key)) queue.done(key);
        const free = [...owed].some((name) => !working.has(name));
        if (
          kind === 'take' &&
          free &&
          queue.length > [...working].filter((k) => owed.has(k)).length
        ) {
          const item = (await queue.take())!;
          assert.ok(!working.has(item.key), `${item.key} runs twice`);
          working.add(item.key);
          owed.delete(item.key);
        }
      }
      for (const key of working) queue.done(key);
      await clock.advance(10 * 60_000);
      const left = await drain(queue);
      assert.deepEqual(new Set(left), owed);
    }),
    { numRuns: 200, seed: 1 },
  );
});
