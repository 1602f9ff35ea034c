import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesSince } from './kernel-log.ts';

test('only what is new counts, once and without its time', () => {
  const before = ['[  1.0] libceph: mon0 session established'];
  const now = [
    ...before,
    '[  2.0] libceph: authentication failed: -13',
    '[  3.0] libceph: authentication failed: -13',
    '[  3.1] ceph: No mds server is up or the cluster is laggy',
  ];
  assert.deepEqual(linesSince(before, now), [
    'libceph: authentication failed: -13',
    'ceph: No mds server is up or the cluster is laggy',
  ]);
  assert.deepEqual(linesSince(now, now), []);
});
