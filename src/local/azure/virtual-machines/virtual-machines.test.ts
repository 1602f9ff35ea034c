import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../json.ts';
import {
  aFakeCloud,
  codeOf,
  computePath,
  type FakeCloud,
  groupPath,
  propertiesOf,
} from '../testing/fake-cloud.ts';
import { aMachine, diskPath, stateOf, vmPath } from '../testing/machines.ts';
import { smallShell } from './small-shell.ts';

const networkPath = `${groupPath}/providers/Microsoft.Network/networkInterfaces`;

async function withMachine(overrides: JsonObject = {}): Promise<FakeCloud> {
  const cloud = aFakeCloud();
  const status = await cloud.run('PUT', vmPath(), aMachine(overrides));
  assert.equal(status['status'], 'Succeeded');
  return cloud;
}

describe('creating a machine', () => {
  it('answers 201 with ETag 1 and one URL; done after half a minute at ETag 2', async () => {
    const { send, clock } = aFakeCloud();
    const created = send('PUT', vmPath(), aMachine(), { 'if-none-match': '*' });
    assert.equal(created.status, 201);
    assert.equal(created.headers['etag'], '"1"');
    assert.ok(created.headers['azure-asyncoperation']);
    assert.equal(created.headers['location'], undefined);
    assert.equal(created.headers['retry-after'], undefined);
    assert.equal(stateOf(created), 'Creating');
    await clock.advance(20_000);
    assert.equal(stateOf(send('GET', vmPath())), 'Creating');
    await clock.advance(20_000);
    const done = send('GET', vmPath());
    assert.equal(stateOf(done), 'Succeeded');
    assert.equal(done.headers['etag'], '"2"');
    assert.equal(done.body['etag'], '"2"');
  });

  it('makes an interface and an OS disk, and shows the machine running', async () => {
    const { send } = await withMachine();
    const profile = propertiesOf(send('GET', vmPath()))['networkProfile'] as {
      networkInterfaces: { id: string; properties: { deleteOption: string } }[];
    };
    const [reference] = profile.networkInterfaces;
    assert.equal(reference?.properties.deleteOption, 'Delete');
    const nic = propertiesOf(send('GET', reference!.id));
    assert.equal((nic['virtualMachine'] as { id: string }).id, `${computePath}/${vmPath()}`);
    const [configuration] = nic['ipConfigurations'] as { properties: JsonObject }[];
    assert.equal(configuration?.properties['privateIPAddress'], '10.0.0.4');
    const view = send('GET', `${vmPath()}/instanceView`).body;
    const codes = (view['statuses'] as { code: string }[]).map((status) => status.code);
    assert.deepEqual(codes, ['ProvisioningState/succeeded', 'PowerState/running']);
    const disks = send('GET', 'disks').body['value'] as { name: string; managedBy: string }[];
    assert.deepEqual(
      disks.map((disk) => disk.managedBy),
      [`${computePath}/${vmPath()}`],
    );
  });

  it('is refused where the name is taken or immutable things differ', async () => {
    const { send } = await withMachine();
    const taken = send('PUT', vmPath(), aMachine(), { 'if-none-match': '*' });
    assert.deepEqual([taken.status, codeOf(taken)], [412, 'PreconditionFailed']);
    const unknown = send('PUT', vmPath('other'), aMachine({ vmSize: 'Standard_X1' }));
    assert.deepEqual([unknown.status, codeOf(unknown)], [400, 'InvalidParameter']);
    const moved = send('PUT', vmPath(), { ...aMachine(), zones: ['2'] });
    assert.deepEqual([moved.status, codeOf(moved)], [409, 'PropertyChangeNotAllowed']);
  });

  it('writes nothing but a new ETag when the same body comes again', async () => {
    const { send } = await withMachine();
    const again = send('PUT', vmPath(), aMachine());
    assert.equal(again.status, 200);
    assert.equal(stateOf(again), 'Updating');
    assert.equal(again.headers['azure-asyncoperation'], undefined);
    assert.equal(again.headers['etag'], '"3"');
    assert.equal(stateOf(send('GET', vmPath())), 'Succeeded');
  });
});

