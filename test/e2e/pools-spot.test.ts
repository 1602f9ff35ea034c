// Spot machines that Azure takes back: whoever uses one is told, what is free is replaced.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { events } from '../../src/api/built-in.ts';
import { findCondition } from '../../src/api/conditions.ts';
import { instancePools } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { instanceTemplate } from '../builders/pools.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const namespace = 'stories';
const scaling = { minFree: 1, maxFree: 1, maxTotal: 3 };

async function begin(template: object = {}): Promise<void> {
  world = await PoolsWorld.start();
  const spot = { ...instanceTemplate, priority: 'Spot', ...template };
  await world.createInstancePool('boxes', { scaling, template: spot });
  await world.untilFree('boxes', 1);
}

function untilReason(claim: string, reason: string) {
  return eventually(
    `claim ${claim} says ${reason}`,
    async () => {
      const seen = await world.getClaim(claim);
      const condition = findCondition(seen?.status?.conditions, 'Ready');
      return condition?.reason === reason ? condition : undefined;
    },
    { because: () => world.picture(), withinSeconds: 120 },
  );
}

async function evict(name: string): Promise<void> {
  const { status } = (await world.getClaim(name)) ?? {};
  world.running.azure.evict(status!.instance!.resourceId!);
}

test('a claimed machine that is gone is told to its claim, by condition and event', async () => {
  await begin();
  await world.claim('mine');
  await world.untilReady('mine');
  await evict('mine');
  const { message } = await untilReason('mine', 'Evicted');
  assert.match(message, /Azure took the spot machine .* back.*delete the claim/);
  const told = await eventually('an event', async () => {
    const found = await world.client.list(events, { namespace });
    return found.find(
      ({ reason, regarding }) => reason === 'Evicted' && regarding?.kind === 'InstanceClaim',
    );
  });
  assert.equal(told.type, 'Warning');
  const pool = await eventually('remembered', async () => {
    const seen = await world.client.get(instancePools, { namespace, name: 'boxes' });
    return seen?.status?.unavailableSizes[0] ? seen : undefined;
  });
  assert.equal(pool.status?.unavailableSizes[0]?.reason, 'Evicted');
  await world.release('mine');
  await world.untilGone('mine');
  await world.untilFree('boxes', 1);
  await world.untilAccounted();
});

test('one that is switched off keeps its disks and is started again for its claim', async () => {
  await begin({ evictionPolicy: 'Deallocate' });
  await world.claim('mine');
  const before = await world.untilReady('mine');
  const machine = world.machineOf(before);
  assert.equal(machine.evictionPolicy, 'Deallocate');
  world.fault({
    match: { operation: 'virtualMachines.start' },
    effect: { type: 'failOperation', code: 'AllocationFailed', message: 'no capacity just now' },
    times: 2,
  });
  await evict('mine');
  await untilReason('mine', 'CapacityUnavailable');
  const after = await world.untilReady('mine', namespace, { withinSeconds: 120 });
  assert.equal(after.status?.instance?.resourceId, before.status?.instance?.resourceId);
  assert.equal(world.machineOf(after).powerState, 'running');
});

test('a free one that was taken is replaced', async () => {
  await begin();
  const [before] = await world.instances();
  world.running.azure.evict(before!.status!.azure!.resourceId);
  await eventually(
    'another is free',
    async () =>
      (await world.instances()).some(
        ({ metadata, status }) => status?.phase === 'Free' && metadata.uid !== before?.metadata.uid,
      ),
    { because: () => world.picture(), withinSeconds: 120 },
  );
  await world.untilFree('boxes', 1);
  await world.untilAccounted();
});

test('a free one that was switched off is replaced too', async () => {
  await begin({ evictionPolicy: 'Deallocate' });
  const [before] = await world.instances();
  world.running.azure.evict(before!.status!.azure!.resourceId);
  await eventually(
    'another is free',
    async () =>
      (await world.instances()).some(
        ({ metadata, status }) => status?.phase === 'Free' && metadata.uid !== before?.metadata.uid,
      ),
    { because: () => world.picture(), withinSeconds: 120 },
  );
  await world.untilFree('boxes', 1);
  await world.untilAccounted();
});
