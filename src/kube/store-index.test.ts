import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StoreIndex } from './store-index.ts';

interface Box {
  readonly name: string;
  readonly pool: string;
  readonly since: number;
}

const action = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  pool: fc.constantFrom('one', 'two'),
  since: fc.nat(4),
  isRemoval: fc.boolean(),
});

test('an index with an order lists what is there in that order, whatever came and went', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const index = new StoreIndex<Box>(
        ({ pool }) => [pool],
        (one, other) => one.since - other.since,
      );
      const present = new Map<string, Box>();
      for (const { isRemoval, ...box } of actions) {
        const known = present.get(box.name);
        if (known) index.remove(known.name, known);
        present.delete(box.name);
        if (isRemoval) continue;
        index.add(box.name, box);
        present.set(box.name, box);
        for (const pool of ['one', 'two']) {
          const listed = index.find(pool);
          const wanted = [...present.values()].filter((one) => one.pool === pool);
          assert.deepEqual(new Set(listed), new Set(wanted));
          assert.equal(listed.length, wanted.length);
          const times = listed.map(({ since }) => since);
          assert.deepEqual(
            times,
            times.toSorted((one, other) => one - other),
          );
        }
      }
    }),
  );
});

test('what was handed out does not change behind its reader’s back', () => {
  const index = new StoreIndex<Box>(
    () => ['all'],
    (one, other) => one.since - other.since,
  );
  index.add('b', { name: 'b', pool: '', since: 2 });
  const before = index.find('all');
  index.add('a', { name: 'a', pool: '', since: 1 });
  assert.equal(before.length, 1);
  assert.deepEqual(
    index.find('all').map(({ name }) => name),
    ['a', 'b'],
  );
});
