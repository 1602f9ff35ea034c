// Azure and the API server misbehave; in the end everything is as if they had not, and counted.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { instancePools } from '../../src/api/resources.ts';
import type { FaultEffect, FaultOrder } from '../../src/local/azure/index.ts';
import type { FaultEffect as ApiFault } from '../../src/local/kubernetes/index.ts';
import { isWrite } from '../../src/local/kubernetes/index.ts';
import { eventually } from '../builders/eventually.ts';
import { instanceTemplate } from '../builders/pools.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const small = { minFree: 2, maxFree: 2, maxTotal: 5, scaleDownCooldown: '1s' };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };

/** A pool fills, a claim is served and released, and everything is counted. */
async function live(): Promise<void> {
  await world.createVolumePool('disks', { scaling: small, reclaimPolicy: 'Delete' });
  await world.createInstancePool('boxes', { scaling: small });
  const patience = { withinSeconds: 120 };
  await world.untilFree('disks', 2, 'stories', patience);
  await world.untilFree('boxes', 2, 'stories', patience);
  await world.claim('one', fresh);
  const claim = await world.untilReady('one', 'stories', patience);
  assert.equal(world.machineOf(claim).dataDisks.length, 1);
  await world.release('one');
  await world.untilGone('one', 'stories', patience);
  await world.untilFree('disks', 2, 'stories', patience);
  await world.untilFree('boxes', 2, 'stories', patience);
  await world.untilAccounted({ ...patience, records: 4 });
  assert.equal((await world.instances()).length, 2);
}

const throttled: FaultEffect = { type: 'error', status: 429, retryAfterSeconds: 1 };
const broken: FaultEffect = { type: 'error', status: 500 };
const unknown: FaultEffect = { type: 'timeout', applied: true };
const unheard: FaultEffect = { type: 'timeout', applied: false };

const cloudFaults: Record<string, FaultOrder[]> = {
  'every first creation is throttled': [
    { match: { operation: '*.createOrUpdate' }, effect: throttled, times: 2 },
  ],
  'reads and writes fail now and then': [
    { match: { operation: '*' }, effect: broken, skip: 3, times: 4 },
    { match: { operation: '*' }, effect: broken, skip: 40, times: 4 },
  ],
  'creations are applied, their answers lost': [
    { match: { operation: '*.createOrUpdate' }, effect: unknown, times: 4 },
  ],
  'creations are not even heard': [
    { match: { operation: '*.createOrUpdate' }, effect: unheard, times: 4 },
  ],
  'attaching and detaching are applied, their answers lost': [
    { match: { operation: 'virtualMachines.update' }, effect: unknown, times: 3 },
  ],
  'deletions are applied, their answers lost': [
    { match: { operation: '*.delete' }, effect: unknown, times: 3 },
  ],
  'operations cannot be followed': [
    { match: { operation: '*' }, effect: { type: 'loseOperation' }, times: 20 },
  ],
  'what is made shows late, what is deleted lingers': [
    {
      match: { operation: '*.createOrUpdate' },
      effect: { type: 'hideAfterCreate', forSeconds: 1 },
      times: 4,
    },
    {
      match: { operation: '*.delete' },
      effect: { type: 'lingerAfterDelete', forSeconds: 1 },
      times: 3,
    },
  ],
  'attaching fails in the end': [
    {
      match: { operation: 'virtualMachines.update' },
      effect: { type: 'failOperation', code: 'InternalExecutionError' },
      // The first two write the tags of the machines that wait.
      skip: 2,
      times: 1,
    },
  ],
};

describe('the cloud misbehaves', { concurrency: false }, () => {
  for (const [what, orders] of Object.entries(cloudFaults)) {
    test(what, async () => {
      world = await PoolsWorld.start();
      for (const order of orders) world.fault(order);
      await live();
    });
  }

  test('creations that fail half-way are cleaned up, and tried again after a pause', async () => {
    world = await PoolsWorld.start();
    world.fault({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: {
        type: 'failOperation',
        code: 'OSProvisioningTimedOut',
        leaves: ['virtualMachine', 'networkInterface', 'osDisk'],
      },
      times: 1,
    });
    world.fault({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: {
        type: 'failOperation',
        code: 'InternalExecutionError',
        leaves: ['osDisk'],
      },
      skip: 1,
      times: 1,
    });
    await live();
  });

  test('what a machine leaves that was never seen is found by its name', async () => {
    const atOnce = { minimumSeconds: 0, maximumSeconds: 0 };
    world = await PoolsWorld.start({ azure: { durations: { virtualMachineCreate: atOnce } } });
    world.fault({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: { type: 'failOperation', code: 'InternalExecutionError', leaves: ['osDisk'] },
      times: 1,
    });
    await live();
  });

  test('a size that Azure does not have is passed over for the next', async () => {
    world = await PoolsWorld.start();
    world.running.azure.capacity.setLimits([{ size: 'Standard_D2s_v5', machines: 1 }]);
    const pool = await world.createInstancePool('boxes', {
      scaling: small,
      template: { ...instanceTemplate, vmSizes: ['Standard_D2s_v5', 'Standard_D2as_v5'] },
    });
    await world.untilFree('boxes', 2, 'stories', { withinSeconds: 120 });
    await world.untilAccounted();
    const sizes = (await world.instances()).map(({ spec }) => spec.vmSize);
    assert.deepEqual(sizes.sort(), ['Standard_D2as_v5', 'Standard_D2s_v5']);
    const { namespace, name } = pool.metadata;
    const { status } = (await world.client.get(instancePools, { namespace, name }))!;
    assert.equal(status?.unavailableSizes[0]?.vmSize, 'Standard_D2s_v5');
  });
});

