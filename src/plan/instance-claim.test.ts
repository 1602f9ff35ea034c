// What a claim says at each stage of its life, and when it may go.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  anInstanceClaim,
  aPoolInstance,
  aPoolVolume,
  claimRefTo,
  held,
  referenceTo,
} from '../../test/builders/members.ts';
import { createdAt, timeAt, uidOf } from '../../test/builders/metadata.ts';
import { anInstancePool } from '../../test/builders/pools.ts';
import { findCondition } from '../api/conditions.ts';
import type { InstanceClaim, InstanceClaimStatus } from '../api/instance-claim.ts';
import type { PoolInstance, PoolInstanceStatus } from '../api/pool-instance.ts';
import { holdingsOf, isSurplusInstance } from './claim-holdings.ts';
import {
  type InstanceClaimSnapshot,
  isOver,
  isWaiting,
  planInstanceClaim,
} from './instance-claim.ts';

const now = createdAt + 60_000;
const withDisk = { volumePool: 'disks' };
const claimRef = claimRefTo(anInstanceClaim());
const disk = aPoolVolume({
  spec: { claimRef, instanceRef: referenceTo(aPoolInstance()) },
  status: { phase: 'Attaching' },
});
const attached = [{ ...referenceTo(disk), resourceId: disk.status!.azure!.resourceId, lun: 2 }];

function claimed(status: Partial<PoolInstanceStatus> = {}): PoolInstance {
  return aPoolInstance({ spec: { claimRef }, status: { phase: 'Claimed', ...status } });
}

function plan(overrides: Partial<InstanceClaimSnapshot>, at = now) {
  return planInstanceClaim(
    {
      claim: anInstanceClaim(),
      pool: anInstancePool(),
      instance: undefined,
      volume: undefined,
      waitsFor: { reason: 'PoolExhausted', message: '2 of 2 instances of boxes are claimed' },
      firstSeenAt: createdAt,
      port: 'unread',
      ...overrides,
    },
    at,
  );
}

const bound = { boundAt: timeAt(0), instance: referenceTo(aPoolInstance()) };
const lost = { code: 'ResourceDisappeared', message: 'the VM was deleted', time: timeAt(1) };

interface Case {
  readonly given: Partial<InstanceClaimSnapshot>;
  readonly phase: InstanceClaimStatus['phase'];
  readonly reason: string;
  readonly step?: 'holdClaim' | 'letClaimGo';
  readonly message?: RegExp;
}