describe('a creation that fails', () => {
  it('for lack of room leaves machine and interface; deleting takes both', async () => {
    const cloud = aFakeCloud();
    cloud.azure.capacity.setLimits([{ size: 'Standard_D2s_v5', zone: '1', machines: 0 }]);
    const status = await cloud.run('PUT', vmPath(), aMachine());
    assert.equal(status['status'], 'Failed');
    assert.equal((status['error'] as { code: string }).code, 'ZonalAllocationFailed');
    assert.equal(stateOf(cloud.send('GET', vmPath())), 'Failed');
    assert.equal((cloud.send('GET', networkPath).body['value'] as unknown[]).length, 1);
    assert.equal((cloud.send('GET', 'disks').body['value'] as unknown[]).length, 0);
    await cloud.run('DELETE', vmPath());
    assert.equal(cloud.send('GET', vmPath()).status, 404);
    assert.equal((cloud.send('GET', networkPath).body['value'] as unknown[]).length, 0);
  });

  it('partially leaves an interface that nobody may delete for three minutes', async () => {
    const { azure, send, clock } = aFakeCloud();
    azure.faults.add({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: {
        type: 'failOperation',
        code: 'InternalExecutionError',
        leaves: ['networkInterface', 'osDisk'],
      },
    });
    send('PUT', vmPath(), aMachine());
    await clock.advance(40_000);
    assert.equal(send('GET', vmPath()).status, 404);
    const [nic] = send('GET', networkPath).body['value'] as { id: string }[];
    const early = send('DELETE', nic!.id);
    assert.deepEqual([early.status, codeOf(early)], [400, 'NicReservedForAnotherVm']);
    const [disk] = send('GET', 'disks').body['value'] as { properties: JsonObject }[];
    assert.equal(disk?.properties['diskState'], 'Unattached');
    await clock.advance(180_000);
    assert.equal(send('DELETE', nic!.id).status, 202);
  });

  it('is refused at once when the quota is used up or the size is not on offer', async () => {
    const cloud = aFakeCloud({ quota: { standardDSv5Family: 3 } });
    await cloud.run('PUT', vmPath(), aMachine());
    const second = cloud.send('PUT', vmPath('second'), aMachine());
    assert.deepEqual([second.status, codeOf(second)], [409, 'OperationNotAllowed']);
    assert.match(JSON.stringify(second.body), /exceeding approved standardDSv5Family Cores quota/);
    cloud.azure.capacity.setRestrictions([{ size: 'Standard_D2s_v5', zone: '1' }]);
    const restricted = cloud.send('PUT', vmPath('third'), aMachine());
    assert.deepEqual([restricted.status, codeOf(restricted)], [409, 'SkuNotAvailable']);
  });
});

describe('power', () => {
  it('answers 202 with both URLs and a hint; disks are Reserved while deallocated', async () => {
    const cloud = await withMachine();
    const answer = cloud.send('POST', `${vmPath()}/deallocate`);
    assert.equal(answer.status, 202);
    assert.equal(answer.headers['retry-after'], '10');
    assert.ok(answer.headers['location'] && answer.headers['azure-asyncoperation']);
    const busy = cloud.send('POST', `${vmPath()}/start`);
    assert.deepEqual([busy.status, codeOf(busy)], [409, 'Conflict']);
    await cloud.clock.advance(60_000);
    const [disk] = cloud.send('GET', 'disks').body['value'] as { properties: JsonObject }[];
    assert.equal(disk?.properties['diskState'], 'Reserved');
    await cloud.run('POST', `${vmPath()}/start`);
    const view = cloud.send('GET', `${vmPath()}/instanceView`).body;
    assert.match(JSON.stringify(view['statuses']), /PowerState\/running/);
  });

  it('hibernates only what was made for it, and then freezes the disks', async () => {
    const plain = await withMachine();
    const refused = plain.send('POST', `${vmPath()}/deallocate?hibernate=true`);
    assert.deepEqual([refused.status, codeOf(refused)], [409, 'OperationNotAllowed']);
    const cloud = await withMachine({ additionalCapabilities: { hibernationEnabled: true } });
    await cloud.run('POST', `${vmPath()}/deallocate?hibernate=true`);
    const view = cloud.send('GET', `${vmPath()}/instanceView`).body;
    assert.match(JSON.stringify(view['statuses']), /HibernationState\/Hibernated/);
    await cloud.run('PUT', diskPath('data'), {
      location: 'westeurope',
      zones: ['1'],
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 },
    });
    const disk = {
      lun: 0,
      createOption: 'Attach',
      managedDisk: { id: `${computePath}/disks/data` },
    };
    const attach = cloud.send('PATCH', vmPath(), {
      properties: { storageProfile: { dataDisks: [disk] } },
    });
    assert.deepEqual([attach.status, codeOf(attach)], [409, 'OperationNotAllowed']);
  });

  it('evicts Spot machines only', async () => {
    const regular = await withMachine();
    assert.equal(regular.send('POST', `${vmPath()}/simulateEviction`).status, 409);
    const cloud = await withMachine({ priority: 'Spot', evictionPolicy: 'Deallocate' });
    assert.equal(cloud.send('POST', `${vmPath()}/simulateEviction`).status, 204);
    await cloud.clock.advance(70_000);
    const view = cloud.send('GET', `${vmPath()}/instanceView`).body;
    assert.match(JSON.stringify(view['statuses']), /PowerState\/deallocated/);
  });
});

