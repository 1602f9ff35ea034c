import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anInstanceClaim,
  aPoolInstance,
  aPoolVolume,
  claimRefTo,
} from '../../test/builders/members.ts';
import { timeAt } from '../../test/builders/metadata.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { type DiscoveryRow, type DriftInput, findDrift } from './discovery.ts';
import { memberTags, type TagStatus } from './member.ts';

const NOW = Date.parse(timeAt(3600));
const alice = anInstanceClaim({ name: 'alice' });
const instance = aPoolInstance();
const claimed = aPoolInstance({
  spec: { claimRef: claimRefTo(alice) },
  status: { phase: 'Claimed' },
});
const volume = aPoolVolume();
const attached = aPoolVolume({ status: { phase: 'Attached' } });

function rowOf(
  member: PoolInstance | PoolVolume,
  status: TagStatus,
  overrides: Partial<DiscoveryRow> = {},
): DiscoveryRow {
  const { resourceId, name } = member.status!.azure!;
  return {
    id: resourceId.toLowerCase(),
    kind: member.kind === 'PoolInstance' ? 'instance' : 'volume',
    name,
    tags: memberTags(member, 'test', status, member.spec.claimRef),
    provisioningState: 'Succeeded',
    ...overrides,
  };
}

const cases: Record<
  string,
  {
    member: PoolInstance | PoolVolume;
    row: DiscoveryRow | undefined;
    missed?: number;
    because?: RegExp;
    lag?: number;
  }
> = {
  'a free machine as it should be': { member: instance, row: rowOf(instance, 'free') },
  'a claimed machine as it should be': { member: claimed, row: rowOf(claimed, 'connected') },
  'missing once': { member: instance, row: undefined, missed: 1 },
  'missing twice': { member: instance, row: undefined, missed: 2, because: /missing from 2/ },
  'changed so lately that rows need not show it': {
    member: aPoolInstance({
      status: { history: [{ time: timeAt(3590), from: 'Creating', to: 'Free', because: '' }] },
    }),
    row: undefined,
    missed: 5,
    lag: 60_000,
  },
  'without tags': { member: instance, row: rowOf(instance, 'free', { tags: {} }), because: /tag/ },
  'with the tags of another claim': {
    member: claimed,
    row: rowOf(claimed, 'connected', { tags: memberTags(claimed, 'test', 'connected', undefined) }),
    because: /claim-uid/,
  },
  'provisioning failed': {
    member: instance,
    row: rowOf(instance, 'free', { provisioningState: 'Failed' }),
    because: /Failed/,
  },
  'a free machine switched off': {
    member: instance,
    row: rowOf(instance, 'free', { powerState: 'deallocated' }),
    because: /deallocated/,
  },
  "a claimed machine switched off is its owner's affair": {
    member: claimed,
    row: rowOf(claimed, 'connected', { powerState: 'deallocated' }),
  },
  'a free disk attached by hand': {
    member: volume,
    row: rowOf(volume, 'free', { managedBy: '/vm/theirs' }),
    because: /attached to theirs/,
  },
  'an attached disk taken off by hand': {
    member: attached,
    row: rowOf(attached, 'attached'),
    because: /attached to nothing/,
  },
  'something is under way at it': {
    member: aPoolInstance({
      status: { operation: { type: 'Attach', url: '', startedAt: timeAt(0) } },
    }),
    row: undefined,
    missed: 9,
  },
};

for (const [name, { member, row, missed = 0, because, lag = 0 }] of Object.entries(cases)) {
  test(`drift: ${name}`, () => {
    const input: DriftInput = {
      members: [member],
      row: () => row,
      missedPasses: () => missed,
      installation: 'test',
      waitsRunning: () => true,
      lagMilliseconds: lag,
    };
    const [doubt] = findDrift(input, NOW);
    if (because) assert.match(doubt?.because ?? 'no doubt', because);
    else assert.equal(doubt, undefined);
  });
}
