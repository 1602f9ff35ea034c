// What stands between a StoragePool and its disks from a VolumePool, and what is said about it.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { leases, nodes } from '../../src/api/built-in.ts';
import { nodeMounts, poolVolumes, storagePools, volumePools } from '../../src/api/resources.ts';
import { createAzureCloud, createCredential } from '../../src/azure/index.ts';
import { goldenSnapshotId, resourceGroup, subscriptionId } from '../builders/pools.ts';
import { forceDelete } from './discovery-world.ts';
import { LeaseWorld, NAMESPACE } from './lease-world.ts';

let world: LeaseWorld;

afterEach(() => world.stop());

const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
const compute = `azure://${group}/providers/Microsoft.Compute`;

describe('nodes that no disk can be attached to', () => {
  const refused = {
    'a member of a uniform scale set': [
      `${compute}/virtualMachineScaleSets/aks-nodes/virtualMachines/0`,
      /uniform scale set aks-nodes/,
    ],
    'a machine of another cloud': ['aws:///eu-west-1a/i-0123', /not that of an Azure VM/],
    'a node without a word about its machine': ['', /spec\.providerID is empty/],
    'a VM that Azure does not know': [
      `${compute}/virtualMachines/nobody`,
      /Azure has no VM nobody/,
    ],
  } as const;
  for (const [what, [providerId, words]] of Object.entries(refused))
    test(what, async () => {
      world = await LeaseWorld.start([]);
      await world.addNode('node-1', providerId);
      await world.createDisks(2, { maxTotal: 4 });
      await world.createPool(2);
      await world.untilSays('Stalled', words);
      assert.equal((await world.leased()).length, 0);
      await world.deletePool();
      await world.untilGone();
    });
});

describe('disks that are not to be had', () => {
  test('are waited for, and come as soon as there may be enough', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2, { maxTotal: 2 });
    await world.createPool(3, { mdadm: { level: 5 } });
    await world.untilSays(
      'Ready',
      /3 disks are asked for, and VolumePool disks may have 2 in all: raise its spec.scaling/,
    );
    assert.equal((await world.condition('Ready'))?.reason, 'VolumePoolExhausted');
    assert.equal((await world.leased()).length, 0, 'all or none');
    const scaling = { spec: { scaling: { maxFree: 4, maxTotal: 4 } } };
    await world.client.mergePatch(volumePools, { namespace: NAMESPACE, name: 'disks' }, scaling);
    await world.untilPhase('Active');
    assert.equal((await world.leased()).length, 3);
  });

  test('two pools that want more than there is: the older is served, then the other', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(3, { maxTotal: 3, reclaimPolicy: 'Delete' });
    await world.createPool(2, {}, 'first');
    await world.untilPhase('Active', 'first');
    await world.createPool(2, {}, 'second');
    await world.untilSays('Ready', /waits for 2 empty disks/, 'second');
    await world.client.mergePatch(
      storagePools,
      { namespace: NAMESPACE, name: 'first' },
      { spec: { deletionPolicy: 'Destroy', confirmDestroy: 'first' } },
    );
    await world.deletePool('first');
    await world.untilPhase('Active', 'second');
  });

  test('copies of a golden snapshot are refused in words', async () => {
    world = await LeaseWorld.start();
    await world.pools.createVolumePool('disks', {
      goldenSnapshot: { type: 'Existing', existing: { id: goldenSnapshotId } },
      scaling: { minFree: 2, maxFree: 2, maxTotal: 4 },
    });
    await world.pools.untilFree('disks', 2);
    await world.createPool(2);
    await world.untilSays('Stalled', /copies of a golden snapshot.*goldenSnapshot\.type Empty/);
    assert.equal((await world.leased()).length, 0);
  });

  test('a pool that does not exist', async () => {
    world = await LeaseWorld.start();
    await world.createPool(2);
    await world.untilSays('Stalled', /no VolumePool disks in this namespace/);
  });
});

