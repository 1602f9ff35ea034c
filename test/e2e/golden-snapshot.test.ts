// Golden snapshots that a pool builds for itself: the whole way from a recipe to disks, and back.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { GoldenWorld } from './golden-world.ts';

let world: GoldenWorld;

beforeEach(async () => {
  world = new GoldenWorld();
  await world.prepare();
});

afterEach(() => world.stop());

describe('a golden snapshot', () => {
  test('is built from a recipe, used for the disks, and nothing temporary is left', async () => {
    await world.createPool();
    world.start();
    const pool = await world.untilReady();
    const golden = pool.status?.goldenSnapshot;
    assert.equal(golden?.phase, 'Ready');
    assert.deepEqual(
      golden?.commands?.map(({ command, exitCode }) => [command, exitCode]),
      [
        ['prepare the data disk', 0],
        ['run the script', 0],
        ['wait until ready', 0],
        ['unmount the data disk', 0],
      ],
    );
    assert.deepEqual(world.temporaries(), []);
    assert.deepEqual(world.goldenSnapshots(), [golden?.id?.split('/').at(-1)]);
    assert.equal(world.condition(pool, 'GoldenSnapshotReady')?.status, 'True');
    const snapshot = world.azure.resources().find(({ id }) => id === golden?.id);
    assert.ok(snapshot?.kind === 'snapshot' && snapshot.incremental);
    assert.ok(snapshot.content.writes.some(({ by }) => by === 'the script'));
    const volumes = await world.volumes();
    assert.equal(volumes.length, 2);
    assert.ok(volumes.every(({ spec }) => spec.source.version === golden?.version));
  });
});
