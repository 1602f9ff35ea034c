// Whole lives of members, told line by line as golden files one can read; and thousands of random
// lives, in which nothing is ever taken from a claim and everything comes to rest.
// UPDATE_GOLDEN=1 writes the files anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemberWorld } from '../../test/builders/member-world.ts';
import { anInstanceClaim, aPoolInstance, aPoolVolume } from '../../test/builders/members.ts';
import { uidOf } from '../../test/builders/metadata.ts';
import { anInstancePool, aVolumePool } from '../../test/builders/pools.ts';
import { poolInstanceStates, poolVolumeStates } from '../api/states/index.ts';

type Policy = { readonly recyclePolicy?: string; readonly reclaimPolicy?: string };

function aWorld({ recyclePolicy = 'Replace', reclaimPolicy = 'Retain' }: Policy = {}): MemberWorld {
  return new MemberWorld({
    pool: anInstancePool({ spec: { recyclePolicy } }),
    volumePool: aVolumePool({ spec: { reclaimPolicy } }),
  });
}

/** A machine and a disk that nobody has asked Azure for yet. */
function withPair(world: MemberWorld): MemberWorld {
  world.add(aPoolInstance({ status: null }));
  world.add(aPoolVolume({ status: null }));
  return world;
}

const claim = (name = 'claim') => anInstanceClaim({ name, volumePool: 'disks' });

const stories: Record<string, () => MemberWorld> = {
  'claimed with a volume and released under Replace': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.claim(claim());
    world.run(60);
    world.release('claim');
    world.run(120);
    return world;
  },
  'claimed with a volume and released under Reuse and Delete': () => {
    const world = withPair(aWorld({ recyclePolicy: 'Reuse', reclaimPolicy: 'Delete' }));
    world.run(60);
    world.claim(claim());
    world.run(60);
    world.release('claim');
    world.run(120);
    return world;
  },
  'claimed before it is ready': () => {
    const world = withPair(aWorld());
    world.claim(claim());
    world.run(120);
    return world;
  },
  'released while the disk is being attached': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.claim(claim());
    world.run(3);
    world.release('claim');
    world.run(120);
    return world;
  },
  'released before the record of its disk was looked at': () => {
    const world = withPair(aWorld({ recyclePolicy: 'Reuse', reclaimPolicy: 'Delete' }));
    world.run(60);
    world.neglect('disks-0', 60);
    world.claim(claim());
    world.run(30);
    assert.ok(world.isServed(claim()), 'the claim never got its disk');
    world.release('claim');
    world.run(120);
    assert.equal(world.volumes.size, 0, 'the disk outlives its claim under Delete');
    return world;
  },
  'let go of by its claim, and the word of it lost': () => {
    const world = withPair(aWorld({ recyclePolicy: 'Reuse' }));
    world.run(60);
    world.claim(anInstanceClaim({ name: 'bare' }));
    world.run(30);
    world.release('bare');
    world.crashes = 1;
    world.run(30);
    assert.deepEqual(world.unsettled(), [], 'the machine is lost to its pool');
    return world;
  },
  'an operator that has lost its lease tells late that it asked for them': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.claim(claim());
    world.run(30);
    world.saysLate('boxes-0');
    world.saysLate('disks-0');
    world.run(60);
    assert.ok(world.isServed(claim()), 'the claim lost what it had');
    return world;
  },
  'the creation fails': () => {
    const world = withPair(aWorld());
    world.cloud.failures.set('createInstance', ['OSProvisioningTimedOut']);
    world.cloud.failures.set('createDisk', ['InternalError']);
    world.run(60);
    world.deleteRecord('boxes-0');
    world.deleteRecord('disks-0');
    world.run(120);
    return world;
  },
  'attaching fails twice': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.cloud.failures.set('changeDataDisks', ['InternalError', 'InternalError']);
    world.claim(claim());
    world.run(60);
    return world;
  },
  'the disk disappears while it is attached': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.claim(claim());
    world.run(60);
    world.say('somebody deletes the machine in the portal, then the disk');
    for (const id of [...world.cloud.machines.keys(), ...world.cloud.disks.keys()])
      world.cloud.vanish(id);
    world.release('claim');
    world.run(120);
    return world;
  },
  'somebody deletes the records while they are claimed': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.claim(claim());
    world.run(60);
    world.deleteRecord('boxes-0');
    world.deleteRecord('disks-0');
    world.run(60);
    world.release('claim');
    world.run(180);
    return world;
  },
  'somebody deletes the records while the disk is being attached': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.cloud.failures.set('changeDataDisks', ['InternalError']);
    world.claim(claim());
    world.run(3);
    world.deleteRecord('boxes-0');
    world.deleteRecord('disks-0');
    world.run(60);
    assert.ok(world.isServed(claim()), 'the claim never got its disk');
    world.release('claim');
    world.run(180);
    return world;
  },
  'its pool lets go of the machine': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.claim(claim());
    world.run(60);
    world.orphan('boxes-0');
    world.run(120);
    assert.equal(world.cloud.machines.size, 1);
    assert.equal(
      [...world.cloud.disks.values()][0]?.managedBy,
      [...world.cloud.machines.keys()][0],
    );
    return world;
  },
  'its pool lets go of the disk, which is loose after the claim': () => {
    const world = withPair(aWorld());
    world.run(60);
    world.claim(claim());
    world.run(60);
    world.orphan('disks-0');
    world.run(60);
    world.release('claim');
    world.run(180);
    assert.deepEqual(
      [...world.cloud.disks.values()].map(({ managedBy }) => managedBy),
      [undefined],
    );
    return world;
  },
  'a kept disk is claimed again': () => {
    const world = withPair(aWorld({ recyclePolicy: 'Reuse' }));
    world.run(60);
    world.claim(claim());
    world.run(60);
    world.release('claim');
    world.run(60);
    const existing = { name: 'disks-0', uid: uidOf('PoolVolume', 'disks-0') };
    world.claim(
      anInstanceClaim({ name: 'again', spec: { volume: { type: 'Existing', existing } } }),
    );
    world.run(60);
    return world;
  },
};

