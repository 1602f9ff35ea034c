// Two operators made the same machine for a moment. One saw it through to Free and bound it to a claim;
// the other, which had lost its lease, wrote only then that it had asked for the machine. Taken at that
// word, the machine of a pool of deallocated ones was to be stopped under its user.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anInstanceSnapshot } from '../../test/builders/instance-snapshot.ts';
import { anInstanceClaim, aPoolInstance, claimRefTo } from '../../test/builders/members.ts';
import { timeAt } from '../../test/builders/metadata.ts';
import { anInstancePool } from '../../test/builders/pools.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import { planPoolInstance } from './pool-instance.ts';

function planOf(instance: PoolInstance) {
  const pool = anInstancePool({ spec: { warmState: 'Deallocated' } });
  return planPoolInstance(anInstanceSnapshot(instance, { pool }), Date.parse(timeAt(3600)));
}

test('a machine that a claim has is not stopped, however late its creation is told of', () => {
  const claimRef = claimRefTo(anInstanceClaim());
  const late = aPoolInstance({ spec: { claimRef }, status: { phase: 'Creating' } });
  const { step, status } = planOf(late);
  assert.equal(step, undefined);
  assert.equal(status.phase, 'Free');
});

test('one that nobody has is stopped before it counts as free', () => {
  const made = aPoolInstance({ status: { phase: 'Creating' } });
  const { step, status } = planOf(made);
  assert.equal(step?.type, 'power');
  assert.equal(status.phase, 'Creating');
});
