// How free machines wait, and what a claim that gets one is told: running, deallocated or hibernated, with
// a disk attached ahead of time or without.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { instanceTemplate } from '../builders/pools.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const scaling = { minFree: 1, maxFree: 1, maxTotal: 3 };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };
const prewarm = { volumePoolRef: { name: 'disks' }, count: 1 };

async function begin(machines: object): Promise<void> {
  world = await PoolsWorld.start();
  await world.createVolumePool('disks', { scaling });
  await world.untilFree('disks', 1);
  await world.createInstancePool('boxes', { scaling, ...machines });
}

function machines() {
  return world.running.azure.cloud.resources.ofKind('virtualMachine');
}

function writes(): string[] {
  return world.running.azure.log
    .requests()
    .filter(({ method, operation }) => method !== 'GET' && operation.startsWith('virtualMachines.'))
    .map(({ operation }) => operation);
}

async function untilPrewarmed(): Promise<void> {
  await eventually(
    'a disk is attached ahead of time',
    async () =>
      (await world.instances()).some(
        ({ spec, status }) =>
          status?.phase === 'Free' && status.volumes.length === 1 && !spec.claimRef,
      ),
    { because: () => world.picture() },
  );
}

test('deallocated: started for its claim, which is Ready only when it runs', async () => {
  await begin({ warmState: 'Deallocated' });
  await world.untilFree('boxes', 1);
  assert.deepEqual(
    machines().map(({ powerState }) => powerState),
    ['deallocated'],
  );
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  const machine = world.machineOf(claim);
  assert.equal(machine.powerState, 'running');
  assert.equal(machine.dataDisks.length, 1);
  await world.release('mine');
  await world.untilGone('mine');
  await world.untilFree('boxes', 1);
  await world.untilAccounted();
  assert.deepEqual(
    machines().map(({ powerState }) => powerState),
    ['deallocated'],
  );
});

test('hibernated: resumed first, then its disk is attached', async () => {
  await begin({ warmState: 'Hibernated' });
  await world.untilFree('boxes', 1);
  assert.deepEqual(
    machines().map(({ hibernated }) => hibernated),
    [true],
  );
  world.running.azure.log.reset();
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  const machine = world.machineOf(claim);
  assert.deepEqual([machine.powerState, machine.hibernated], ['running', false]);
  assert.equal(machine.dataDisks.length, 1);
  const own = writes().filter((operation) => /start|update|attach/.test(operation));
  assert.equal(own[0], 'virtualMachines.start');
  await world.release('mine');
  await world.untilGone('mine');
  await world.untilFree('boxes', 1);
  await world.untilAccounted();
});

test('running with a disk ahead of time: the claim waits for no write to Azure', async () => {
  await begin({ prewarm });
  await untilPrewarmed();
  await world.untilAccounted();
  world.fault({
    match: { operation: 'virtualMachines.*' },
    effect: { type: 'delay', milliseconds: 3_600_000 },
  });
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  world.running.azure.faults.clear();
  assert.match(claim.status?.volume?.devicePath ?? '', /lun0$/);
  assert.equal(world.machineOf(claim).dataDisks.length, 1);
});

test('deallocated with a disk ahead of time: one start is all there is to do', async () => {
  await begin({ warmState: 'Deallocated', prewarm });
  await untilPrewarmed();
  await world.untilAccounted();
  world.running.azure.log.reset();
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  assert.equal(world.machineOf(claim).powerState, 'running');
  assert.equal(world.machineOf(claim).dataDisks.length, 1);
  const id = claim.status?.instance?.resourceId?.split('/').at(-1);
  const own = world.running.azure.log
    .requests()
    .filter(({ method, name }) => method !== 'GET' && name === id)
    .map(({ operation }) => operation);
  assert.ok(
    own.every((operation) => !/attach/i.test(operation)),
    own.join(', '),
  );
  assert.equal(own.filter((operation) => operation === 'virtualMachines.start').length, 1);
});

test('hibernated with a disk ahead of time is refused when it is asked for', async () => {
  world = await PoolsWorld.start();
  await assert.rejects(
    () => world.createInstancePool('boxes', { scaling, warmState: 'Hibernated', prewarm }),
    /prewarm cannot be combined with warmState Hibernated/,
  );
});

test('tags that pass for ours are refused, in any case of letters', async () => {
  world = await PoolsWorld.start();
  const template = { ...instanceTemplate, tags: { 'PoolKeeper:uid': 'mine' } };
  await assert.rejects(() => world.createInstancePool('boxes', { scaling, template }), /reserved/);
  const spot = { ...instanceTemplate, evictionPolicy: 'Deallocate' };
  await assert.rejects(
    () => world.createInstancePool('boxes', { scaling, template: spot }),
    /evictionPolicy must be left out unless priority is Spot/,
  );
});
