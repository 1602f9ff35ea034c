// What both pools decide: slots, retirements, memory, deletion, and what they say of themselves.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  anInstanceClaim,
  aPoolInstance,
  aPoolVolume,
  claimRefTo,
  referenceTo,
  type VolumeOverrides,
} from '../../test/builders/members.ts';
import { createdAt, timeAt, uidOf } from '../../test/builders/metadata.ts';
import { anInstancePool, aVolumePool, goldenSnapshotId } from '../../test/builders/pools.ts';
import { findCondition } from '../api/conditions.ts';
import type { Condition } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { planInstancePool } from './instance-pool.ts';
import type { PoolStep } from './pool.ts';
import { planVolumePool } from './volume-pool.ts';

const now = createdAt + 3_600_000;
const looked = { state: 'complete', wasComplete: true, missing: [] } as const;
const claimRef = claimRefTo(anInstanceClaim());
const members = (...overrides: VolumeOverrides[]): PoolVolume[] =>
  overrides.map((one, ordinal) => aPoolVolume({ ordinal, ...one }));
const failed = (seconds: number): VolumeOverrides => ({
  status: {
    phase: 'Failed',
    lastError: { code: 'InternalError', message: 'no', time: timeAt(seconds) },
  },
});

interface Given {
  readonly pool?: VolumePool;
  readonly members?: readonly PoolVolume[];
  readonly waitingClaims?: number;
  readonly seen?: 'absent';
}

function plan({ pool = aVolumePool(), members = [], waitingClaims = 0, seen }: Given, at = now) {
  const goldenSnapshot = seen ?? 'unread';
  return planVolumePool(
    { pool, members, waitingClaims, goldenSnapshot, defaults: {}, discovery: looked },
    at,
  );
}

/** `+0 +1 -disks-3`: slots filled and members retired; other steps by their names. */
function told(steps: readonly PoolStep[]): string {
  return steps
    .map((step) => {
      if (step.type === 'createMember')
        return `+${step.ordinal}${step.zone ? `z${step.zone}` : ''}`;
      return step.type === 'retireMember' ? `-${step.name}` : step.type;
    })
    .join(' ');
}

const goes = { deletionTimestamp: timeAt(9) };

const cases: Record<string, { given: Given; want: string }> = {
  'a new pool is held before anything is made': {
    given: { pool: aVolumePool({ metadata: { finalizers: [] } }) },
    want: 'holdPool',
  },
  'an empty pool fills its first slots': { given: {}, want: '+0 +1' },
  'slots in use are passed over, also those of members on their way out': {
    given: { members: members({ ordinal: 0, metadata: goes }, { ordinal: 2 }) },
    want: '+1',
  },
  'waiting claims are served on top of minFree': {
    given: { waitingClaims: 2 },
    want: '+0 +1 +2 +3',
  },
  'zones are filled evenly': {
    given: {
      pool: aVolumePool({
        scaling: { minFree: 3, maxFree: 4 },
        spec: { azure: { zones: ['1', '2'] } },
        status: { scope: { ...aVolumePool().status!.scope!, zones: ['1', '2'] } },
      }),
      members: members({ zone: '1' }),
    },
    want: '+1z2 +2z1',
  },
  'maxTotal counts members in any state': {
    given: {
      pool: aVolumePool({ scaling: { minFree: 2, maxFree: 2, maxTotal: 3 } }),
      members: members({ status: { phase: 'Retained' } }, { spec: { claimRef } }),
    },
    want: '+2',
  },
  'a surplus goes, the longest free first': {
    given: {
      pool: aVolumePool({ scaling: { minFree: 0, maxFree: 1 } }),
      members: members(
        { status: { freeSince: timeAt(30) } },
        { status: { freeSince: timeAt(10) } },
        { status: { freeSince: timeAt(20) } },
      ),
    },
    want: '-disks-1 -disks-2',
  },
  'growth starts the cooldown too': {
    given: {
      pool: aVolumePool({
        scaling: { minFree: 0, maxFree: 0, scaleDownCooldown: '10m' },
        status: { lastScaleUpTime: timeAt(3600 - 599) },
      }),
      members: members({}),
    },
    want: '',
  },
  'a scale-down whose record was lost in a crash starts the cooldown': {
    given: {
      pool: aVolumePool({ scaling: { minFree: 0, maxFree: 0 } }),
      members: members({}, { metadata: { deletionTimestamp: timeAt(3590) } }),
    },
    want: '',
  },
  'a member on its way out of a claim is no scale-down': {
    given: {
      pool: aVolumePool({ scaling: { minFree: 0, maxFree: 0 } }),
      members: members(
        {},
        { metadata: { deletionTimestamp: timeAt(3590) }, spec: { claimRef } },
        { metadata: { deletionTimestamp: timeAt(3590) }, spec: { lastClaimRef: claimRef } },
      ),
    },
    want: '-disks-0',
  },
  'failed members are replaced after a pause': {
    given: { members: members(failed(1)) },
    want: '-disks-0',
  },
  'a paused pool makes and removes nothing': {
    given: { pool: aVolumePool({ spec: { paused: true } }), members: members(failed(1)) },
    want: '',
  },
  'without its snapshot a pool makes nothing': { given: { seen: 'absent' }, want: '' },
  'members of a former pool of that name fill their slots until they are gone': {
    given: { members: members({ spec: { poolRef: { name: 'disks', uid: uidOf('former') } } }) },
    want: '+1 +2',
  },
  'a pool that goes retires what nobody uses': {
    given: {
      pool: aVolumePool({ metadata: goes }),
      members: members({}, { spec: { claimRef } }, { status: { phase: 'Retained' } }, failed(1)),
    },
    want: '-disks-0 -disks-3',
  },
  'a pool that goes does not wait for members of a former one': {
    given: {
      pool: aVolumePool({ metadata: goes }),
      members: members({ spec: { poolRef: { name: 'disks', uid: uidOf('former') } } }),
    },
    want: 'releasePool',
  },
};

