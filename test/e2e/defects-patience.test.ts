// One call to Azure hangs. Its own member waits for it, and nobody else does: no other member, no
// other pool, no claim, and not the pool's next decision.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const patience = { withinSeconds: 60 };
const scaling = { minFree: 3, maxFree: 4, maxTotal: 8 };

test('a machine whose creation hangs delays no other, no pool and no claim', async () => {
  world = await PoolsWorld.start();
  world.fault({
    match: { operation: 'virtualMachines.createOrUpdate' },
    effect: { type: 'delay', milliseconds: 400_000 },
    times: 1,
  });
  await world.createInstancePool('boxes', { scaling });
  const free = async (pool: string): Promise<number> => {
    const members = await world.instances();
    return members.filter(
      ({ spec, status }) =>
        spec.poolRef.name === pool && !spec.claimRef && status?.phase === 'Free',
    ).length;
  };
  await eventually('the others are free', async () => (await free('boxes')) === 2, patience);
  await world.createInstancePool('others', { scaling });
  await world.untilFree('others', 3, 'stories', patience);
  await world.claim('one');
  await world.untilReady('one', 'stories', patience);
  await eventually(
    'what was claimed is replaced',
    async () => (await free('boxes')) === 2,
    patience,
  );
  assert.equal((await world.instances()).length, 3 + 1 + 3);
});
