// Bytes that somebody may want back: what destroys them, and what does not.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import { poolVolumes, volumePools } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const namespace = 'stories';
const small = { minFree: 1, maxFree: 1, maxTotal: 4 };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };

async function begin(machines: object = {}, disks: object = {}): Promise<void> {
  world = await PoolsWorld.start();
  await world.createVolumePool('disks', { scaling: small, ...disks });
  await world.createInstancePool('boxes', { scaling: small, ...machines });
  await world.untilFree('disks', 1);
  await world.untilFree('boxes', 1);
}

async function use(name: string): Promise<InstanceClaim> {
  await world.claim(name, fresh);
  const claim = await world.untilReady(name);
  world.running.azure.writeToDisk(claim.status!.volume!.resourceId!, name);
  return claim;
}

function untilRetained(resourceId: string) {
  return eventually(
    'it is kept',
    async () =>
      (await world.volumes()).find(
        ({ status }) =>
          status?.phase === 'Retained' &&
          status.azure?.resourceId.toLowerCase() === resourceId.toLowerCase(),
      ),
    { because: () => world.picture() },
  );
}

test("deleting a claimed disk's record destroys nothing: it is kept, and recorded again", async () => {
  await begin();
  const claim = await use('mine');
  const { name, uid, resourceId } = claim.status!.volume!;
  await world.client.delete(poolVolumes, { namespace, name });
  assert.equal((await world.getClaim('mine'))?.status?.phase, 'Ready');
  await world.release('mine');
  await world.untilGone('mine');
  const record = await untilRetained(resourceId!);
  assert.deepEqual(world.writersOf(resourceId!), ['mine']);
  const existing = { name: record.metadata.name, uid };
  await world.claim('again', { volume: { type: 'Existing', existing } });
  const again = await world.untilReady('again');
  assert.equal(again.status?.volume?.resourceId?.toLowerCase(), resourceId!.toLowerCase());
});

test('a change to reclaimPolicy Delete spares what is kept already', async () => {
  await begin();
  const kept = await use('before');
  await world.release('before');
  await world.untilGone('before');
  await untilRetained(kept.status!.volume!.resourceId!);
  const patch = { spec: { reclaimPolicy: 'Delete' } };
  await world.client.mergePatch(volumePools, { namespace, name: 'disks' }, patch);
  await world.untilFree('disks', 1);
  const lost = await use('after');
  await world.release('after');
  await world.untilGone('after');
  await eventually('the later one is deleted', () => {
    const { disk } = {
      disk: world.running.azure.cloud.resources.get('disk', lost.status?.volume?.resourceId),
    };
    return disk === undefined;
  });
  const record = await untilRetained(kept.status!.volume!.resourceId!);
  assert.equal(record.status?.reclaimPolicy, 'Retain');
  assert.deepEqual(world.writersOf(kept.status!.volume!.resourceId!), ['before']);
});

test('a prewarmed disk that a claim swaps for its own on a running machine is never handed out', async () => {
  await begin();
  const mine = await use('mine');
  await world.release('mine');
  await world.untilGone('mine');
  const kept = await untilRetained(mine.status!.volume!.resourceId!);
  const prewarm = { volumePoolRef: { name: 'disks' }, count: 1 };
  await world.createInstancePool('warm', { scaling: { ...small, maxTotal: 1 }, prewarm });
  const held = await eventually('prewarmed', async () => {
    const found = (await world.instances()).find(({ spec }) => spec.poolRef.name === 'warm');
    return found?.status?.volumes[0];
  });
  const { name, uid } = kept.metadata;
  const volume = { type: 'Existing', existing: { name, uid } };
  await world.claim('again', { instancePoolRef: { name: 'warm' }, volume });
  await world.untilReady('again');
  await eventually(
    'the one that was swapped is gone for good',
    () => world.running.azure.cloud.resources.get('disk', held.resourceId) === undefined,
    { because: () => world.picture() },
  );
});

test('on a machine that is switched off it is as good as new', async () => {
  await begin();
  const mine = await use('mine');
  await world.release('mine');
  await world.untilGone('mine');
  const kept = await untilRetained(mine.status!.volume!.resourceId!);
  const prewarm = { volumePoolRef: { name: 'disks' }, count: 1 };
  await world.createInstancePool('cold', {
    scaling: { ...small, maxTotal: 1 },
    warmState: 'Deallocated',
    prewarm,
  });
  const held = await eventually('prewarmed', async () => {
    const found = (await world.instances()).find(({ spec }) => spec.poolRef.name === 'cold');
    return found?.status?.volumes[0];
  });
  const { name, uid } = kept.metadata;
  const volume = { type: 'Existing', existing: { name, uid } };
  await world.claim('again', { instancePoolRef: { name: 'cold' }, volume });
  await world.untilReady('again');
  await eventually('it is free again', async () =>
    (await world.volumes()).some(
      ({ metadata, status }) => metadata.uid === held.uid && status?.phase === 'Free',
    ),
  );
});