const cases: Record<string, Case> = {
  'it waits and says why': {
    given: {},
    phase: 'Pending',
    reason: 'PoolExhausted',
    message: /^2 of 2 instances of boxes are claimed$/,
  },
  'a machine without a disk is ready at once': {
    given: { instance: claimed() },
    phase: 'Ready',
    reason: 'AsExpected',
    step: 'holdClaim',
    message: /boxes-0 is yours at 10\.0\.0\.4/,
  },
  'a disk that is on its way is waited for': {
    given: { claim: anInstanceClaim(withDisk), instance: claimed(), volume: disk },
    phase: 'Bound',
    reason: 'AttachingVolume',
    step: 'holdClaim',
  },
  'an attach that keeps failing is told, with the words of Azure': {
    given: {
      claim: anInstanceClaim(withDisk),
      instance: claimed({
        attempts: 3,
        lastError: { code: 'TooManyDisks', message: 'only four fit', time: timeAt(1) },
      }),
      volume: disk,
    },
    phase: 'Bound',
    reason: 'AttachFailed',
    step: 'holdClaim',
    message: /attempt 3 .*disks-0.*TooManyDisks: only four fit/,
  },
  'an attached disk makes it ready': {
    given: {
      claim: anInstanceClaim(withDisk),
      instance: claimed({ volumes: attached }),
      volume: disk,
    },
    phase: 'Ready',
    reason: 'AsExpected',
    step: 'holdClaim',
  },
  'a named disk that was destroyed before it could be bound is told, also while another is taken off':
    {
      given: {
        claim: anInstanceClaim({
          spec: { volume: { type: 'Existing', existing: referenceTo(disk) } },
        }),
        instance: claimed({ volumes: attached }),
        waitsFor: { reason: 'VolumeNotFound', message: 'no volume disks-0' },
      },
      phase: 'Bound',
      reason: 'VolumeNotFound',
      step: 'holdClaim',
      message: /^no volume disks-0; delete the claim and claim again$/,
    },
  'a machine whose disk is still to come says what keeps it': {
    given: {
      claim: anInstanceClaim(withDisk),
      instance: claimed(),
      waitsFor: { reason: 'PoolNotFound', message: 'no VolumePool disks' },
    },
    phase: 'Bound',
    reason: 'PoolNotFound',
    step: 'holdClaim',
    message: /the instance is bound; its volume is not yet: no VolumePool disks/,
  },
  'another disk on the machine must go first': {
    given: { instance: claimed({ volumes: attached }) },
    phase: 'Bound',
    reason: 'AttachingVolume',
    step: 'holdClaim',
    message: /detaching disks-0/,
  },
  'a machine that vanished is told': {
    given: { instance: claimed({ lastError: lost, attempts: 1 }) },
    phase: 'Bound',
    reason: 'InstanceLost',
    step: 'holdClaim',
  },
  'a loss that is over is forgotten': {
    given: { instance: claimed({ lastError: lost, attempts: 0 }) },
    phase: 'Ready',
    reason: 'AsExpected',
    step: 'holdClaim',
  },
  'a record that vanished is told, not replaced': {
    given: { claim: anInstanceClaim({ status: bound }) },
    phase: 'Failed',
    reason: 'InstanceLost',
  },
  'a deleted claim holds on to what it owns': {
    given: {
      claim: anInstanceClaim({ metadata: { deletionTimestamp: timeAt(2), ...held } }),
      instance: claimed(),
    },
    phase: 'Releasing',
    reason: 'Releasing',
    message: /releasing boxes-0/,
  },
  'and goes once nothing is left of it': {
    given: {
      claim: anInstanceClaim({
        metadata: { deletionTimestamp: timeAt(2), ...held },
        status: { phase: 'Releasing' },
      }),
    },
    phase: 'Releasing',
    reason: '',
    step: 'letClaimGo',
  },
  'its time is over to the second': {
    given: { claim: anInstanceClaim({ spec: { ttl: '1m' }, status: bound }), instance: claimed() },
    phase: 'Releasing',
    reason: 'Expired',
  },
  'after its time it stays, saying so, and keeps nothing': {
    given: {
      claim: anInstanceClaim({
        metadata: held,
        spec: { ttl: '1m' },
        status: { ...bound, phase: 'Releasing' },
      }),
    },
    phase: 'Failed',
    reason: 'Expired',
    step: 'letClaimGo',
  },
};

