// StoragePools whose disks come from a VolumePool: claimed, attached to the node's VM, made an array of, and
// given back, as their user sees it.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { LeaseWorld } from './lease-world.ts';

let world: LeaseWorld;

afterEach(() => world.stop());

describe('an array of pooled disks', () => {
  test('is made of claimed and attached disks, and gives them back', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2);
    await world.createPool(2);
    await world.untilPhase('Active');
    const { status } = (await world.pool())!;
    assert.deepEqual(
      status?.volumes.map(({ lun, state }) => [lun, state]),
      [
        [0, 'Attached'],
        [1, 'Attached'],
      ],
    );
    assert.equal(Object.keys(world.attachedTo('node-1')).length, 2);
    await world.until('the disks are known by name', async () => {
      const volumes = (await world.pool())?.status?.volumes ?? [];
      return volumes.every(({ wwn }) => wwn !== undefined);
    });
    await world.until('the records say so', async () =>
      (await world.leased()).every(({ status }) => status?.phase === 'Attached'),
    );
    await world.deletePool();
    await world.untilGone();
    assert.deepEqual(world.attachedTo('node-1'), {});
  });
});
