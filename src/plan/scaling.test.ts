import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decideScaling,
  type MemberRole,
  type ScalingInput,
  type ScalingMember,
} from './scaling.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

function members(counts: Partial<Record<MemberRole, number>>): ScalingMember[] {
  const roles = Object.entries(counts).flatMap(([role, n]) => Array(n).fill(role) as MemberRole[]);
  return roles.map((role, ordinal) => ({
    name: `pool-${ordinal}`,
    ordinal,
    role,
    freeSince: NOW - ordinal * MINUTE,
  }));
}

function anInput(overrides: Partial<ScalingInput> = {}): ScalingInput {
  return {
    limits: { minFree: 2, maxFree: 4, maxTotal: 10, scaleDownCooldownMilliseconds: 10 * MINUTE },
    members: [],
    waitingClaims: 0,
    zones: [],
    lastScaledAt: undefined,
    createNotBefore: undefined,
    frozen: false,
    discoveryComplete: true,
    ...overrides,
  };
}

const cases: Record<
  string,
  { given: Partial<ScalingInput>; create?: number; retire?: number; limited?: boolean }
> = {
  'an empty pool fills to minFree': { given: {}, create: 2 },
  'creations under way are not ordered twice': {
    given: { members: members({ creating: 2 }) },
    create: 0,
  },
  'waiting claims are served on top of minFree': {
    given: { members: members({ free: 0 }), waitingClaims: 3 },
    create: 5,
  },
  'claimed members leave room only up to maxTotal': {
    given: { members: members({ claimed: 9 }) },
    create: 1,
    limited: true,
  },
  'members being deleted still count': {
    given: { members: members({ deleting: 10 }) },
    create: 0,
    limited: true,
  },
  'a surplus is retired': { given: { members: members({ free: 7 }) }, retire: 3 },
  'what was made for claims that cannot take it yet is no surplus': {
    given: { members: members({ free: 7 }), waitingClaims: 4 },
    retire: 1,
  },
  'the cooldown holds a surplus back': {
    given: { members: members({ free: 7 }), lastScaledAt: NOW - MINUTE },
    retire: 0,
  },
  'the cooldown never holds creation back': { given: { lastScaledAt: NOW - MINUTE }, create: 2 },
  'nothing is retired while something is being created': {
    given: { members: members({ free: 7, creating: 1 }) },
    retire: 0,
  },
  'nothing is removed on the word of an incomplete look at Azure': {
    given: { members: members({ free: 6 }), discoveryComplete: false },
    retire: 0,
  },
  'nothing is made before it is known what exists without a record': {
    given: { creationHeld: true },
    create: 0,
  },
  'a frozen pool keeps still': { given: { frozen: true }, create: 0 },
  'failed creations delay the next': { given: { createNotBefore: NOW + 1 }, create: 0 },
};
for (const [name, { given, create = 0, retire = 0, limited = false }] of Object.entries(cases)) {
  test(name, () => {
    const decision = decideScaling(anInput(given), NOW);
    assert.equal(decision.create.length, create);
    assert.equal(decision.retire.length, retire);
    assert.equal(decision.limitedByMaxTotal, limited);
  });
}

test('the longest free go first', () => {
  const decision = decideScaling(anInput({ members: members({ free: 6 }) }), NOW);
  assert.deepEqual(
    decision.retire.map((member) => member.ordinal),
    [5, 4],
  );
});

test('new members go to the zone that has the fewest', () => {
  const existing: ScalingMember[] = [
    { name: 'pool-0', ordinal: 0, role: 'claimed', zone: '1', freeSince: 0 },
    { name: 'pool-1', ordinal: 1, role: 'free', zone: '2', freeSince: 0 },
  ];
  const decision = decideScaling(
    anInput({ members: existing, zones: ['1', '2'], waitingClaims: 2 }),
    NOW,
  );
  assert.deepEqual(decision.create, [
    { ordinal: 2, zone: '1' },
    { ordinal: 3, zone: '1' },
    { ordinal: 4, zone: '2' },
  ]);
});