describe('a member lives', () => {
  for (const [name, tell] of Object.entries(stories)) {
    test(name, () => {
      const world = tell();
      const file = new URL(`member-lives/${name}.golden`, import.meta.url);
      const text = `${world.lines.join('\n')}\n`;
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
      assert.deepEqual(world.violations, []);
      assert.equal(text, readFileSync(file, 'utf8'));
    });
  }
});

/** The tables that docs/states is made from: nothing happens that is not in them. */
const WAYS = new Set(
  [poolInstanceStates, poolVolumeStates].flatMap(({ kind, transitions = [] }) =>
    transitions.map(({ from, to }) => `${kind} ${from} → ${to}`),
  ),
);

/** A crash before a status is written hides a phase: several ways at once then look like one. */
const WAYS_OF_SEVERAL_STEPS = new Set(
  [poolInstanceStates, poolVolumeStates].flatMap(({ kind, transitions = [] }) =>
    transitions.flatMap(({ from }) =>
      [...reachable(from, transitions)].map((to) => `${kind} ${from} → ${to}`),
    ),
  ),
);

function reachable(
  from: string,
  transitions: readonly { readonly from: string; readonly to: string }[],
): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { to } of transitions.filter((one) => one.from === at)) {
      if (!found.has(to)) open.push(to);
      found.add(to);
    }
  }
  return found;
}

const names = ['a', 'b', 'c'];