describe('a claim', () => {
  for (const [name, { given, phase, reason, step, message }] of Object.entries(cases)) {
    test(name, () => {
      const { status, step: taken } = plan(given);
      const ready = findCondition(status.conditions, 'Ready');
      assert.deepEqual([status.phase, ready?.reason ?? '', taken?.type], [phase, reason, step]);
      assert.equal(ready?.status === 'True', phase === 'Ready');
      if (message) assert.match(ready?.message ?? '', message);
    });
  }

  test('is told where its disk is in the guest', () => {
    const claim = anInstanceClaim(withDisk);
    const { status } = plan({ claim, instance: claimed({ volumes: attached }), volume: disk });
    assert.deepEqual(status.volume, {
      ...referenceTo(disk),
      resourceId: disk.status?.azure?.resourceId,
      lun: 2,
      devicePath: '/dev/disk/azure/scsi1/lun2',
    });
  });

  test('whose time is over says no more how to get to what another may have by now', () => {
    const served = plan({
      claim: anInstanceClaim({ ...withDisk, spec: { ttl: '1m' } }),
      instance: claimed({ volumes: attached }),
      volume: disk,
    }).status;
    assert.ok(served.volume?.devicePath && served.instance?.uid);
    const claim = anInstanceClaim({ ...withDisk, spec: { ttl: '1m' }, status: served });
    const { status } = plan({ claim }, now + 61_000);
    assert.equal(status.phase, 'Failed');
    assert.deepEqual(status.volume, {
      ...referenceTo(disk),
      resourceId: served.volume.resourceId,
    });
    assert.equal(status.instance?.uid, served.instance.uid);
    assert.equal(status.instance && 'address' in status.instance, false);
    assert.equal(findCondition(status.conditions, 'VolumeAttached')?.status, 'False');
  });

  test('says what its release waits for', () => {
    const claim = anInstanceClaim({
      metadata: { deletionTimestamp: timeAt(2), ...held },
      status: bound,
    });
    const lastError = { code: 'DetachFailed', message: 'the disk is busy', time: timeAt(3) };
    const failing = claimed({ phase: 'Releasing', attempts: 3, lastError });
    const message = (instance: PoolInstance): string | undefined =>
      findCondition(plan({ claim, instance }).status.conditions, 'Ready')?.message;
    assert.match(message(failing) ?? '', /attempt 3 failed, trying again: DetachFailed/);
    const azure = { ...aPoolInstance().status!.azure!, provisioningState: 'Updating' };
    assert.match(message(claimed({ phase: 'Releasing', azure })) ?? '', /still busy/);
  });

  test('is looked at again when its time ends, counted from its binding', () => {
    const claim = anInstanceClaim({ spec: { ttl: '10m' } });
    const { status, waitMilliseconds } = plan({ claim, instance: claimed() });
    assert.equal(status.expiresAt, timeAt(660));
    assert.equal(waitMilliseconds, 600_000);
    const later = plan({ claim: { ...claim, status }, instance: claimed() }, now + 599_000);
    assert.equal(later.waitMilliseconds, 1000);
  });

  test('keeps its latencies and times, however often it is looked at', () => {
    const first = plan({ instance: claimed() }).status;
    assert.equal(first.bindLatencyMilliseconds, 60_000);
    const claim = anInstanceClaim({ metadata: held, status: first });
    const again = plan({ claim, instance: claimed() }, now + 99_000);
    assert.deepEqual(again.status, first);
    assert.equal(again.step, undefined);
  });

  test('that was told of its machine or its disk never waits for another', () => {
    const told = anInstanceClaim({ ...withDisk, status: { ...bound, volume: referenceTo(disk) } });
    assert.equal(isWaiting(told, undefined, undefined), false);
    assert.equal(isWaiting(told, claimed(), undefined), false);
    assert.equal(isWaiting(anInstanceClaim(withDisk), claimed(), undefined), true);
    assert.equal(isWaiting(anInstanceClaim(), undefined, undefined), true);
    const spent = plan({ claim: anInstanceClaim({ spec: { ttl: '1s' }, status: bound }) }).status;
    assert.equal(isWaiting(anInstanceClaim({ status: spent }), undefined, undefined), false);
  });
});

describe('what two operators gave to one claim', () => {
  const [first, second] = [0, 1].map((ordinal) => aPoolInstance({ ordinal, spec: { claimRef } }));
  const on = (ordinal: number, holder = first!) =>
    aPoolVolume({ ordinal, spec: { claimRef, instanceRef: referenceTo(holder) } });
  const told = (volume: { name: string; uid: string }): InstanceClaim =>
    anInstanceClaim({ status: { ...bound, instance: referenceTo(second!), volume } });

  test('is the same for everybody who looks, until the claim was told', () => {
    const volumes = [on(1), on(0)];
    const either = [volumes, volumes.toReversed()].map((listed) =>
      holdingsOf(anInstanceClaim(), [second!, first!], listed),
    );
    assert.deepEqual(either[0], either[1]);
    assert.equal(either[0]?.instance?.metadata.name, 'boxes-0');
    assert.deepEqual(either[0]?.surplus, []);
  });

  test('is what it was told of; the rest is surplus', () => {
    const volumes = [on(0, second), on(1, second), on(2, first)];
    const claim = told(referenceTo(volumes[1]!));
    const { instance, volume, surplus } = holdingsOf(claim, [first!, second!], volumes);
    assert.equal(instance?.metadata.name, 'boxes-1');
    assert.equal(volume?.metadata.name, 'disks-1');
    assert.deepEqual(
      surplus.map(({ metadata }) => metadata.name),
      ['disks-0'],
    );
    assert.equal(isSurplusInstance(first!, claim, [first!, second!]), true);
    assert.equal(isSurplusInstance(second!, claim, [first!, second!]), false);
  });

  test('is never replaced by another while its record is not known, as after a change of leader', () => {
    const claim = told({ name: 'disks-1', uid: uidOf('disks-1') });
    const { instance, volume } = holdingsOf(claim, [first!], [on(0, first)]);
    assert.equal(instance, undefined);
    assert.equal(volume, undefined);
    assert.equal(isWaiting(claim, instance, volume), false);
  });

  test('is no surplus when what the claim was told of is not there any more', () => {
    const claim = told({ name: 'gone', uid: uidOf('gone') });
    assert.equal(isSurplusInstance(first!, claim, [first!]), false);
    assert.deepEqual(holdingsOf(claim, [first!], [on(0), on(1)]).surplus, []);
  });
});

