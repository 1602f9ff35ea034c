// What people do to Azure behind the operator's back is found and mended; what belongs to nobody goes;
// what belongs to others stays; and a look that failed decides nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCondition } from '../../src/api/conditions.ts';
import { instancePools, volumePools } from '../../src/api/resources.ts';
import {
  type AzureCloud,
  createAzureCloud,
  createCredential,
  type Tags,
} from '../../src/azure/index.ts';
import { eventually } from '../builders/eventually.ts';
import { location, resourceGroup, subscriptionId } from '../builders/pools.ts';
import { changes, scaling, stopForgiving } from './discovery-world.ts';
import { PoolsWorld } from './pools-world.ts';

const scope = { subscriptionId, resourceGroup, location };
const byHand = { correlationId: 'by-hand', priority: 'claim' } as const;

/** Somebody with the portal open. */
async function hand({ runtime, running }: PoolsWorld): Promise<AzureCloud> {
  const credential = await createCredential({ kind: 'Simulated' });
  return createAzureCloud({ runtime, credential, endpoint: running.url });
}

function record(world: PoolsWorld, kind: 'virtualMachine' | 'disk', id: string | undefined) {
  const found = world.running.azure
    .resources()
    .find((resource) => resource.kind === kind && resource.id.toLowerCase() === id?.toLowerCase());
  assert.ok(found, `no ${kind} ${id}`);
  return found;
}

/** The portal lets people take every tag off; the port has no verb for that. */
function stripTags(world: PoolsWorld, kind: 'virtualMachine' | 'disk', id: string | undefined) {
  const found = record(world, kind, id);
  found.tags = {};
  world.running.azure.cloud.resources.save(found as never, world.runtime.clock.now());
}

test('tags taken off by hand are written again', async () => {
  const world = await PoolsWorld.start();
  try {
    await world.createVolumePool('disks', { scaling });
    await world.createInstancePool('boxes', { scaling });
    await world.untilFree('boxes', 2);
    await world.untilFree('disks', 2);
    const [instance] = await world.instances();
    const [volume] = await world.volumes();
    stripTags(world, 'virtualMachine', instance?.status?.azure?.resourceId);
    stripTags(world, 'disk', volume?.status?.azure?.resourceId);
    await eventually('both are tagged again', () =>
      [
        record(world, 'virtualMachine', instance?.status?.azure?.resourceId).tags,
        record(world, 'disk', volume?.status?.azure?.resourceId).tags,
      ].every((tags) => tags['poolkeeper:status'] === 'free'),
    );
  } finally {
    await world.stop();
  }
});

test('free members that somebody deleted are replaced, those switched off are started', async () => {
  const world = await PoolsWorld.start();
  try {
    await world.createVolumePool('disks', { scaling });
    await world.createInstancePool('boxes', { scaling });
    await world.untilFree('boxes', 2);
    await world.untilFree('disks', 2);
    const cloud = await hand(world);
    const [stopped, deleted] = await world.instances();
    const [disk] = await world.volumes();
    await cloud.power(stopped!.status!.azure!.resourceId, 'deallocate', byHand);
    await cloud.delete('instance', deleted!.status!.azure!.resourceId, byHand);
    await cloud.delete('volume', disk!.status!.azure!.resourceId, byHand);
    await eventually(
      'both are replaced, and the third runs again',
      async () => {
        const uids = [...(await world.instances()), ...(await world.volumes())].map(
          ({ metadata }) => metadata.uid,
        );
        const gone = [deleted, disk].every((member) => !uids.includes(member!.metadata.uid));
        const seen = await cloud.get('instance', stopped!.status!.azure!.resourceId, byHand);
        return gone && seen?.powerState === 'running';
      },
      { because: () => world.picture() },
    );
    await world.untilFree('boxes', 2);
    await world.untilFree('disks', 2);
    await world.untilAccounted();
  } finally {
    await stopForgiving(world, /deleted before its record was retired/);
  }
});

