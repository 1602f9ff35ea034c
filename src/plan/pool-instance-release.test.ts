// A claim that came and went before anybody looked at its machine. The machine's record still said Free
// when the claim was let go of, so the next claim was bound to it at once; then the release of the first
// went on and took the machine from the second, whose user had been told that it was Ready.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { anInstanceSnapshot } from '../../test/builders/instance-snapshot.ts';
import { anInstanceClaim, aPoolInstance, claimRefTo } from '../../test/builders/members.ts';
import { timeAt } from '../../test/builders/metadata.ts';
import { anInstancePool } from '../../test/builders/pools.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import { isBindable } from './allocation.ts';
import { type PoolInstanceSnapshot, planPoolInstance } from './pool-instance.ts';

const NOW = Date.parse(timeAt(3600));
const claimRef = claimRefTo(anInstanceClaim());

function planOf(instance: PoolInstance, claim: PoolInstanceSnapshot['claim']) {
  const pool = anInstancePool({ spec: { recyclePolicy: 'Reuse' } });
  return planPoolInstance(anInstanceSnapshot(instance, { pool, claim }), NOW);
}

describe('a claim that came and went before a look at its machine', () => {
  test('is let go of only when nobody can take the machine for free any more', () => {
    const bound = aPoolInstance({ spec: { claimRef }, status: { phase: 'Free' } });
    const first = planOf(bound, 'over');
    assert.equal(first.step, undefined);
    assert.equal(first.waitMilliseconds, 0);
    const marked = { ...bound, status: first.status };
    assert.equal(first.status.phase, 'Releasing');
    assert.equal(planOf(marked, 'over').step?.type, 'clearClaim');
    const { claimRef: _, ...spec } = marked.spec;
    assert.equal(isBindable({ ...marked, spec }), false);
  });

  test('takes nothing from the claim after it, even if that got the machine in between', () => {
    const bound = aPoolInstance({ spec: { claimRef }, status: { phase: 'Releasing' } });
    const { step, status } = planOf(bound, 'active');
    assert.equal(step?.type, 'tagInstance');
    assert.equal(status.phase, 'Claimed');
  });
});
