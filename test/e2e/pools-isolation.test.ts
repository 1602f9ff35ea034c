// What hangs for one pool holds up no other: forty calls to Azure that never answer, and a claim elsewhere.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from './pools-world.ts';

const HANGING = 40;
/** Far longer than the test: nothing of the hanging pool ever gets an answer. */
const forever = { type: 'delay', milliseconds: 600_000 } as const;
const patience = { withinSeconds: 60 };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };

let world: PoolsWorld;
afterEach(() => world.stop());

function namesOf(pool: string): Promise<string[]> {
  return world
    .instances()
    .then((instances) =>
      instances
        .filter(({ spec }) => spec.poolRef.name === pool)
        .map(({ metadata }) => `pkvm-${metadata.uid}`),
    );
}

function hangingCalls(operation: string): number {
  const counts = world.running.azure.counts() as unknown as Record<string, number>;
  return counts[operation] ?? 0;
}

test('forty creations that hang in one pool delay no claim in another', async () => {
  world = await PoolsWorld.start();
  await world.createVolumePool('disks', { scaling: { minFree: 2, maxFree: 2, maxTotal: 4 } });
  await world.createInstancePool('boxes', { scaling: { minFree: 1, maxFree: 1, maxTotal: 3 } });
  await world.untilFree('boxes', 1);
  await world.untilFree('disks', 2);
  world.fault({ match: { operation: 'virtualMachines.createOrUpdate' }, effect: forever });
  const before = hangingCalls('virtualMachines.createOrUpdate');
  await world.createInstancePool('stuck', {
    scaling: { minFree: HANGING, maxFree: HANGING, maxTotal: HANGING },
  });
  await eventually(
    'forty creations hang',
    () => hangingCalls('virtualMachines.createOrUpdate') - before >= HANGING,
    patience,
  );
  await world.claim('one', fresh);
  const claim = await world.untilReady('one', 'stories', patience);
  assert.match(claim.status?.instance?.name ?? '', /^boxes-/);
  world.running.azure.faults.clear();
});

test('forty attaches that hang for the claims of one pool delay no claim of another', async () => {
  world = await PoolsWorld.start({ azure: { quota: { cores: 10 * HANGING } } });
  const scaling = { minFree: HANGING, maxFree: HANGING, maxTotal: 2 * HANGING };
  await world.createVolumePool('disks', {
    scaling: { minFree: HANGING + 1, maxFree: HANGING + 1, maxTotal: 3 * HANGING },
  });
  await world.createInstancePool('stuck', { scaling });
  await world.createInstancePool('boxes', { scaling: { minFree: 1, maxFree: 1, maxTotal: 3 } });
  await world.untilFree('stuck', HANGING, 'stories', patience);
  await world.untilFree('boxes', 1);
  await world.untilFree('disks', HANGING + 1, 'stories', patience);
  for (const name of await namesOf('stuck'))
    world.fault({ match: { operation: 'virtualMachines.update', name }, effect: forever });
  const before = hangingCalls('virtualMachines.update');
  await Promise.all(
    Array.from({ length: HANGING }, (_, number) =>
      world.claim(`stuck-${number}`, { ...fresh, instancePoolRef: { name: 'stuck' } }),
    ),
  );
  await eventually(
    'forty attaches hang',
    () => hangingCalls('virtualMachines.update') - before >= HANGING,
    patience,
  );
  await world.claim('one', fresh);
  const claim = await world.untilReady('one', 'stories', patience);
  assert.match(claim.status?.instance?.name ?? '', /^boxes-/);
  world.running.azure.faults.clear();
});