describe('Azure that refuses', () => {
  test('an attach that fails is tried again, and says why meanwhile', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2);
    world.pools.fault({
      match: { operation: 'virtualMachines.update' },
      effect: { type: 'failOperation', code: 'AttachDiskFailed', message: 'no luck' },
      times: 1,
    });
    await world.createPool(2);
    await world.untilSays('Ready', /attempt 1.*AttachDiskFailed/);
    await world.untilPhase('Active');
  });

  test('a right that is missing is named', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2);
    world.pools.fault({
      match: { operation: 'virtualMachines.get', name: 'node-1' },
      effect: {
        type: 'error',
        status: 403,
        code: 'AuthorizationFailed',
        message: 'no right to read',
      },
      times: 3,
    });
    await world.createPool(2);
    await world.untilSays('Stalled', /no right to read/);
    assert.equal((await world.condition('Stalled'))?.reason, 'AuthorizationFailed');
    await world.untilPhase('Active');
  });
});

describe('what is lost', () => {
  test('records that vanish come back to their pool, and the array is left alone', async () => {
    const azure = { graphLag: { min: 0, max: 0 } } as never;
    world = await LeaseWorld.start(['node-1'], { azure });
    await world.createDisks(2, { maxTotal: 4 });
    await world.createPool(2);
    await world.untilPhase('Active');
    await world.until('named and recorded', async () => {
      const { volumes } = (await world.pool())!.status!;
      const records = await world.leased();
      const isMirrored = records.every(({ status }) => status?.phase === 'Attached');
      return volumes.every(({ wwn }) => wwn !== undefined) && isMirrored;
    });
    const before = world.attachedTo('node-1');
    await forceDelete(world.pools, poolVolumes, await world.leased());
    // That they went is somebody's doing, not the operator's.
    world.pools.watch.violations.length = 0;
    await world.until(
      'two are leased again',
      async () => {
        const leased = await world.leased();
        return leased.length === 2 && leased.every(({ status }) => status?.phase === 'Attached');
      },
      90,
    );
    assert.deepEqual(world.attachedTo('node-1'), before);
    assert.equal((await world.pool())?.status?.phase, 'Active');
    assert.equal((await world.pool())?.status?.volumes.length, 2);
  });

  test('a node and its VM: the disks go back once Azure shows them detached', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2, { maxTotal: 4 });
    await world.createPool(2);
    await world.untilPhase('Active');
    const uids = (await world.leased()).map(({ metadata }) => metadata.uid);
    await world.stopAgent('node-1');
    const lease = { namespace: 'poolkeeper-system', name: 'poolkeeper-agent-node-1' };
    await world.client.delete(leases, lease);
    await world.client.delete(nodes, { name: 'node-1' });
    await world.deletePool();
    await world.untilSays('Deleting', /VM node-1 still has its disks and runs/);
    assert.equal(Object.keys(world.attachedTo('node-1')).length, 2, 'nobody has unmounted them');
    const { resources } = world.pools.running.azure.cloud;
    const machine = resources.get('virtualMachine', world.machines.idOf('node-1'))!;
    machine.powerState = 'deallocated';
    resources.save(machine, 0);
    await world.untilGone();
    assert.deepEqual(world.attachedTo('node-1'), {});
    await world.until('kept', async () => {
      const kept = (await world.pools.volumes()).filter(({ metadata: { uid } }) =>
        uids.includes(uid),
      );
      return kept.length === 2 && kept.every(({ status }) => status?.phase === 'Retained');
    });
  });

  test('a VM that is made anew gets the disks of its node, with all that is on them', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2, { maxTotal: 4 });
    await world.createPool(2);
    await world.untilPhase('Active');
    const uids = (await world.leased()).map(({ metadata }) => metadata.uid).sort();
    const { resources } = world.pools.running.azure.cloud;
    const former = resources.get('virtualMachine', world.machines.idOf('node-1'))!;
    await world.stopAgent('node-1');
    const host = world.hosts.get('node-1')!;
    for (const { diskId } of former.dataDisks) {
      const disk = resources.get('disk', diskId)!;
      delete disk.managedBy;
      disk.diskState = 'Unattached';
      resources.save(disk, 0);
    }
    resources.remove(former.id, 0);
    host.machine.reboot();
    assert.equal(world.disksOf('node-1').length, 0);
    const spec = { providerID: world.machines.add(host, 'node-1-again') };
    await world.client.mergePatch(nodes, { name: 'node-1' }, { spec });
    world.startAgent('node-1');
    await world.until('attached to the new one', () => {
      return Object.keys(world.attachedTo('node-1-again')).length === 2;
    });
    await world.untilSays('Ready', /^(?!.*node left)/);
    await world.until('Active again', async () => {
      const { phase, array } = (await world.pool())!.status!;
      return phase === 'Active' && array?.degradedCount === 0 && world.isMounted('node-1');
    });
    assert.deepEqual((await world.leased()).map(({ metadata }) => metadata.uid).sort(), uids);
  });
});

