// What counts as an eviction, and what the pool remembers of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anInstanceClaim, aPoolInstance, claimRefTo } from '../../test/builders/members.ts';
import { createdAt, timeAt } from '../../test/builders/metadata.ts';
import { anInstancePool } from '../../test/builders/pools.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import { chooseSize, rememberRefusals, supplyOf } from './capacity.ts';
import { instanceNeedsLook, type MachineSeen } from './pool-instance.ts';
import { disappearance, evictionOf, nextLookMilliseconds } from './spot.ts';

const spot = { spec: { priority: 'Spot' as const } };
const machine: MachineSeen = {
  id: '/vm',
  name: 'vm',
  provisioningState: 'Succeeded',
  tags: {},
  vmId: 'one',
  etag: '1',
  vmSize: 'Standard_D2s_v5',
  powerState: 'deallocated',
  hibernated: false,
  dataDisks: [],
  networkInterfaceIds: [],
};

test('only a spot machine is evicted; any other was deleted by somebody', () => {
  assert.equal(disappearance(aPoolInstance(spot)).code, 'Evicted');
  assert.equal(disappearance(aPoolInstance()).code, 'ResourceDisappeared');
  assert.equal(evictionOf(aPoolInstance(), machine), undefined);
});

test('off is evicted only where it ran before: one that waits deallocated is as it should be', () => {
  assert.equal(evictionOf(aPoolInstance(spot), machine)?.code, 'Evicted');
  const azure = { name: 'vm', resourceId: '/vm', powerState: 'deallocated' };
  const waiting = aPoolInstance({ ...spot, status: { azure } });
  assert.equal(evictionOf(waiting, machine), undefined);
  const lastError = { code: 'Evicted', message: 'taken', time: timeAt(1) };
  const known = aPoolInstance({ ...spot, status: { azure, lastError, attempts: 1 } });
  assert.equal(evictionOf(known, machine)?.code, 'Evicted');
  assert.equal(evictionOf(aPoolInstance(spot), { ...machine, powerState: 'running' }), undefined);
});

test('the next size is preferred for a while, but where there is none the same one is made again', () => {
  const lastError = { code: 'Evicted', message: 'taken', time: timeAt(0) };
  const evicted = aPoolInstance({ ...spot, zone: '1', status: { phase: 'Failed', lastError } });
  const remembered = rememberRefusals([], [evicted], createdAt);
  assert.deepEqual(
    remembered.map(({ vmSize, zone, until }) => [vmSize, zone, until]),
    [['Standard_D2s_v5', '1', timeAt(600)]],
  );
  const both = ['Standard_D2s_v5', 'Standard_D2as_v5'];
  assert.equal(chooseSize(both, '1', remembered), 'Standard_D2as_v5');
  assert.equal(chooseSize(both, '2', remembered), 'Standard_D2s_v5');
  assert.equal(chooseSize(both.slice(0, 1), '1', remembered), 'Standard_D2s_v5');
  assert.deepEqual(supplyOf(both.slice(0, 1), ['1'], remembered), {
    zones: ['1'],
    notBefore: undefined,
  });
  assert.deepEqual(rememberRefusals(remembered, [], createdAt + 601_000), []);
});

test('a machine in use is looked at again and again, one that nobody has is not', () => {
  const claimRef = claimRefTo(anInstanceClaim());
  const used = aPoolInstance({ spec: { ...spot.spec, claimRef }, status: { phase: 'Claimed' } });
  const look = { volumes: [], claim: 'active', pool: anInstancePool() } as const;
  assert.equal(instanceNeedsLook(used, look), true);
  assert.equal(instanceNeedsLook(aPoolInstance(spot), { ...look, claim: 'none' }), false);
  const regular = aPoolInstance({ spec: { claimRef }, status: { phase: 'Claimed' } });
  assert.equal(instanceNeedsLook(regular, look), false);
});

test('the more are in use, the seldomer each is looked at: a thousand reads a minute for a pool', () => {
  const pool = (claimed: number) => ({ ...anInstancePool(), status: { claimed } }) as InstancePool;
  assert.equal(nextLookMilliseconds(pool(3), 1), 30_000);
  assert.equal(nextLookMilliseconds(pool(2000), 1), 120_000);
  assert.equal(nextLookMilliseconds(undefined, 10), 3_000);
});