const arbitraryInput = fc
  .record({
    minFree: fc.nat(8),
    above: fc.nat(8),
    spare: fc.nat(20),
    roles: fc.array(
      fc.constantFrom<MemberRole>('free', 'creating', 'claimed', 'releasing', 'deleting', 'failed'),
    ),
    waitingClaims: fc.nat(20),
    lastScaledAt: fc.option(fc.integer({ min: NOW - 20 * MINUTE, max: NOW }), {
      nil: undefined,
    }),
    zones: fc.constantFrom<string[]>([], ['1'], ['1', '2', '3']),
  })
  .map(({ minFree, above, spare, roles, ...rest }) => {
    const maxFree = minFree + above;
    const maxTotal = Math.max(1, maxFree + spare);
    const counted = roles.slice(0, maxTotal).map((role, ordinal) => ({
      name: `pool-${ordinal}`,
      ordinal,
      role,
      freeSince: NOW - ordinal,
    }));
    const limits = { minFree, maxFree, maxTotal, scaleDownCooldownMilliseconds: 10 * MINUTE };
    return anInput({ ...rest, limits, members: counted });
  });

test('whatever the pool looks like, maxTotal holds and only free members are retired', () => {
  fc.assert(
    fc.property(arbitraryInput, (input) => {
      const { create, retire } = decideScaling(input, NOW);
      assert.ok(input.members.length + create.length <= input.limits.maxTotal);
      assert.ok(create.every(({ ordinal }) => ordinal < input.limits.maxTotal));
      assert.ok(retire.every((member) => member.role === 'free'));
      assert.ok(create.length === 0 || retire.length === 0);
      const used = new Set([...input.members, ...create].map(({ ordinal }) => ordinal));
      assert.equal(used.size, input.members.length + create.length);
    }),
  );
});

test('after a decision is carried out there is nothing left to decide', () => {
  fc.assert(
    fc.property(arbitraryInput, (input) => {
      const first = decideScaling(input, NOW);
      const gone = new Set(first.retire.map((member) => member.name));
      const after = [
        ...input.members.map((member) =>
          gone.has(member.name) ? { ...member, role: 'deleting' as const } : member,
        ),
        ...first.create.map(({ ordinal, zone }) => ({
          name: `pool-${ordinal}`,
          ordinal,
          role: 'creating' as const,
          freeSince: NOW,
          ...(zone === undefined ? {} : { zone }),
        })),
      ];
      const lastScaledAt = gone.size > 0 ? NOW : input.lastScaledAt;
      const second = decideScaling({ ...input, members: after, lastScaledAt }, NOW);
      assert.equal(second.retire.length, 0);
      // A claim that waits keeps wanting a member until it is bound; nothing else may.
      if (input.waitingClaims === 0) assert.equal(second.create.length, 0);
    }),
  );
});

// A claim may wait for long for what another pool lacks: what is made for it must not be taken for surplus.
test('what is made is not retired once it is free, what is retired is not made again', () => {
  fc.assert(
    fc.property(arbitraryInput, (input) => {
      const { create, retire } = decideScaling(input, NOW);
      const gone = new Set(retire.map((member) => member.name));
      const after = [
        ...input.members.filter(({ name }) => !gone.has(name)),
        ...create.map(({ ordinal, zone }) => ({
          name: `pool-${ordinal}`,
          ordinal,
          role: 'free' as const,
          freeSince: NOW,
          ...(zone === undefined ? {} : { zone }),
        })),
      ];
      const later = decideScaling(
        { ...input, members: after, lastScaledAt: NOW },
        NOW + 60 * MINUTE,
      );
      if (create.length > 0) assert.equal(later.retire.length, 0);
      if (retire.length > 0) assert.equal(later.create.length, 0);
    }),
  );
});