describe('deleting a machine', () => {
  it('takes what is set to Delete and frees what is set to Detach', async () => {
    const cloud = aFakeCloud();
    await cloud.run('PUT', diskPath('data'), {
      location: 'westeurope',
      zones: ['1'],
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 },
    });
    const dataDisks = [
      { lun: 0, createOption: 'Attach', managedDisk: { id: `${computePath}/disks/data` } },
    ];
    await cloud.run('PUT', vmPath(), aMachine({ dataDisks }));
    assert.equal(propertiesOf(cloud.send('GET', diskPath('data')))['diskState'], 'Attached');
    const answer = cloud.send('DELETE', `${vmPath()}?forceDeletion=true`);
    assert.equal(answer.status, 202);
    await cloud.clock.advance(60_000);
    assert.equal(cloud.send('GET', vmPath()).status, 404);
    const names = cloud.azure.resources().map((record) => record.name);
    assert.deepEqual(names.sort(), ['data', 'golden-v1']);
    assert.equal(propertiesOf(cloud.send('GET', diskPath('data')))['diskState'], 'Unattached');
    assert.equal(cloud.send('DELETE', vmPath()).status, 204);
  });

  it('interrupts a creation, whose operation then ends as preempted', async () => {
    const { send, clock, azure } = aFakeCloud();
    const created = send('PUT', vmPath(), aMachine());
    await clock.advance(5000);
    assert.equal(send('DELETE', vmPath()).status, 202);
    const url = new URL(created.headers['azure-asyncoperation']!);
    const status = send('GET', url.pathname + url.search).body;
    assert.equal((status['error'] as { code: string }).code, 'OperationPreempted');
    await clock.advance(60_000);
    assert.deepEqual(
      azure.resources().map((record) => record.kind),
      ['snapshot'],
    );
  });
});

describe('Run Command', () => {
  it('returns what the script printed, in the shape of the extension', async () => {
    const cloud = await withMachine();
    const body = { commandId: 'RunShellScript', script: ['echo hello', 'exit 3'] };
    const status = await cloud.run('POST', `${vmPath()}/runCommand`, body);
    const { output } = status['properties'] as { output: { value: { message: string }[] } };
    assert.match(output.value[0]!.message, /\[stdout\]\nhello\n\n\[stderr\]/);
    assert.equal(stateOf(cloud.send('GET', vmPath())), 'Succeeded');
  });

  it('lets a script tell its own exit code, as nobody else does', () => {
    const script = '(\n echo \'in\' \n echo oops >&2\n exit 3\n echo never\n)\necho "code:$?"';
    const run = { virtualMachineId: '', virtualMachineName: 'vm', script, parameters: {} };
    const { stdout, stderr, exitCode } = smallShell(run);
    assert.deepEqual(
      { stdout, stderr, exitCode },
      { stdout: 'in\ncode:3\n', stderr: 'oops\n', exitCode: 0 },
    );
  });

  it('runs one script at a time, and none in a machine that is off', async () => {
    const cloud = await withMachine();
    const body = { commandId: 'RunShellScript', script: ['sleep 60'] };
    assert.equal(cloud.send('POST', `${vmPath()}/runCommand`, body).status, 202);
    assert.equal(cloud.send('POST', `${vmPath()}/runCommand`, body).status, 409);
    await cloud.clock.advance(120_000);
    await cloud.run('POST', `${vmPath()}/powerOff`);
    const off = cloud.send('POST', `${vmPath()}/runCommand`, body);
    assert.deepEqual([off.status, codeOf(off)], [409, 'OperationNotAllowed']);
  });
});
