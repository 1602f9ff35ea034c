// What a node lacks is said together with how to get it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMissing, isShared, missingForArray, prerequisites } from './preflight.ts';

const all = new Map(prerequisites.map(({ name }) => [name, true]));

test('a node that lacks nothing says nothing', () => {
  assert.equal(describeMissing(all), undefined);
});

test('each thing is named with its package and with what needs it', () => {
  const found = new Map([...all, ['mdadm', false], ['kernel module raid1', false]]);
  const words = describeMissing(found) ?? '';
  assert.match(words, /mdadm \(package mdadm\), needed for mdadm/);
  assert.match(words, /kernel module raid1 \(package linux-modules\), needed for mdadm level 1/);
  assert.deepEqual(missingForArray(found, 1, 'ext4'), [
    'mdadm (package mdadm)',
    'kernel module raid1 (package linux-modules)',
  ]);
  assert.deepEqual(missingForArray(found, 5, 'ext4'), ['mdadm (package mdadm)']);
});

test('without the programs that look at disks nothing is made of disks', () => {
  const found = new Map([...all, ['wipefs', false]]);
  assert.deepEqual(missingForArray(found, 1, 'xfs'), ['wipefs (package util-linux)']);
});

const root = '/var/lib/poolkeeper';
const line = (target: string, shared: string): string =>
  `21 1 8:1 / ${target} rw,relatime${shared} - ext4 /dev/sda1 rw`;

const propagations: Readonly<Record<string, { given: string[]; want: boolean }>> = {
  'the root is shared': { given: [line('/', ' shared:1')], want: true },
  'the root is private': { given: [line('/', '')], want: false },
  'a filesystem of its own is shared': {
    given: [line('/', ''), line('/var/lib', ' shared:5')],
    want: true,
  },
  'a filesystem of its own is private': {
    given: [line('/', ' shared:1'), line('/var', '')],
    want: false,
  },
  'another directory does not count': {
    given: [line('/', ' shared:1'), line('/var/lib/pool', '')],
    want: true,
  },
  'a slave that is also shared passes on': {
    given: [line('/', ' shared:4 master:1')],
    want: true,
  },
};

for (const [sentence, { given, want }] of Object.entries(propagations))
  test(`propagation: ${sentence}`, () => assert.equal(isShared(given.join('\n'), root), want));
