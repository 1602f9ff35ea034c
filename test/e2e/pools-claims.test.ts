// Pools and claims from the outside: what a user of kubectl would see, and what the cloud then holds.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { findCondition } from '../../src/api/conditions.ts';
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import { instanceClaims, instancePools, poolInstances } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld, type WorldOptions } from './pools-world.ts';

let world: PoolsWorld;
async function begin(options: WorldOptions = {}): Promise<void> {
  world = await PoolsWorld.start(options);
}
afterEach(() => world.stop());

const small = { minFree: 2, maxFree: 2, maxTotal: 4, scaleDownCooldown: '1s' };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };

/** Two free disks and two free machines. */
async function beginWithPools(machines: object = {}, disks: object = {}): Promise<void> {
  await begin();
  await world.createVolumePool('disks', { scaling: small, ...disks });
  await world.createInstancePool('boxes', { scaling: small, ...machines });
  await world.untilFree('disks', 2);
  await world.untilFree('boxes', 2);
}

test('a claim gets a machine with a fresh disk, and the pools fill up again', async () => {
  await beginWithPools();
  await world.claim('one', fresh);
  const claim = await world.untilReady('one');
  const machine = world.machineOf(claim);
  assert.deepEqual(
    machine.dataDisks.map(({ diskId, lun }) => [diskId, lun]),
    [[claim.status?.volume?.resourceId, 0]],
  );
  assert.equal(machine.tags['poolkeeper:claim-uid'], claim.metadata.uid);
  assert.equal(claim.status?.volume?.devicePath, '/dev/disk/azure/scsi1/lun0');
  await world.untilFree('disks', 2);
  await world.untilFree('boxes', 2);
  await world.untilAccounted();
  assert.equal((await world.instances()).length, 3);
});

test('two pools and two namespaces do not disturb each other', async () => {
  await beginWithPools();
  await world.createNamespace('elsewhere');
  await world.createInstancePool('boxes', { scaling: { ...small, minFree: 1 } }, 'elsewhere');
  await world.createInstancePool('others', { scaling: { ...small, minFree: 1 } });
  await world.untilFree('boxes', 1, 'elsewhere');
  await world.untilFree('others', 1);
  await world.claim('one');
  const claim = await world.untilReady('one');
  assert.match(claim.status?.instance?.name ?? '', /^boxes-\d+$/);
  await world.claim('one', {}, 'elsewhere');
  const other = await world.untilReady('one', 'elsewhere');
  assert.notEqual(other.status?.instance?.resourceId, claim.status?.instance?.resourceId);
  await world.release('one');
  await world.untilGone('one');
  assert.equal((await world.getClaim('one', 'elsewhere'))?.status?.phase, 'Ready');
  await world.untilAccounted();
});

test('of thirty claims on a pool of twenty, ten wait in line and say why', async () => {
  await begin();
  const scaling = { minFree: 20, maxFree: 20, maxTotal: 20 };
  await world.createInstancePool('boxes', { scaling, recyclePolicy: 'Reuse' });
  await world.untilFree('boxes', 20);
  const names = Array.from({ length: 30 }, (_, number) => `c${String(number).padStart(2, '0')}`);
  await Promise.all(names.map((name) => world.claim(name)));
  const list = (): Promise<InstanceClaim[]> =>
    world.client.list(instanceClaims, { namespace: 'stories' });
  const waiting = await eventually('ten wait', async () => {
    const claims = await list();
    const ready = claims.filter(({ status }) => status?.phase === 'Ready');
    const rest = claims.filter(
      ({ status }) => findCondition(status?.conditions, 'Ready')?.reason === 'PoolExhausted',
    );
    return ready.length === 20 && rest.length === 10 ? rest : undefined;
  });
  const message = findCondition(waiting[0]!.status?.conditions, 'Ready')?.message;
  assert.equal(message, '20 of 20 instances of boxes are claimed');
  const served: string[] = [];
  for (const name of names.filter((name) => waiting.every((one) => one.metadata.name !== name)))
    if (served.length < 10) served.push(name);
  for (const name of served) await world.release(name);
  await eventually(
    'the waiting are served',
    async () =>
      (await list()).length === 20 &&
      (await list()).every(({ status }) => status?.phase === 'Ready'),
  );
  const owners = (await world.instances()).map(({ spec }) => spec.claimRef?.uid);
  assert.equal(new Set(owners).size, 20);
  await world.untilAccounted();
});

