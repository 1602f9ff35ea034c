// StoragePools whose disks come from a VolumePool: claimed, attached to the node's VM, made an array of, and
// given back, as their user sees it.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { poolVolumes } from '../../src/api/resources.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { LeaseWorld, NAMESPACE } from './lease-world.ts';

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

  test('grows and shrinks with the count', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(3);
    await world.createPool(2);
    await world.untilPhase('Active');
    await world.changeCount(3);
    await world.until('three members', async () => {
      const { status } = (await world.pool())!;
      return status?.array?.memberCount === 3 && status.volumes.length === 3;
    });
    assert.equal(Object.keys(world.attachedTo('node-1')).length, 3);
    await world.changeCount(2);
    await world.until('the third is given back', async () => {
      const { status } = (await world.pool())!;
      const attached = Object.keys(world.attachedTo('node-1')).length;
      return status?.volumes.length === 2 && attached === 2 && status.array?.memberCount === 2;
    });
    assert.equal((await world.condition('Ready'))?.status, 'True');
    assert.equal((await world.leased()).length, 2);
  });

  test('gets another disk in place of one whose record was deleted', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(3, { reclaimPolicy: 'Delete' });
    await world.createPool(2);
    await world.untilPhase('Active');
    await world.until('named', async () =>
      (await world.pool())!.status!.volumes.every(({ wwn }) => wwn !== undefined),
    );
    const [first, second] = (await world.pool())!.status!.volumes;
    await world.client.delete(poolVolumes, { namespace: NAMESPACE, name: first!.name });
    await world.until('another one is a member', async () => {
      const { volumes = [], drives = [] } = (await world.pool())!.status!;
      const isNamed = volumes.every(({ wwn }) => wwn !== undefined);
      const isReplaced = volumes.every(({ uid }) => uid !== first!.uid);
      return volumes.length === 2 && isNamed && isReplaced && drives.length === 2;
    });
    const after = (await world.pool())!.status!;
    assert.ok(after.volumes.some(({ uid }) => uid === second!.uid));
    assert.ok(after.drives.every(({ state }) => state === 'Active'));
    await world.until('its disk is gone', async () =>
      (await world.pools.volumes()).every(({ metadata }) => metadata.uid !== first!.uid),
    );
  });
});

describe('what becomes of the disks of an array', () => {
  const ends = {
    'is kept when the pool retains it, whatever the volumes do otherwise': {
      reclaimPolicy: 'Delete',
      more: {},
      kept: 2,
    },
    'is deleted when it was destroyed by its user and volumes are deleted': {
      reclaimPolicy: 'Delete',
      more: { deletionPolicy: 'Destroy', confirmDestroy: 'data' },
      kept: 0,
    },
    'is kept when it was destroyed, but volumes are retained': {
      reclaimPolicy: 'Retain',
      more: { deletionPolicy: 'Destroy', confirmDestroy: 'data' },
      kept: 2,
    },
  };
  for (const [what, { reclaimPolicy, more, kept }] of Object.entries(ends))
    test(what, async () => {
      world = await LeaseWorld.start();
      await world.createDisks(2, { reclaimPolicy });
      await world.createPool(2, more);
      await world.untilPhase('Active');
      const uids = (await world.leased()).map(({ metadata }) => metadata.uid);
      await world.deletePool();
      await world.untilGone();
      assert.deepEqual(world.attachedTo('node-1'), {});
      await world.until(`${kept} kept`, async () => {
        const records = await world.pools.volumes();
        const left = records.filter(({ metadata }) => uids.includes(metadata.uid));
        return left.length === kept && left.every(({ status }) => status?.phase === 'Retained');
      });
    });

  test('of a pool that was never Active leaves nothing behind, at whatever step', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(4, { maxTotal: 8 });
    const moments: ((pool: StoragePool) => boolean)[] = [
      () => true,
      ({ status }) => (status?.volumes.length ?? 0) > 0,
      ({ status }) => status?.attachment?.operation !== undefined,
      ({ status }) => status?.volumes[0]?.state === 'Attached',
    ];
    for (const moment of moments) {
      await world.createPool(2);
      await world.until('the moment', async () => moment((await world.pool())!));
      const uids = (await world.leased()).map(({ metadata }) => metadata.uid);
      await world.deletePool();
      await world.untilGone();
      assert.deepEqual(world.attachedTo('node-1'), {});
      // The agent may have been quicker: then the disks are kept.
      if (world.wasActive()) continue;
      await world.until('its disks are deleted', async () =>
        (await world.pools.volumes()).every(({ metadata }) => !uids.includes(metadata.uid)),
      );
      await world.pools.untilFree('disks', 4);
    }
  });
});