const anySnapshot = fc
  .record({
    wantsDisk: fc.boolean(),
    hasInstance: fc.boolean(),
    hasVolume: fc.boolean(),
    isAttached: fc.boolean(),
    isTold: fc.boolean(),
    isDeleted: fc.boolean(),
    isHeld: fc.boolean(),
    ttl: fc.constantFrom(undefined, '30s', '10m'),
    phase: fc.constantFrom(undefined, 'Pending' as const, 'Bound' as const, 'Ready' as const),
    error: fc.constantFrom(undefined, 'ResourceDisappeared', 'InternalError'),
    attempts: fc.nat(2),
  })
  .map(
    (one): Partial<InstanceClaimSnapshot> => ({
      claim: anInstanceClaim({
        ...(one.wantsDisk ? withDisk : {}),
        metadata: {
          ...(one.isHeld ? held : {}),
          ...(one.isDeleted ? { deletionTimestamp: timeAt(5) } : {}),
        },
        spec: one.ttl ? { ttl: one.ttl } : {},
        status: { ...(one.isTold ? bound : {}), ...(one.phase ? { phase: one.phase } : {}) },
      }),
      instance: one.hasInstance
        ? claimed({
            volumes: one.isAttached ? attached : [],
            attempts: one.attempts,
            ...(one.error ? { lastError: { ...lost, code: one.error } } : {}),
          })
        : undefined,
      volume: one.hasVolume ? disk : undefined,
    }),
  );

describe('whatever happens to a claim', () => {
  test('it is never reconciling and stalled at once; times move with the status only', () => {
    fc.assert(
      fc.property(fc.array(anySnapshot, { minLength: 2, maxLength: 6 }), (snapshots) => {
        let status: InstanceClaimStatus | undefined;
        snapshots.forEach((snapshot, number) => {
          const before = status?.conditions ?? [];
          const claim = status ? { ...snapshot.claim!, status } : snapshot.claim!;
          status = plan({ ...snapshot, claim }, now + number * 1000).status;
          const { conditions } = status;
          const has = (type: string) =>
            conditions.some((one) => one.type === type && one.status === 'True');
          assert.ok(!(has('Reconciling') && has('Stalled')));
          for (const { type, ...condition } of conditions) {
            const old = before.find((one) => one.type === type);
            if (old?.status === condition.status)
              assert.equal(condition.lastTransitionTime, old.lastTransitionTime);
          }
          assert.ok(new Set(conditions.map(({ type }) => type)).size === conditions.length);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('it is ready only with a machine and all that it asked for, and goes only with nothing', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const { status, step } = plan(snapshot);
        if (status.phase === 'Ready' && step?.type !== 'letClaimGo' && !isOver(snapshot.claim!)) {
          assert.ok(snapshot.instance);
          if (snapshot.claim?.spec.volume) assert.ok(snapshot.instance.status?.volumes.length);
        }
        if (step?.type === 'letClaimGo') {
          assert.equal(snapshot.instance ?? snapshot.volume, undefined);
        }
        const again = plan({ ...snapshot, claim: { ...snapshot.claim!, status } });
        assert.deepEqual(again.status, status);
      }),
      { numRuns: 500 },
    );
  });
});
