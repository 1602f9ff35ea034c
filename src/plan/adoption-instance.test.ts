// A machine that was found without its record while Azure was busy with it: a script hung in it. It takes no
// write before that ends, which may be hours; where it stands must be on record all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aMachine, anInstanceSnapshot } from '../../test/builders/instance-snapshot.ts';
import { anInstanceClaim, aPoolInstance, claimRefTo } from '../../test/builders/members.ts';
import { timeAt, uidOf } from '../../test/builders/metadata.ts';
import { anInstancePool } from '../../test/builders/pools.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import { memberTags } from './member.ts';
import { instanceNeedsLook, planPoolInstance } from './pool-instance.ts';

const claimRef = claimRefTo(anInstanceClaim());
const former = { name: 'vm', resourceId: '/virtualMachines/vm', uid: uidOf('former', 'vm') };

function planOf(instance: PoolInstance, provisioningState = 'Updating') {
  const tags = { ...memberTags(instance, 'test', 'free', undefined), 'poolkeeper:uid': former.uid };
  const machine = aMachine(instance, { id: former.resourceId, provisioningState, tags });
  return planPoolInstance(anInstanceSnapshot(instance, { machine }), Date.parse(timeAt(3600)));
}

test('set aside, it is at once, and not told so before it listens', () => {
  const adopt = { ...former, quarantine: 'nothing proves that it was never handed out' };
  const found = aPoolInstance({ spec: { adopt }, status: { phase: 'Pending', history: [] } });
  const { step, status } = planOf(found);
  assert.equal(step, undefined);
  assert.equal(status.phase, 'Quarantined');
  assert.equal(planOf(found, 'Succeeded').step?.type, 'tagInstance');
});

test('its claim has it back at once; its tags follow when it is done', () => {
  const spec = { adopt: former, claimRef };
  const found = aPoolInstance({ spec, status: { phase: 'Pending', history: [] } });
  const { step, status } = planOf(found);
  assert.equal(step, undefined);
  assert.equal(status.phase, 'Claimed');
  const taken = { ...found, status };
  const look = { volumes: [], claim: 'active', pool: anInstancePool() } as const;
  assert.equal(instanceNeedsLook(taken, look), true);
  const after = planOf(taken, 'Succeeded');
  assert.equal(after.step?.type, 'tagInstance');
});