describe('a pool whose finalizer was taken off by hand', () => {
  test('has its disks detached once its mount is gone, and they are kept', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2, { maxTotal: 4, reclaimPolicy: 'Delete' });
    await world.createPool(2);
    await world.untilPhase('Active');
    const uids = (await world.leased()).map(({ metadata }) => metadata.uid);
    await forceDelete(world.pools, storagePools, [(await world.pool())!]);
    await world.until('the pool is gone', async () => (await world.pool()) === undefined);
    const [mount] = await world.client.list(nodeMounts);
    assert.ok(mount, 'it outlives its pool until somebody collects it');
    await world.client.delete(nodeMounts, { namespace: NAMESPACE, name: mount.metadata.name });
    await world.until('detached and kept', async () => {
      const volumes = (await world.pools.volumes()).filter(({ metadata }) =>
        uids.includes(metadata.uid),
      );
      return volumes.length === 2 && volumes.every(({ status }) => status?.phase === 'Retained');
    });
    assert.deepEqual(world.attachedTo('node-1'), {});
    assert.equal(world.isMounted('node-1'), false);
  });
});

describe('an operator that ends in the middle', () => {
  test('is carried on by the next, at every step of making and undoing', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2, { maxTotal: 4, reclaimPolicy: 'Delete' });
    let restarts = 0;
    const replace = async (): Promise<void> => {
      const [operator] = world.pools.operators.splice(0);
      await operator!.stop();
      await world.pools.startOperator();
      restarts++;
    };
    const whileReplacing = async (holds: () => Promise<boolean>): Promise<void> => {
      for (let round = 0; round < 12 && !(await holds()); round++) await replace();
    };
    const more = { deletionPolicy: 'Destroy', confirmDestroy: 'data' };
    await world.createPool(2, more);
    await whileReplacing(async () => (await world.pool())?.status?.phase === 'Active');
    await world.untilPhase('Active');
    assert.equal(Object.keys(world.attachedTo('node-1')).length, 2);
    await world.deletePool();
    await whileReplacing(async () => (await world.pool()) === undefined);
    await world.untilGone();
    assert.deepEqual(world.attachedTo('node-1'), {});
    assert.ok(restarts > 2);
    await world.until('only fresh disks', async () => (await world.pools.volumes()).length === 2);
    await world.pools.untilFree('disks', 2);
    await world.pools.untilAccounted({ records: 2 });
  });
});

describe('disks that a deleted pool has kept', () => {
  test('bring the array back when somebody attaches them and a pool adopts it', async () => {
    world = await LeaseWorld.start();
    await world.createDisks(2, { maxTotal: 4, reclaimPolicy: 'Delete' });
    await world.createPool(2);
    await world.untilPhase('Active');
    const { array, volumes } = (await world.pool())!.status!;
    await world.deletePool();
    await world.untilGone();
    const cloud = createAzureCloud({
      runtime: world.pools.runtime,
      credential: await createCredential({ kind: 'Simulated' }),
      endpoint: world.pools.running.url,
      userAgent: 'somebody',
    });
    const call = { correlationId: 'by-hand', priority: 'claim' } as const;
    const machine = await cloud.get('instance', world.machines.idOf('node-1'), call);
    const attach = volumes.map(({ resourceId = '' }, lun) => ({
      diskId: resourceId,
      lun: lun + 7,
    }));
    await cloud.changeDataDisks(machine!, { attach, detach: [] }, call);
    const adopt = { type: 'Adopt', adopt: { arrayUUID: array!.uuid } };
    await world.client.create(storagePools, {
      metadata: { name: 'again', namespace: NAMESPACE },
      spec: { type: 'mdadm', mdadm: { nodeName: 'node-1', level: 1, source: adopt } },
    } as never);
    await world.untilPhase('Active', 'again');
    const uids = volumes.map(({ uid }) => uid);
    const records = (await world.pools.volumes()).filter(({ metadata }) =>
      uids.includes(metadata.uid),
    );
    assert.equal(records.length, 2);
  });
});