test('those who wait are served in the order in which they came', async () => {
  await begin();
  const scaling = { minFree: 1, maxFree: 1, maxTotal: 1 };
  await world.createInstancePool('boxes', { scaling, recyclePolicy: 'Reuse' });
  await world.untilFree('boxes', 1);
  await world.claim('first');
  await world.untilReady('first');
  const inLine = ['d', 'b', 'c', 'a'];
  for (const name of inLine) {
    // Creation times have whole seconds; the uid decides among equals, so the clock must move on.
    const claim = await world.claim(name);
    const before = claim.metadata.creationTimestamp;
    await eventually('the next second', () => world.nowText() > before);
  }
  const served: string[] = [];
  let owner = 'first';
  for (const _ of inLine) {
    await world.release(owner);
    await world.untilGone(owner);
    owner = await eventually('the next is served', async () => {
      const claims = await world.client.list(instanceClaims, { namespace: 'stories' });
      return claims.find(({ status }) => status?.phase === 'Ready')?.metadata.name;
    });
    served.push(owner);
  }
  assert.deepEqual(served, inLine);
});

test('a released machine is replaced, its kept disk comes back to whoever names it', async () => {
  await beginWithPools();
  await world.claim('one', fresh);
  const claim = await world.untilReady('one');
  const { name, uid, resourceId } = claim.status!.volume!;
  world.running.azure.writeToDisk(resourceId!, 'one');
  await world.release('one');
  await world.untilGone('one');
  const before = claim.status!.instance!.uid;
  await world.claim('two', { volume: { type: 'Existing', existing: { name, uid } } });
  const again = await world.untilReady('two');
  assert.equal(again.status?.volume?.resourceId, resourceId);
  assert.notEqual(again.status?.instance?.uid, before);
  assert.deepEqual(world.writersOf(resourceId!), ['one']);
  await world.untilFree('boxes', 2);
  await world.untilAccounted();
  assert.ok((await world.instances()).every(({ metadata }) => metadata.uid !== before));
});

test('under Reuse the same machine serves again, clean of the claim before', async () => {
  await begin();
  const scaling = { minFree: 1, maxFree: 1, maxTotal: 1 };
  await world.createVolumePool('disks', { scaling: small });
  await world.createInstancePool('boxes', { recyclePolicy: 'Reuse', scaling });
  await world.untilFree('disks', 2);
  await world.untilFree('boxes', 1);
  await world.claim('one', fresh);
  const first = await world.untilReady('one');
  await world.release('one');
  await world.untilGone('one');
  await world.claim('two');
  const second = await world.untilReady('two');
  assert.equal(second.status?.instance?.uid, first.status?.instance?.uid);
  assert.deepEqual(world.machineOf(second).dataDisks, []);
  const [instance] = await world.instances();
  assert.equal(instance?.metadata.labels?.['poolkeeper.dev/claim'], 'two');
  await world.release('two');
  await world.untilGone('two');
  await world.untilFree('boxes', 1);
  const [free] = await world.instances();
  assert.equal(free?.metadata.labels?.['poolkeeper.dev/claim'], undefined);
});

test('no disk that was used comes back as a fresh one', async () => {
  await beginWithPools({ recyclePolicy: 'Reuse' }, { reclaimPolicy: 'Recycle' });
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await world.claim(name, fresh);
    const { status } = await world.untilReady(name);
    assert.deepEqual(world.writersOf(status!.volume!.resourceId!), []);
    world.running.azure.writeToDisk(status!.volume!.resourceId!, name);
    await world.release(name);
    await world.untilGone(name);
  }
  // A used one rests for a moment before it is retired.
  await eventually('no used disk is left', async () =>
    (await world.volumes()).every(({ spec }) => spec.lastClaimRef === undefined),
  );
  await world.untilAccounted();
});

test('a claim deleted while its disk is being attached leaves nothing behind', async () => {
  await beginWithPools();
  world.fault({
    match: { operation: 'virtualMachines.update' },
    effect: { type: 'slowOperation', factor: 20 },
    times: 1,
  });
  await world.claim('one', fresh);
  await eventually('the disk is on its way', async () =>
    (await world.volumes()).some(({ status }) => status?.phase === 'Attaching'),
  );
  await world.release('one');
  await world.untilGone('one');
  await world.untilFree('boxes', 2);
  await world.untilAccounted();
});

