// Whole roll-outs of a pool as stories: one line for each decision, carried out at once, so that the
// order of creations and retirements can be read.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decideScaling, type ScalingInput, type ScalingMember } from './scaling.ts';

const NOW = Date.UTC(2026, 0, 1);

interface World {
  readonly limits: ScalingInput['limits'];
  members: ScalingMember[];
  waitingClaims: number;
  createNotBefore: number | undefined;
  time: number;
}

function aWorld(counts: { minFree: number; maxFree: number; maxTotal: number }): World {
  return {
    limits: { ...counts, scaleDownCooldownMilliseconds: 600_000 },
    members: Array.from({ length: counts.minFree }, (_, ordinal) => ({
      name: `pool-${ordinal}`,
      ordinal,
      role: 'free',
      freeSince: NOW - 1000 + ordinal,
      outdated: true,
    })),
    waitingClaims: 0,
    createNotBefore: undefined,
    time: NOW,
  };
}

function decide(world: World) {
  return decideScaling(
    {
      limits: world.limits,
      members: world.members,
      waitingClaims: world.waitingClaims,
      zones: [],
      lastScaledAt: undefined,
      createNotBefore: world.createNotBefore,
      frozen: false,
      discoveryComplete: true,
    },
    world.time,
  );
}

/** Carries a decision out as records: what it creates is being created, what it retires is deleted. */
function carryOut(world: World): string | undefined {
  const { create, retire, replace, because } = decide(world);
  if (create.length + retire.length + replace.length === 0) return undefined;
  const leaving = new Set([...retire, ...replace].map(({ name }) => name));
  world.members = world.members.map((member) =>
    leaving.has(member.name) ? { ...member, role: 'deleting' } : member,
  );
  for (const { ordinal } of create) {
    const name = `pool-${ordinal}`;
    world.members.push({ name, ordinal, role: 'creating', freeSince: world.time });
  }
  const doing = [
    create.length > 0 && `create ${create.map(({ ordinal }) => ordinal).join(', ')}`,
    retire.length > 0 && `scale down ${retire.map(({ ordinal }) => ordinal).join(', ')}`,
    replace.length > 0 && `retire ${replace.map(({ ordinal }) => ordinal).join(', ')}`,
  ];
  return `${doing.filter(Boolean).join('; ')} - ${because}`;
}

/** What was being made is free, what was being deleted is gone. */
function azureCatchesUp(world: World): string {
  world.time += 30_000;
  world.members = world.members
    .filter(({ role }) => role !== 'deleting')
    .map((member) =>
      member.role === 'creating' ? { ...member, role: 'free', freeSince: world.time } : member,
    );
  const free = world.members.filter(({ role }) => role === 'free');
  const outdated = free.filter((member) => member.outdated);
  return `  ${free.length} free, ${outdated.length} of them outdated, ${world.members.length} in total`;
}

const free = ({ members }: World): number => members.filter(({ role }) => role === 'free').length;

function rollOut(world: World, check: () => void = () => {}): string[] {
  const story: string[] = [];
  for (let round = 0; round < 500; round++) {
    let line = carryOut(world);
    if (!line) {
      const isSettled = world.members.every(({ role }) => role === 'free' || role === 'claimed');
      if (isSettled) return story;
      story.push(azureCatchesUp(world));
      check();
      continue;
    }
    for (; line; line = carryOut(world)) {
      story.push(line);
      check();
    }
  }
  assert.fail(`it never ends:\n${story.slice(-20).join('\n')}`);
}

describe('a roll-out', () => {
  test('regular: 3 free, minFree 3, maxTotal 5', () => {
    const story = rollOut(aWorld({ minFree: 3, maxFree: 3, maxTotal: 5 }));
    assert.deepEqual(story, [
      'create 3 - 3 of 3 free are outdated',
      '  4 free, 3 of them outdated, 4 in total',
      'retire 0 - 3 of 4 free are outdated',
      'create 4 - 2 of 3 free are outdated',
      '  4 free, 2 of them outdated, 4 in total',
      'retire 1 - 2 of 4 free are outdated',
      'create 0 - 1 of 3 free are outdated',
      '  4 free, 1 of them outdated, 4 in total',
      'retire 2 - 1 of 4 free are outdated',
      '  3 free, 0 of them outdated, 3 in total',
    ]);
  });

  test('regular: 20 free, minFree 20, maxTotal 25, two at a time and never below minFree', () => {
    const world = aWorld({ minFree: 20, maxFree: 22, maxTotal: 25 });
    const story = rollOut(world, () => {
      assert.ok(free(world) >= 20, 'below minFree');
      assert.ok(world.members.length <= 25, 'above maxTotal');
    });
    assert.deepEqual(story.slice(0, 7), [
      'create 20, 21 - 20 of 20 free are outdated',
      '  22 free, 20 of them outdated, 22 in total',
      'retire 0, 1 - 20 of 22 free are outdated',
      'create 22, 23 - 18 of 20 free are outdated',
      '  22 free, 18 of them outdated, 22 in total',
      'retire 2, 3 - 18 of 22 free are outdated',
      'create 0, 1 - 16 of 20 free are outdated',
    ]);
    assert.equal(story.at(-1), '  20 free, 0 of them outdated, 20 in total');
  });

  test('without room: minFree is maxTotal, one at a time', () => {
    const world = aWorld({ minFree: 3, maxFree: 3, maxTotal: 3 });
    const story = rollOut(world, () => assert.ok(free(world) >= 2, 'more than one short'));
    assert.deepEqual(story.slice(0, 4), [
      'retire 0 - 3 of 3 free are outdated',
      '  2 free, 2 of them outdated, 2 in total',
      'create 0 - 2 free and 0 being created, 0 claims wait, minFree is 3',
      '  3 free, 2 of them outdated, 3 in total',
    ]);
    assert.equal(story.at(-1), '  3 free, 0 of them outdated, 3 in total');
  });

  test('leaves claimed members alone', () => {
    const world = aWorld({ minFree: 1, maxFree: 1, maxTotal: 5 });
    world.members.push({
      name: 'pool-4',
      ordinal: 4,
      role: 'claimed',
      freeSince: 0,
      outdated: true,
    });
    rollOut(world);
    assert.ok(world.members.some(({ name, role }) => name === 'pool-4' && role === 'claimed'));
    assert.equal(free(world), 1);
  });

  test('waits while creations fail: a broken template eats no working member', () => {
    const world = aWorld({ minFree: 3, maxFree: 5, maxTotal: 5 });
    world.createNotBefore = NOW + 60_000;
    assert.equal(carryOut(world), undefined);
  });

  test('takes nothing from claims that wait in a full pool', () => {
    const world = aWorld({ minFree: 3, maxFree: 3, maxTotal: 3 });
    world.waitingClaims = 1;
    assert.equal(carryOut(world), undefined);
  });

  test('of any pool ends with nothing outdated free and never has two below minFree', () => {
    fc.assert(
      fc.property(
        fc.record({ minFree: fc.integer({ min: 1, max: 40 }), above: fc.nat(5), spare: fc.nat(5) }),
        ({ minFree, above, spare }) => {
          const maxFree = minFree + above;
          const world = aWorld({ minFree, maxFree, maxTotal: maxFree + spare });
          const hasRoom = maxFree + spare > minFree;
          rollOut(world, () => assert.ok(free(world) >= minFree - (hasRoom ? 0 : 1)));
          assert.ok(world.members.every((member) => !member.outdated));
          assert.ok(free(world) >= minFree && free(world) <= maxFree);
        },
      ),
      { numRuns: 40 },
    );
  });
});
