import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DiscoveryRow } from './discovery.ts';
import { type GarbageInput, planGarbage, whyKept } from './garbage.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

function aRow(
  overrides: Partial<DiscoveryRow> = {},
  tags: Record<string, string> = {},
): DiscoveryRow {
  const ours = { installation: 'test', role: 'instance', uid: 'nobody', status: 'free', ...tags };
  return {
    id: '/vm',
    kind: 'instance',
    name: 'vm',
    tags: Object.fromEntries(
      Object.entries(ours).map(([key, value]) => [`poolkeeper:${key}`, value]),
    ),
    ...overrides,
  };
}

function anInput(overrides: Partial<GarbageInput> = {}): GarbageInput {
  return {
    rows: [aRow()],
    installation: 'test',
    isRecorded: (uid) => uid === 'recorded',
    hasPool: (_role, _namespace, name) => name === 'boxes',
    isPool: (uid) => uid === 'pool',
    isClaim: () => false,
    sightings: new Map([['/vm', { firstSeenAt: NOW - 20 * MINUTE }]]),
    spacingMilliseconds: 5 * MINUTE,
    minimumAgeMilliseconds: 10 * MINUTE,
    maximumPerPass: 10,
    ...overrides,
  };
}

const cases: Record<string, { given: Partial<GarbageInput>; collected: boolean }> = {
  'seen twice, old, and of nobody': { given: {}, collected: true },
  'seen for the first time': { given: { sightings: new Map() }, collected: false },
  'seen again too soon': {
    given: { sightings: new Map([['/vm', { firstSeenAt: NOW - 2 * MINUTE }]]) },
    collected: false,
  },
  'too young': {
    given: { sightings: new Map([['/vm', { firstSeenAt: NOW - 7 * MINUTE }]]) },
    collected: false,
  },
  'old enough by its own time of creation': {
    given: {
      rows: [aRow({ timeCreated: new Date(NOW - 60 * MINUTE).toISOString() })],
      sightings: new Map([['/vm', { firstSeenAt: NOW - 7 * MINUTE }]]),
    },
    collected: true,
  },
  'of another installation': {
    given: { rows: [aRow({}, { installation: 'b' })] },
    collected: false,
  },
  retained: { given: { rows: [aRow({}, { status: 'retained' })] }, collected: false },
  recorded: { given: { rows: [aRow({}, { uid: 'recorded' })] }, collected: false },
  'of a pool that can adopt it': {
    given: { rows: [aRow({}, { pool: 'boxes' })] },
    collected: false,
  },
  'a builder of a pool that exists': {
    given: { rows: [aRow({}, { role: 'temp', uid: 'pool' })] },
    collected: false,
  },
  'a builder of a pool that is gone': {
    given: { rows: [aRow({}, { role: 'temp', uid: 'former' })] },
    collected: true,
  },
  'a disk that a machine holds': {
    given: { rows: [aRow({ kind: 'volume', managedBy: '/m' })] },
    collected: false,
  },
};

for (const [name, { given, collected }] of Object.entries(cases)) {
  test(`garbage: ${name}`, () => {
    assert.equal(planGarbage(anInput(given), NOW).collect.length, collected ? 1 : 0);
  });
}

test('whatever the rows: nothing retained, owned, recorded or foreign is ever collected', () => {
  const word = fc.constantFrom('', 'x', 'recorded', 'pool');
  const row = fc.record({
    id: fc.constantFrom('/a', '/b', '/c', '/d'),
    kind: fc.constantFrom('instance', 'volume', 'snapshot', 'networkInterface'),
    installation: fc.constantFrom('test', 'other', ''),
    status: fc.constantFrom('free', 'attached', 'retained', 'quarantined', ''),
    uid: word,
    claim: fc.constantFrom('', 'claim'),
  });
  fc.assert(
    fc.property(fc.uniqueArray(row, { selector: ({ id }) => id }), fc.nat(3), (drawn, cap) => {
      const rows = drawn.map(({ id, kind, installation, status, uid, claim }) =>
        aRow({ id, kind }, { installation, status, uid, 'claim-uid': claim, 'claim-name': claim }),
      );
      const sightings = new Map(rows.map(({ id }) => [id, { firstSeenAt: 0 }]));
      const input = anInput({ rows, sightings, maximumPerPass: cap });
      const plan = planGarbage(input, NOW);
      assert.ok(plan.collect.length <= cap);
      for (const { tags } of plan.collect) {
        assert.equal(tags['poolkeeper:installation'], 'test');
        assert.notEqual(tags['poolkeeper:status'], 'retained');
        assert.equal(tags['poolkeeper:claim-uid'], '');
        assert.ok(!['recorded', 'pool'].includes(tags['poolkeeper:uid']!));
      }
      const reversed = planGarbage({ ...input, rows: [...rows].reverse() }, NOW);
      assert.deepEqual(reversed.collect, plan.collect);
    }),
    { numRuns: 200 },
  );
});

test('the live look has the last word', () => {
  const row = aRow();
  const { tags } = row;
  assert.equal(whyKept(row, { tags }), undefined);
  assert.match(whyKept(row, { tags: {} })!, /tags/);
  assert.match(whyKept(row, { tags, managedBy: '/m' })!, /in use/);
  assert.match(whyKept(row, { tags, virtualMachineId: '/m' })!, /in use/);
  assert.match(whyKept(row, { tags, dataDisks: [{}] })!, /data disks/);
  assert.match(whyKept(row, { tags, diskState: 'ActiveSAS' })!, /ActiveSAS/);
});