describe('a pool', () => {
  for (const [name, { given, want }] of Object.entries(cases))
    test(name, () => assert.equal(told(plan(given).steps), want));

  test('is not free of a disk that is on its way into a machine', () => {
    const instanceRef = referenceTo(aPoolInstance());
    const { status } = plan({ members: members({ spec: { instanceRef } }) });
    assert.equal(status.free, 0);
  });

  test('waits longer after each round of failures, however often it looks at one', () => {
    const pool = aVolumePool();
    const first = plan({ pool, members: members(failed(3590)) }).status.creationFailures!;
    assert.equal(first.count, 1);
    const remembers = (creationFailures = first) => aVolumePool({ status: { creationFailures } });
    const again = plan({ pool: remembers(first), members: members(failed(3590)) }, now + 5000);
    assert.deepEqual(again.status.creationFailures, first);
    assert.equal(told(again.steps), '-disks-0');
    const second = plan({ pool: remembers(first), members: members(failed(3700)) }, now + 110_000);
    const { count, nextAttemptTime } = second.status.creationFailures!;
    assert.equal(count, 2);
    assert.equal(Date.parse(nextAttemptTime), now + 130_000);
    const recovered = plan({
      pool: remembers(second.status.creationFailures!),
      members: members({ status: { createdAt: timeAt(3701) } }),
    });
    assert.equal(recovered.status.creationFailures, undefined);
  });

  test('says what it waits for while it goes', () => {
    const pool = aVolumePool({ metadata: goes });
    const { status } = plan({ pool, members: members({ spec: { claimRef } }) });
    assert.match(findCondition(status.conditions, 'Deleting')!.message, /1 members .* disks-0/);
  });

  test('names its snapshot when there is none', () => {
    const { status } = plan({ seen: 'absent' });
    const stalled = findCondition(status.conditions, 'Stalled');
    assert.equal(stalled?.reason, 'SnapshotNotFound');
    assert.ok(stalled.message.includes(goldenSnapshotId));
  });

  test('of machines retires with the very version that it decided on', () => {
    const pool = anInstancePool({ scaling: { minFree: 0, maxFree: 0 } });
    const planWith = (members: PoolInstance[]) =>
      planInstancePool(
        { pool, members, waitingClaims: 0, prewarmVolumes: [], defaults: {}, discovery: looked },
        now,
      );
    const member = aPoolInstance({
      metadata: { resourceVersion: '77' },
      spec: { templateRevision: planWith([]).status.templateRevision! },
    });
    const { steps } = planWith([member]);
    const { name, uid } = member.metadata;
    assert.deepEqual(steps, [{ type: 'retireMember', name, uid, resourceVersion: '77' }]);
  });
});

