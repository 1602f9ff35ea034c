import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { runController } from './controller.ts';
import { DueKeys } from './due-keys.ts';
import { PRIORITY } from './work-queue.ts';

const poolOf = (key: string): string => key.split('-')[0]!;

function theKeys(maxPerGroup: number) {
  const due = new DueKeys<{ key: string; priority: number; order: number }>(() => true, {
    groupOf: poolOf,
    maxPerGroup,
  });
  let order = 0;
  return {
    due,
    add: (key: string, priority: number = PRIORITY.normal) =>
      due.add({ key, priority, order: order++ }),
    takeAll(atLeast = Number.NEGATIVE_INFINITY): string[] {
      const keys: string[] = [];
      for (let next = due.take(atLeast); next; next = due.take(atLeast)) keys.push(next.key);
      return keys;
    },
  };
}

test('pools take turns, however many keys one of them has', () => {
  const { add, takeAll } = theKeys(10);
  for (const key of ['a-1', 'a-2', 'a-3', 'b-1', 'c-1']) add(key);
  assert.deepEqual(takeAll(), ['a-1', 'b-1', 'c-1', 'a-2', 'a-3']);
});

test('a pool that has enough in work waits, and goes on as it gets done', () => {
  const { due, add, takeAll } = theKeys(2);
  for (const key of ['a-1', 'a-2', 'a-3', 'b-1']) add(key);
  assert.deepEqual(takeAll(), ['a-1', 'b-1', 'a-2']);
  due.finished('a-2');
  assert.deepEqual(takeAll(), ['a-3']);
});

test('what is urgent goes first and has room of its own', () => {
  const { add, takeAll } = theKeys(2);
  for (const key of ['a-1', 'a-2', 'a-3']) add(key);
  assert.deepEqual(takeAll(), ['a-1', 'a-2']);
  add('a-4', PRIORITY.high);
  add('b-1', PRIORITY.low);
  assert.deepEqual(takeAll(PRIORITY.high), ['a-4']);
  assert.deepEqual(takeAll(), ['b-1']);
});

test('whatever is added and finished: nobody beyond the limit, nothing lost, nothing twice', () => {
  const action = fc.record({
    pool: fc.constantFrom('a', 'b', 'c'),
    priority: fc.constantFrom(PRIORITY.low, PRIORITY.normal, PRIORITY.high),
    finish: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { due, add } = theKeys(2);
      const working: { key: string; priority: number }[] = [];
      const seen: string[] = [];
      const takeOne = (): boolean => {
        const next = due.take(Number.NEGATIVE_INFINITY);
        if (!next) return false;
        working.push(next);
        seen.push(next.key);
        const alike = working.filter(
          ({ key, priority }) =>
            poolOf(key) === poolOf(next.key) &&
            priority >= PRIORITY.high === next.priority >= PRIORITY.high,
        );
        assert.ok(alike.length <= 2);
        return true;
      };
      for (const [number, { pool, priority, finish }] of actions.entries()) {
        add(`${pool}-${number}`, priority);
        takeOne();
        if (finish) due.finished(working.shift()?.key ?? '');
      }
      do for (const { key } of working.splice(0)) due.finished(key);
      while (takeOne());
      assert.equal(new Set(seen).size, actions.length);
      assert.equal(seen.length, actions.length);
    }),
  );
});

/** A controller whose keys of pool `a` never come to an end. */
function aHangingPool(options: { workers: number; urgentWorkers: number; maxPerGroup: number }) {
  const clock = new FakeClock();
  const done: string[] = [];
  const { workers, urgentWorkers, maxPerGroup } = options;
  const controller = runController({
    name: 'members',
    runtime: createRuntime({ clock }),
    workers,
    urgentWorkers,
    fairness: { groupOf: poolOf, maxPerGroup },
    reconcile: async (key) => {
      if (poolOf(key) === 'a') await new Promise(() => {});
      done.push(key);
      return { type: 'done' };
    },
  });
  return { controller, done };
}

test('forty calls that hang for one pool delay no key of another', async () => {
  const { controller, done } = aHangingPool({ workers: 16, urgentWorkers: 4, maxPerGroup: 6 });
  for (let number = 0; number < 40; number++) {
    controller.queue.add(`a-${number}`);
    controller.queue.add(`a-claimed-${number}`, { priority: PRIORITY.high });
  }
  controller.queue.add('b-1');
  controller.queue.add('b-claimed-1', { priority: PRIORITY.high });
  await settle();
  assert.deepEqual(done.sort(), ['b-1', 'b-claimed-1']);
});

test('claims find a worker when the warm-up of every pool hangs', async () => {
  const { controller, done } = aHangingPool({ workers: 4, urgentWorkers: 1, maxPerGroup: 100 });
  for (let number = 0; number < 40; number++) controller.queue.add(`a-${number}`);
  await settle();
  controller.queue.add('b-1');
  controller.queue.add('b-claimed-1', { priority: PRIORITY.high });
  await settle();
  assert.deepEqual(done, ['b-claimed-1']);
});
