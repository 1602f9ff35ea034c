// Records that were lost come back: with the same machines, disks and claims, nothing made or deleted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotations } from '../../src/api/names.ts';
import type { AnyObject } from '../../src/api/object.ts';
import { instanceClaims, instancePools, volumePools } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import {
  bindings,
  changes,
  forceDelete,
  forceDeleteClaims,
  forceDeleteRecords,
  scaling,
  stopForgiving,
} from './discovery-world.ts';
import { PoolsWorld } from './pools-world.ts';

/** Here it is the story that records go before their resources. */
const BY_FORCE = /went while claim|let go of claim|deleted after its record/;

const newVolume = { type: 'New', new: { poolRef: { name: 'disks' } } };

async function aServedPool(world: PoolsWorld): Promise<void> {
  await world.createVolumePool('disks', { scaling });
  await world.createInstancePool('boxes', { scaling });
  await world.untilFree('boxes', 2);
  await world.untilFree('disks', 2);
  await world.claim('alice', { volume: newVolume });
  await world.claim('bob');
  await world.untilReady('alice');
  await world.untilReady('bob');
  await world.untilFree('boxes', 2);
  await world.untilFree('disks', 2);
}

test('all records deleted by force come back with their claims; Azure is asked for nothing', async () => {
  const world = await PoolsWorld.start({
    azure: { graphLag: { minimumSeconds: 60, maximumSeconds: 600 } },
  });
  try {
    await aServedPool(world);
    const before = await bindings(world);
    world.running.azure.log.reset();
    await forceDeleteRecords(world);
    await eventually(
      'the same bindings',
      async () => JSON.stringify(await bindings(world)) === JSON.stringify(before),
      { because: async () => ({ before, after: await bindings(world), picture: world.picture() }) },
    );
    await world.untilReady('alice');
    await world.untilReady('bob');
    assert.deepEqual(changes(world), []);
    await world.release('alice');
    await world.untilGone('alice');
    await eventually('the disk is kept', async () =>
      (await world.volumes()).some(({ status }) => status?.phase === 'Retained'),
    );
  } finally {
    await stopForgiving(world, BY_FORCE);
  }
});

test('records lost while no operator ran come back too', async () => {
  const world = await PoolsWorld.start();
  try {
    await aServedPool(world);
    const before = await bindings(world);
    await world.operators.pop()!.stop();
    await forceDeleteRecords(world);
    world.running.azure.log.reset();
    await world.startOperator();
    await eventually(
      'the same bindings',
      async () => JSON.stringify(await bindings(world)) === JSON.stringify(before),
      { because: async () => ({ before, after: await bindings(world), picture: world.picture() }) },
    );
    assert.deepEqual(changes(world), []);
  } finally {
    await stopForgiving(world, BY_FORCE);
  }
});

test('after the loss of everything free members are replaced, claims recover by their uid', async () => {
  const world = await PoolsWorld.start();
  try {
    await aServedPool(world);
    const alice = await world.untilReady('alice');
    const old = (await world.instances())
      .filter(({ spec }) => !spec.claimRef)
      .map(({ status }) => status?.azure?.name);
    await world.operators.pop()!.stop();
    await forceDeleteClaims(world);
    await forceDeleteRecords(world);
    for (const [resource, name] of [
      [instancePools, 'boxes'],
      [volumePools, 'disks'],
    ] as const) {
      const pool = await world.client.get<AnyObject>(resource, { namespace: 'stories', name });
      await forceDelete<AnyObject>(world, resource, [pool!]);
    }
    // Times in Kubernetes have whole seconds: the new pools must be younger than the old machines.
    const second = world.nowText();
    await eventually('the next second', () => world.nowText() > second);
    await world.startOperator();
    await world.client.create(instanceClaims, {
      apiVersion: 'poolkeeper.dev/v1alpha1',
      kind: 'InstanceClaim',
      metadata: {
        name: 'alice',
        namespace: 'stories',
        annotations: { [annotations.recoverUid]: alice.metadata.uid },
      },
      spec: { instancePoolRef: { name: 'boxes' }, volume: newVolume },
    } as never);
    await world.createVolumePool('disks', { scaling });
    await world.createInstancePool('boxes', { scaling });
    const recovered = await world.untilReady('alice');
    assert.equal(
      recovered.status?.instance?.resourceId?.toLowerCase(),
      alice.status?.instance?.resourceId?.toLowerCase(),
    );
    assert.equal(
      recovered.status?.volume?.resourceId?.toLowerCase(),
      alice.status?.volume?.resourceId?.toLowerCase(),
    );
    await world.claim('carol');
    const carol = await world.untilReady('carol');
    const given = carol.status?.instance?.resourceId?.split('/').at(-1);
    assert.ok(!old.includes(given), 'an unproven machine was handed out');
    await eventually('the unproven ones are gone', () => {
      const names = world.running.azure.resources().map(({ name }) => name);
      return old.every((name) => !names.includes(name!));
    });
    const bobs = (await world.instances()).filter(({ spec }) => spec.lastClaimRef?.name === 'bob');
    assert.deepEqual(
      bobs.map(({ status }) => status?.phase),
      ['Quarantined'],
    );
  } finally {
    await stopForgiving(world, BY_FORCE);
  }
});
