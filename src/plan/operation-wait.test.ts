import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  anInstanceClaim,
  aPoolInstance,
  aPoolVolume,
  claimRefTo,
} from '../../test/builders/members.ts';
import { timeAt } from '../../test/builders/metadata.ts';
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import { isInstanceAtWork, isVolumeAtWork, scheduleOf } from './operation-wait.ts';
import type { ClaimSeen } from './pool-instance.ts';

const NOW = Date.parse(timeAt(3600));
const operation = (type: string, startedAt = timeAt(3590)) =>
  ({
    type,
    url: 'https://management.azure.com/operations/1',
    startedAt,
  }) as PoolInstanceStatus['operation'];
const deleted = { deletionTimestamp: timeAt(3595) };
const claimRef = claimRefTo(anInstanceClaim());

interface Case {
  readonly phase: string;
  readonly type?: string;
  readonly startedAt?: string;
  readonly claim?: ClaimSeen;
  readonly metadata?: object;
  readonly want: boolean;
}

const cases: Record<string, Case> = {
  'a VM that is being made': { phase: 'Creating', type: 'Create', want: true },
  'one whose record was deleted meanwhile': {
    phase: 'Creating',
    type: 'Create',
    metadata: deleted,
    want: false,
  },
  'a disk on its way to a claim': { phase: 'Claimed', type: 'Attach', claim: 'active', want: true },
  'a disk on its way to a claim that is over': {
    phase: 'Claimed',
    type: 'Attach',
    claim: 'over',
    want: false,
  },
  'a disk that is taken off after a claim': {
    phase: 'Releasing',
    type: 'Detach',
    claim: 'over',
    want: true,
  },
  'a disk attached ahead of time': { phase: 'Free', type: 'Attach', want: true },
  'one that was claimed meanwhile': { phase: 'Free', type: 'Attach', claim: 'active', want: false },
  'a VM that is being deleted': {
    phase: 'Deleting',
    type: 'Delete',
    metadata: deleted,
    want: true,
  },
  'a script, whose VM may have to be looked at': {
    phase: 'Claimed',
    type: 'RunCommand',
    claim: 'active',
    want: false,
  },
  'an operation older than anything Azure does': {
    phase: 'Creating',
    type: 'Create',
    startedAt: timeAt(2900),
    want: false,
  },
  'nothing under way': { phase: 'Creating', want: false },
};

describe('only the operation is asked', () => {
  for (const [
    name,
    { phase, type, startedAt, claim = 'none', metadata = {}, want },
  ] of Object.entries(cases))
    test(`${want ? 'for' : 'but not for'} ${name}`, () => {
      const instance = aPoolInstance({
        metadata,
        ...(claim === 'none' ? {} : { spec: { claimRef } }),
        status: {
          phase: phase as PoolInstanceStatus['phase'],
          ...(type ? { operation: operation(type, startedAt) } : {}),
        },
      });
      assert.equal(isInstanceAtWork(instance, claim, NOW), want);
    });

  test('for a disk while it is made or deleted', () => {
    const volume = (phase: string, type: string, metadata = {}) =>
      aPoolVolume({ metadata, status: { phase, operation: operation(type) } as never });
    assert.equal(isVolumeAtWork(volume('Creating', 'Create'), NOW), true);
    assert.equal(isVolumeAtWork(volume('Creating', 'Create', deleted), NOW), false);
    assert.equal(isVolumeAtWork(volume('Deleting', 'Delete', deleted), NOW), true);
  });

  test('an attach is asked sooner than a creation', () => {
    assert.ok(scheduleOf('Attach', 'instance')[0]![1] < scheduleOf('Create', 'instance')[0]![1]);
  });
});