const apiFaults: Record<string, { effect: ApiFault; every: number; writesOnly: boolean }> = {
  'every fifth write is refused as a conflict': {
    effect: { type: 'conflict' },
    every: 5,
    writesOnly: true,
  },
  'every sixth write is applied, its answer lost': {
    effect: { type: 'timeout-applied' },
    every: 6,
    writesOnly: true,
  },
  'every seventh request fails': {
    effect: { type: 'error', code: 500 },
    every: 7,
    writesOnly: false,
  },
  'all watches break again and again': {
    effect: { type: 'drop-watches' },
    every: 8,
    writesOnly: true,
  },
};

describe('the API server misbehaves', { concurrency: false }, () => {
  for (const [what, { effect, every, writesOnly }] of Object.entries(apiFaults)) {
    test(what, async () => {
      world = await PoolsWorld.start();
      let number = 0;
      const remove = world.kubernetes.server.faults.add({
        match: {
          group: 'poolkeeper.dev',
          user: 'operator',
          where: (facts) => (!writesOnly || isWrite(facts)) && ++number % every === 0,
        },
        effect,
        times: 60,
      });
      await live();
      remove();
      assert.ok(world.kubernetes.server.faults.fired > 2, 'the fault never fired');
    });
  }

  test('history is compacted and watches end: everything is listed again', async () => {
    world = await PoolsWorld.start();
    await world.createInstancePool('boxes', { scaling: small });
    await world.untilFree('boxes', 2);
    world.kubernetes.server.compact();
    world.kubernetes.server.closeWatches();
    await world.claim('one');
    await world.untilReady('one');
    await world.untilFree('boxes', 2);
    await world.untilAccounted();
  });
});

test('the API server is restarted in the middle of everything', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'pools-faults-'));
  try {
    world = await PoolsWorld.start({ dataDirectory });
    await world.createVolumePool('disks', { scaling: small });
    await world.createInstancePool('boxes', { scaling: small });
    await world.untilFree('boxes', 2);
    await world.claim('one', fresh);
    await world.restartKubernetes();
    await eventually('it answers', () => world.getClaim('one').catch(() => undefined));
    await world.claim('two', fresh);
    await world.untilReady('one');
    await world.untilReady('two');
    await world.untilFree('boxes', 2);
    await world.untilFree('disks', 2);
    await world.untilAccounted();
    assert.equal((await world.instances()).length, 4);
  } finally {
    rmSync(dataDirectory, { recursive: true });
  }
});

test('nothing is written anywhere once everything is settled, also after a restart', async () => {
  world = await PoolsWorld.start();
  await world.createVolumePool('disks', { scaling: small });
  await world.createInstancePool('boxes', { scaling: small });
  await world.untilFree('boxes', 2);
  await world.claim('one', fresh);
  await world.untilReady('one');
  await world.untilFree('boxes', 2);
  await world.untilFree('disks', 2);
  await world.untilAccounted();
  const writes: string[] = [];
  let lastAt = world.runtime.clock.monotonic();
  world.kubernetes.server.requests.subscribe((record) => {
    if (!isWrite(record) || record.resource === 'leases' || record.resource === 'events') return;
    writes.push(`${record.verb} ${record.resource} ${record.name} by ${record.client}`);
    lastAt = world.runtime.clock.monotonic();
  });
  const quietFor = (milliseconds: number) =>
    eventually('quiet', () => world.runtime.clock.monotonic() - lastAt > milliseconds);
  await quietFor(500);
  writes.length = 0;
  world.running.azure.log.reset();
  await quietFor(2500);
  await world.operators.splice(0)[0]!.stop();
  await world.startOperator();
  lastAt = world.runtime.clock.monotonic();
  await quietFor(2000);
  assert.deepEqual(writes, []);
  const mutations = world.running.azure.requests().filter(({ method }) => method !== 'GET');
  assert.deepEqual(
    mutations
      .map(({ operation }) => operation)
      .filter((operation) => !/resourceGraph/i.test(operation)),
    [],
  );
});