const anyMember = fc.record({
  phase: fc.constantFrom(
    'Pending' as const,
    'Creating' as const,
    'Free' as const,
    'Attaching' as const,
    'Attached' as const,
    'Retained' as const,
    'Failed' as const,
    'Quarantined' as const,
    'Deleting' as const,
  ),
  isClaimed: fc.boolean(),
  isLeaving: fc.boolean(),
  isFormer: fc.boolean(),
  freeSince: fc.nat(3600),
});

const anyPool = fc
  .record({
    minFree: fc.nat(4),
    extra: fc.nat(3),
    room: fc.nat(4),
    members: fc.array(anyMember, { maxLength: 11 }),
    waitingClaims: fc.nat(5),
    isLeaving: fc.boolean(),
    paused: fc.boolean(),
  })
  .map(({ minFree, extra, room, members: drawn, waitingClaims, isLeaving, paused }) => {
    const maxTotal = Math.max(1, minFree + extra + room);
    const pool = aVolumePool({
      scaling: { minFree, maxFree: minFree + extra, maxTotal, scaleDownCooldown: '0s' },
      metadata: isLeaving ? goes : {},
      spec: { paused },
    });
    const error = { code: 'InternalError', message: 'no', time: timeAt(1) };
    const all = drawn.slice(0, maxTotal).map((one, ordinal) =>
      aPoolVolume({
        ordinal,
        metadata: one.isLeaving ? goes : {},
        spec: {
          ...(one.isClaimed ? { claimRef } : {}),
          ...(one.isFormer ? { poolRef: { name: 'disks', uid: uidOf('former') } } : {}),
        },
        status: {
          phase: one.phase,
          freeSince: timeAt(one.freeSince),
          ...(one.phase === 'Failed' ? { lastError: error } : {}),
        },
      }),
    );
    return { pool, members: all, waitingClaims };
  });

describe('whatever a pool looks like', () => {
  test('its slots stay below maxTotal, and nothing in use is retired', () => {
    fc.assert(
      fc.property(anyPool, (given) => {
        const { steps } = plan(given);
        const taken = new Set(given.members.map(({ spec }) => spec.ordinal));
        const { maxTotal } = given.pool.spec.scaling;
        for (const step of steps) {
          if (step.type === 'createMember') {
            assert.ok(step.ordinal < maxTotal && !taken.has(step.ordinal));
            taken.add(step.ordinal);
          }
          if (step.type !== 'retireMember') continue;
          const member = given.members.find(({ metadata }) => metadata.name === step.name)!;
          assert.equal(member.spec.claimRef, undefined);
          assert.equal(member.metadata.deletionTimestamp, undefined);
          assert.equal(member.spec.poolRef.uid, given.pool.metadata.uid);
          assert.notEqual(member.status?.phase, 'Retained');
          if (!given.pool.metadata.deletionTimestamp)
            assert.ok(['Free', 'Failed'].includes(member.status!.phase));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('its counts add up, and looking again at what it wrote changes nothing', () => {
    fc.assert(
      fc.property(anyPool, (given) => {
        const first = plan(given);
        assert.equal(first.status.total, given.members.length);
        if (first.steps.length > 0) return;
        const again = plan(
          { ...given, pool: { ...given.pool, status: first.status } },
          now + 60_000,
        );
        assert.deepEqual(again.steps, []);
        assert.deepEqual(again.status, first.status);
      }),
      { numRuns: 500 },
    );
  });

  test('it is never both reconciling and stalled; times of conditions move with their status', () => {
    fc.assert(
      fc.property(anyPool, fc.constantFrom(undefined, 'absent' as const), (given, seen) => {
        const first = plan({ ...given, ...(seen ? { seen } : {}) }).status;
        const pool = { ...given.pool, status: first };
        const second = plan({ ...given, pool }, now + 60_000).status;
        for (const { conditions } of [first, second]) {
          const has = (type: string) =>
            conditions.some((one) => one.type === type && one.status === 'True');
          assert.ok(!(has('Reconciling') && has('Stalled')));
        }
        for (const condition of second.conditions) {
          const before = first.conditions.find(({ type }) => type === condition.type);
          if (before?.status === condition.status) assertSameTime(before, condition);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function assertSameTime(before: Condition, after: Condition): void {
  assert.equal(after.lastTransitionTime, before.lastTransitionTime);
}