/** What people, time and Azure do to a pool of three machines and three disks. */
const happening = fc.oneof(
  fc.record({ type: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 45 }) }),
  fc.record({
    type: fc.constant('claim' as const),
    name: fc.constantFrom(...names),
    withVolume: fc.boolean(),
  }),
  fc.record({ type: fc.constant('release' as const), name: fc.constantFrom(...names) }),
  fc.record({
    type: fc.constant('deleteRecord' as const),
    name: fc.constantFrom('boxes-0', 'boxes-1', 'disks-0', 'disks-1'),
  }),
  fc.record({
    type: fc.constant('fail' as const),
    step: fc.constantFrom(
      'createInstance' as const,
      'changeDataDisks' as const,
      'deleteInstance' as const,
      'createDisk' as const,
      'deleteDisk' as const,
    ),
  }),
  fc.record({ type: fc.constant('vanish' as const), number: fc.nat(2) }),
  fc.record({
    type: fc.constant('orphan' as const),
    name: fc.constantFrom('boxes-0', 'boxes-1', 'disks-0', 'disks-1'),
  }),
  fc.record({ type: fc.constant('crash' as const), times: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    type: fc.constant('sayLate' as const),
    name: fc.constantFrom('boxes-0', 'boxes-1', 'disks-0', 'disks-1'),
  }),
  fc.record({
    type: fc.constant('neglect' as const),
    name: fc.constantFrom('boxes-0', 'boxes-1', 'disks-0', 'disks-1'),
    seconds: fc.integer({ min: 1, max: 90 }),
  }),
);

const policies = fc.record({
  recyclePolicy: fc.constantFrom('Replace', 'Reuse'),
  reclaimPolicy: fc.constantFrom('Retain', 'Delete', 'Recycle'),
});

function happen(
  world: MemberWorld,
  what: typeof happening extends fc.Arbitrary<infer T> ? T : never,
) {
  switch (what.type) {
    case 'wait':
      return world.run(what.seconds);
    case 'claim':
      if (world.claims.has(what.name)) return;
      return world.claim(
        anInstanceClaim({
          name: what.name,
          metadata: { uid: uidOf(what.name, String(world.lines.length)) },
          ...(what.withVolume ? { volumePool: 'disks' } : {}),
        }),
      );
    case 'release':
      return world.release(what.name);
    case 'deleteRecord':
      return world.deleteRecord(what.name);
    case 'fail':
      world.cloud.failures.set(what.step, ['InternalError']);
      return;
    case 'orphan':
      return world.orphan(what.name);
    case 'crash':
      world.crashes = what.times;
      return;
    case 'sayLate':
      return world.saysLate(what.name);
    case 'neglect':
      return world.neglect(what.name, what.seconds);
    case 'vanish': {
      const id = [...world.cloud.machines.keys()][what.number];
      if (id === undefined) return;
      world.say(`${id.split('/').at(-1)} vanishes`);
      world.cloud.vanish(id);
    }
  }
}

test('whatever happens, nothing is taken from a claim and everything comes to rest', () => {
  fc.assert(
    fc.property(policies, fc.array(happening, { maxLength: 25 }), (policy, happenings) => {
      const world = aWorld(policy);
      for (let ordinal = 0; ordinal < 3; ordinal++) {
        world.add(aPoolInstance({ ordinal, status: null }));
        world.add(aPoolVolume({ ordinal, status: null }));
      }
      for (const what of happenings) happen(world, what);
      world.run(700);
      const told = world.lines.length;
      world.run(300);
      const story = `\n${world.lines.join('\n')}\n`;
      assert.deepEqual(world.violations, [], story);
      const crashed = happenings.some(({ type }) => type === 'crash');
      const ways = crashed ? WAYS_OF_SEVERAL_STEPS : WAYS;
      const unknown = [...world.transitions].filter((one) => !ways.has(one));
      assert.deepEqual(unknown, [], `not in the table of states${story}`);
      assert.deepEqual(world.lines.slice(told), [], `it does not come to rest${story}`);
      assert.deepEqual(world.unsettled(), [], story);
      const kept = [...world.volumes.values()].filter(({ status }) => status?.phase === 'Retained');
      if (policy.reclaimPolicy === 'Delete') assert.deepEqual(kept, [], story);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 150) },
  );
});
