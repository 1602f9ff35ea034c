import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  conditionMessageLength,
  findCondition,
  isTrue,
  removeCondition,
  setCondition,
  timestamp,
} from './conditions.ts';
import type { Condition } from './object.ts';

const earlier = '2026-01-01T00:00:00Z';
const later = '2026-01-01T00:05:00Z';

const ready = {
  type: 'Ready',
  status: 'False',
  reason: 'Progressing',
  message: 'step 1 of 2',
  observedGeneration: 1,
} as const;

test('the first condition makes the list', () => {
  assert.deepEqual(setCondition(undefined, ready, earlier), [
    { ...ready, lastTransitionTime: earlier },
  ]);
});

test('nothing changed: the very same list comes back, so nothing is written', () => {
  const conditions = setCondition(undefined, ready, earlier);
  assert.equal(setCondition(conditions, ready, later), conditions);
});

test('a new message keeps the transition time, a new status moves it', () => {
  const conditions = setCondition(undefined, ready, earlier);
  const message = setCondition(conditions, { ...ready, message: 'step 2 of 2' }, later);
  assert.equal(findCondition(message, 'Ready')?.lastTransitionTime, earlier);
  assert.equal(findCondition(message, 'Ready')?.message, 'step 2 of 2');
  const status = setCondition(conditions, { ...ready, status: 'True' }, later);
  assert.equal(findCondition(status, 'Ready')?.lastTransitionTime, later);
  assert.ok(isTrue(status, 'Ready'));
});

test('a new generation alone is a change', () => {
  const conditions = setCondition(undefined, ready, earlier);
  const next = setCondition(conditions, { ...ready, observedGeneration: 2 }, later);
  assert.equal(findCondition(next, 'Ready')?.observedGeneration, 2);
});

test('a list that was handed out is never changed, and others keep their place', () => {
  const frozen: readonly Condition[] = Object.freeze([
    Object.freeze({ ...ready, lastTransitionTime: earlier }),
    Object.freeze({ ...ready, type: 'Available', lastTransitionTime: earlier }),
  ]);
  const next = setCondition(frozen, { ...ready, status: 'True' }, later);
  assert.deepEqual(
    next.map(({ type, status }) => `${type}=${status}`),
    ['Ready=True', 'Available=False'],
  );
  assert.equal(frozen[0]?.status, 'False');
});

test('a condition that is present only while true goes without a trace', () => {
  const conditions = setCondition(undefined, { ...ready, type: 'Reconciling' }, earlier);
  assert.deepEqual(removeCondition(conditions, 'Reconciling'), []);
  assert.equal(removeCondition(conditions, 'Stalled'), conditions);
});

test('a message that is too long is cut to what the API server takes', () => {
  const conditions = setCondition(undefined, { ...ready, message: 'x'.repeat(40_000) }, earlier);
  assert.equal(conditions[0]?.message.length, conditionMessageLength);
});

test('times have whole seconds, as metav1.Time has', () => {
  assert.equal(timestamp(1_767_225_600_999), '2026-01-01T00:00:00Z');
});
