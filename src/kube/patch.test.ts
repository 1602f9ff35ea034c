import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addFinalizerPatch,
  isEqual,
  mergeDiff,
  removeFinalizerPatch,
  statusPatch,
} from './patch.ts';

/** RFC 7396, as a server does it. */
function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result: Record<string, unknown> = isObject ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = applyMergePatch(result[name], value);
  }
  return result;
}

test('equal objects need no patch, also where a field is undefined instead of absent', () => {
  const object = { phase: 'Free', zones: ['1', '2'], azure: { name: 'x' } };
  assert.equal(mergeDiff(object, structuredClone(object)), undefined);
  assert.equal(mergeDiff(object, { ...object, message: undefined }), undefined);
  assert.equal(mergeDiff(object, { ...object, message: null }), undefined);
});

test('only what differs is sent: changed, added, removed; arrays as a whole', () => {
  const from = { phase: 'Free', azure: { name: 'x', etag: '1' }, zones: ['1'], gone: 1 };
  const to = { phase: 'Free', azure: { name: 'x', etag: '2' }, zones: ['1', '2'], extra: { a: 1 } };
  assert.deepEqual(mergeDiff(from, to), {
    gone: null,
    azure: { etag: '2' },
    zones: ['1', '2'],
    extra: { a: 1 },
  });
});

test('a status is written only when it changes', () => {
  assert.equal(statusPatch({ status: { free: 1 } }, { free: 1 }), undefined);
  assert.deepEqual(statusPatch({}, { free: 1 }), { status: { free: 1 } });
});

test('an empty list that the server filled in is left alone, wherever it is', () => {
  const object = { status: { free: 1, actions: [], snapshot: { phase: 'Ready', commands: [] } } };
  assert.equal(statusPatch(object, { free: 1, snapshot: { phase: 'Ready' } }), undefined);
  assert.deepEqual(statusPatch(object, { free: 1 }), { status: { snapshot: null } });
});

test('finalizers are added and removed under the version they were read at', () => {
  const metadata = { uid: 'u', resourceVersion: '7', finalizers: ['other'] };
  const added = addFinalizerPatch({ metadata }, 'ours');
  assert.deepEqual(added, {
    metadata: { uid: 'u', resourceVersion: '7', finalizers: ['other', 'ours'] },
  });
  assert.equal(addFinalizerPatch({ metadata }, 'other'), undefined);
  assert.equal(removeFinalizerPatch({ metadata }, 'ours'), undefined);
  assert.deepEqual(removeFinalizerPatch({ metadata }, 'other'), {
    metadata: { uid: 'u', resourceVersion: '7', finalizers: [] },
  });
});

test('the patch always leads from one object to the other', () => {
  const { json } = fc.letrec((tie) => ({
    json: fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer()), tie('json')),
    ),
  }));
  fc.assert(
    fc.property(json, json, (from, to) => {
      const patch = mergeDiff(from as object, to as object);
      assert.ok(isEqual(applyMergePatch(from, patch ?? {}), to));
    }),
    { numRuns: 500, seed: 1 },
  );
});