test('a record that somebody deletes while it is claimed waits for the release', async () => {
  await beginWithPools();
  await world.claim('one', fresh);
  const claim = await world.untilReady('one');
  const { name } = claim.status!.instance!;
  await world.client.delete(poolInstances, { namespace: 'stories', name });
  await world.client.delete(poolInstances, { namespace: 'stories', name: 'boxes-1' });
  await eventually('the free one goes', async () =>
    (await world.instances()).every(
      ({ metadata, spec }) => !metadata.deletionTimestamp || spec.claimRef !== undefined,
    ),
  );
  assert.equal((await world.getClaim('one'))?.status?.phase, 'Ready');
  assert.equal(world.machineOf(claim).dataDisks.length, 1);
  await world.release('one');
  await world.untilGone('one');
  await world.untilAccounted();
});

test('a record deleted before its disk is attached still serves its claim', async () => {
  await beginWithPools();
  world.fault({
    match: { operation: 'virtualMachines.update' },
    effect: { type: 'error', status: 500 },
    times: 3,
  });
  await world.claim('one', fresh);
  const bound = await eventually('bound', async () =>
    (await world.instances()).find(({ spec }) => spec.claimRef?.name === 'one'),
  );
  await world.client.delete(poolInstances, { namespace: 'stories', name: bound.metadata.name });
  const claim = await world.untilReady('one');
  assert.equal(world.machineOf(claim).dataDisks.length, 1);
});

test('a claim whose time is over is released and says so', async () => {
  await beginWithPools();
  await world.claim('one', { ...fresh, ttl: '2s' });
  await world.untilReady('one');
  const over = await eventually('expired', async () => {
    const claim = await world.getClaim('one');
    return claim?.status?.phase === 'Failed' ? claim : undefined;
  });
  assert.equal(findCondition(over.status?.conditions, 'Ready')?.reason, 'Expired');
  await world.untilFree('boxes', 2);
  await world.untilAccounted();
  assert.ok((await world.instances()).every(({ spec }) => spec.claimRef === undefined));
});

test('a claim that nothing can serve keeps no machine from the others', async () => {
  await begin();
  await world.createInstancePool('boxes', { scaling: { minFree: 1, maxFree: 1, maxTotal: 2 } });
  await world.untilFree('boxes', 1);
  const uid = '5e1d7a3c-8f42-4b6e-9a01-c3d5e7f90b12';
  for (const name of ['typo', 'typo-too'])
    await world.claim(name, { volume: { type: 'Existing', existing: { name: 'none', uid } } });
  await eventually('told', async () => (await world.getClaim('typo-too'))?.status?.phase);
  await world.claim('one');
  await world.untilReady('one');
  const typo = await world.getClaim('typo');
  assert.equal(findCondition(typo?.status?.conditions, 'Ready')?.reason, 'VolumeNotFound');
});

test('a smaller pool shrinks after the cooldown, the longest free first', async () => {
  await begin();
  const scaling = { minFree: 1, maxFree: 4, maxTotal: 6, scaleDownCooldown: '2s' };
  await world.createInstancePool('boxes', { scaling: { ...scaling, minFree: 2 } });
  await world.untilFree('boxes', 2);
  const first = (await world.instances()).map(({ metadata }) => metadata.name);
  const patch = (changes: object) =>
    world.client.mergePatch(
      instancePools,
      { namespace: 'stories', name: 'boxes' },
      { spec: { scaling: changes } },
    );
  await patch({ minFree: 4 });
  await world.untilFree('boxes', 4);
  await patch({ minFree: 1, maxFree: 2 });
  await world.untilFree('boxes', 2);
  const left = (await world.instances()).filter(({ metadata }) => !metadata.deletionTimestamp);
  assert.deepEqual(
    left.map(({ metadata }) => metadata.name).filter((name) => first.includes(name)),
    [],
  );
  const pool = await world.client.get(instancePools, { namespace: 'stories', name: 'boxes' });
  const { lastScaleUpTime = '', lastScaleDownTime = '' } = pool?.status ?? {};
  assert.ok(Date.parse(lastScaleDownTime) - Date.parse(lastScaleUpTime) >= 2000, 'no cooldown');
  await world.untilAccounted();
});
