// The real client libraries against the simulator over real sockets, quick because of the speed.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createRuntime } from '../../runtime/index.ts';
import { seededRandom } from '../../runtime/random.ts';
import { defaultResourceGroup, type RunningAzure, startSimulatedAzure } from './index.ts';
import { goldenSnapshotId } from './testing/fake-cloud.ts';
import { computeClient, graphClient } from './testing/real-clients.ts';

const group = defaultResourceGroup;
const machine = {
  location: 'westeurope',
  zones: ['1'],
  hardwareProfile: { vmSize: 'Standard_D2s_v5' },
  storageProfile: { osDisk: { createOption: 'FromImage', deleteOption: 'Delete' } },
  networkProfile: {
    networkApiVersion: '2022-11-01',
    networkInterfaceConfigurations: [
      {
        name: 'nic',
        primary: true,
        deleteOption: 'Delete',
        ipConfigurations: [{ name: 'ip', subnet: { id: '/subnets/pool' } }],
      },
    ],
  },
};
const polling = { updateIntervalInMs: 5 };

describe('the real client libraries', () => {
  let running: RunningAzure;
  before(async () => {
    running = await startSimulatedAzure({
      runtime: createRuntime({ random: seededRandom(1) }),
      speed: 2000,
      snapshots: [{ id: goldenSnapshotId }],
    });
  });
  after(() => running.close());

  it('create, retag, list and delete a disk', async () => {
    const { disks } = computeClient(running.url);
    const created = await disks.createOrUpdate(
      group,
      'sdk-disk',
      {
        location: 'westeurope',
        creationData: { createOption: 'Copy', sourceResourceId: goldenSnapshotId },
        tags: { one: '1' },
      },
      polling,
    );
    assert.equal(created.provisioningState, 'Succeeded');
    assert.equal(created.diskSizeGB, 32);
    const updated = await disks.update(group, 'sdk-disk', { tags: { two: '2' } }, polling);
    assert.deepEqual(updated.tags, { two: '2' });
    const names: (string | undefined)[] = [];
    for await (const disk of disks.listByResourceGroup(group)) names.push(disk.name);
    assert.deepEqual(names, ['sdk-disk']);
    await disks.delete(group, 'sdk-disk', polling);
    await assert.rejects(disks.get(group, 'sdk-disk'), {
      statusCode: 404,
      code: 'ResourceNotFound',
    });
  });

  it('make a snapshot and a disk from it', async () => {
    const { disks, snapshots } = computeClient(running.url);
    const location = 'westeurope';
    const disk = await disks.createOrUpdate(
      group,
      'source',
      { location, creationData: { createOption: 'Empty' }, diskSizeGB: 8 },
      polling,
    );
    const creationData = { createOption: 'Copy', sourceResourceId: disk.id! };
    const snapshot = await snapshots.createOrUpdate(
      group,
      'of-source',
      { location, incremental: true, creationData },
      polling,
    );
    assert.equal(snapshot.completionPercent, 100);
    const copy = await disks.createOrUpdate(
      group,
      'copy',
      { location, creationData: { createOption: 'Copy', sourceResourceId: snapshot.id! } },
      polling,
    );
    assert.equal(copy.diskSizeGB, 8);
  });

  it('create a machine, attach with CAS, run a script, deallocate, delete', async () => {
    const { disks, virtualMachines } = computeClient(running.url);
    const location = 'westeurope';
    const disk = await disks.createOrUpdate(
      group,
      'for-machine',
      { location, zones: ['1'], creationData: { createOption: 'Empty' }, diskSizeGB: 8 },
      polling,
    );
    const created = await virtualMachines.createOrUpdate(group, 'sdk-vm', machine, {
      ...polling,
      ifNoneMatch: '*',
    });
    assert.equal(created.provisioningState, 'Succeeded');
    assert.equal(created.etag, '"2"');
    const dataDisks = [
      { lun: 0, createOption: 'Attach', deleteOption: 'Detach', managedDisk: { id: disk.id! } },
    ];
    const attach = { tags: { claimed: 'yes' }, storageProfile: { dataDisks } };
    const options = { ...polling, ifMatch: created.etag! };
    const updated = await virtualMachines.update(group, 'sdk-vm', attach, options);
    assert.equal(updated.storageProfile?.dataDisks?.[0]?.name, 'for-machine');
    assert.equal((await disks.get(group, 'for-machine')).diskState, 'Attached');
    await assert.rejects(async () => virtualMachines.update(group, 'sdk-vm', attach, options), {
      statusCode: 412,
      code: 'PreconditionFailed',
    });
    const script = { commandId: 'RunShellScript', script: ['echo ready'] };
    const ran = await virtualMachines.runCommand(group, 'sdk-vm', script, polling);
    assert.match(ran.value?.[0]?.message ?? '', /ready/);
    const profile = await virtualMachines.attachDetachDataDisks(
      group,
      'sdk-vm',
      { dataDisksToDetach: [{ diskId: disk.id! }] },
      polling,
    );
    assert.deepEqual(profile.dataDisks, []);
    await virtualMachines.deallocate(group, 'sdk-vm', polling);
    const view = await virtualMachines.instanceView(group, 'sdk-vm');
    assert.ok(view.statuses?.some((status) => status.code === 'PowerState/deallocated'));
    await virtualMachines.delete(group, 'sdk-vm', { ...polling, forceDeletion: true });
    await assert.rejects(virtualMachines.get(group, 'sdk-vm'), { statusCode: 404 });
  });

  it('read what sizes can do', async () => {
    const limits: Record<string, string | undefined> = {};
    for await (const sku of computeClient(running.url).resourceSkus.list())
      limits[sku.name!] = sku.capabilities?.find((one) => one.name === 'MaxDataDiskCount')?.value;
    assert.equal(limits['Standard_D4s_v5'], '8');
  });

  it('page through Resource Graph on the token', async () => {
    const { disks } = computeClient(running.url);
    for (const name of ['page-a', 'page-b', 'page-c'])
      await disks.createOrUpdate(
        group,
        name,
        { location: 'westeurope', creationData: { createOption: 'Empty' }, diskSizeGB: 4 },
        polling,
      );
    const graph = graphClient(running.url);
    const query =
      "Resources | where type =~ 'microsoft.compute/disks' and name startswith 'page-' " +
      '| project id, name | order by name asc';
    const names: string[] = [];
    // The last change shows when Resource Graph has caught up.
    for (;;) {
      const { totalRecords } = await graph.resources({ query });
      if (totalRecords === 3) break;
    }
    let skipToken: string | undefined;
    do {
      const options = {
        resultFormat: 'objectArray' as const,
        top: 2,
        ...(skipToken && { skipToken }),
      };
      const page = await graph.resources({ query, options });
      names.push(...(page.data as { name: string }[]).map((row) => row.name));
      skipToken = page.skipToken;
    } while (skipToken);
    assert.deepEqual(names, ['page-a', 'page-b', 'page-c']);
  });

  it('are refused without a token', async () => {
    const response = await fetch(`${running.url}${goldenSnapshotId}?api-version=2026-03-02`);
    assert.equal(response.status, 401);
    const body = (await response.json()) as { error: { code: string } };
    assert.equal(body.error.code, 'AuthenticationFailed');
  });
});