test('what no record describes is collected; what is retained or of others stays', async () => {
  const world = await PoolsWorld.start();
  try {
    await world.createVolumePool('disks', { scaling });
    await world.untilFree('disks', 2);
    const cloud = await hand(world);
    const make = (name: string, tags: Tags) =>
      cloud.create('volume', { scope, name, sizeGiB: 4, sku: 'Premium_LRS', tags }, byHand);
    const ours = { 'poolkeeper:installation': 'test', 'poolkeeper:uid': 'nobody' };
    await make('orphan', { ...ours, 'poolkeeper:role': 'volume' });
    await make('retained', { ...ours, 'poolkeeper:status': 'retained' });
    await make('somebodys', { ...ours, 'poolkeeper:claim-name': 'c', 'poolkeeper:claim-uid': 'c' });
    await make('others', { ...ours, 'poolkeeper:installation': 'another' });
    await make('untagged', { team: 'storage' });
    await cloud.create('instance', machine('orphan-machine', ours), byHand);
    const names = () => world.running.azure.resources().map(({ name }) => name);
    await eventually('the orphans are gone', () =>
      names().every((name) => !name.startsWith('orphan')),
    );
    const kept = names();
    for (const name of ['retained', 'somebodys', 'others', 'untagged'])
      assert.ok(kept.includes(name));
  } finally {
    await world.stop();
  }
});

function machine(name: string, tags: Tags) {
  return {
    scope,
    name,
    tags,
    vmSize: 'Standard_D2s_v5',
    image: { publisher: 'Canonical', offer: 'ubuntu-24_04-lts', sku: 'server', version: 'latest' },
    osDisk: { storageAccountType: 'StandardSSD_LRS', ephemeral: false },
    subnetId: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/virtualNetworks/v/subnets/s`,
    adminUsername: 'someone',
    sshPublicKeys: ['ssh-ed25519 AAAA test'],
    priority: 'Regular' as const,
    identityIds: [],
    hibernationEnabled: false,
  };
}

test('while looks at Azure fail nothing is removed, and a new operator makes nothing', async () => {
  const world = await PoolsWorld.start();
  try {
    await world.createVolumePool('disks', { scaling });
    await world.untilFree('disks', 2);
    await world.operators.pop()!.stop();
    const fault = world.running.azure.faults.add({
      match: { operation: 'resourceGraph.resources' },
      effect: { type: 'graphShortPage', rows: 0 },
    });
    world.running.azure.log.reset();
    await world.startOperator();
    await world.createVolumePool('more', { scaling });
    const condition = async (pool: string, type: string) => {
      const found = await world.client.get(volumePools, { namespace: 'stories', name: pool });
      return findCondition(found?.status?.conditions ?? [], type as 'Ready');
    };
    await eventually('the new pool says why', async () => {
      return (await condition('more', 'Ready'))?.reason === 'DiscoveryIncomplete';
    });
    const smaller = { scaling: { ...scaling, minFree: 0, maxFree: 0 } };
    const disks = { namespace: 'stories', name: 'disks' };
    await world.client.mergePatch(volumePools, disks, { spec: smaller });
    await eventually('the old one says why', async () => {
      return (await condition('disks', 'ScalingDown'))?.reason === 'DiscoveryIncomplete';
    });
    assert.deepEqual(changes(world), []);
    world.running.azure.faults.remove(fault);
    await world.untilFree('more', 2);
    await world.untilFree('disks', 0);
  } finally {
    await world.stop();
  }
});

test('a settled installation is only looked at', async () => {
  const world = await PoolsWorld.start();
  try {
    await world.createVolumePool('disks', { scaling });
    await world.createInstancePool('boxes', { scaling });
    await world.untilFree('boxes', 2);
    await world.untilFree('disks', 2);
    const looks = () => world.running.azure.counts()['resourceGraph.resources'] ?? 0;
    // Later than every lag, so that whatever the rows still had to say has been said.
    const quiet = looks() + 3;
    await eventually('three looks', () => looks() >= quiet);
    world.running.azure.log.reset();
    const versions = async () => {
      const reference = { namespace: 'stories', name: 'boxes' };
      const pool = await world.client.get(instancePools, reference);
      const objects = [pool!, ...(await world.instances()), ...(await world.volumes())];
      return objects.map(({ metadata }) => metadata.resourceVersion);
    };
    const before = await versions();
    await eventually('three more looks', () => looks() >= 3);
    assert.deepEqual(await versions(), before);
    const { 'resourceGraph.resources': _, ...others } = world.running.azure.counts();
    assert.deepEqual(others, {});
  } finally {
    await world.stop();
  }
});
