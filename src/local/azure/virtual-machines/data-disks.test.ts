import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../json.ts';
import {
  type Answer,
  aFakeCloud,
  codeOf,
  computePath,
  type FakeCloud,
  propertiesOf,
} from '../testing/fake-cloud.ts';
import { aDisk, aMachine, diskPath, stateOf, vmPath } from '../testing/machines.ts';

const idOf = (name: string): string => `${computePath}/disks/${name}`;
const entry = (name: string, lun: number, more: JsonObject = {}): JsonObject => ({
  lun,
  createOption: 'Attach',
  deleteOption: 'Detach',
  managedDisk: { id: idOf(name) },
  ...more,
});
const listing = (...dataDisks: JsonObject[]): JsonObject => ({
  properties: { storageProfile: { dataDisks } },
});

async function withMachines(...names: string[]): Promise<FakeCloud> {
  const cloud = aFakeCloud();
  for (const name of names) await cloud.run('PUT', vmPath(name), aMachine());
  for (const name of ['a', 'b', 'c']) await cloud.run('PUT', diskPath(name), aDisk());
  return cloud;
}

function attached(answer: Answer): string[] {
  const profile = propertiesOf(answer)['storageProfile'] as { dataDisks: { name: string }[] };
  return profile.dataDisks.map((disk) => disk.name);
}

function diskStateOf({ send }: FakeCloud, name: string): unknown {
  return propertiesOf(send('GET', diskPath(name)))['diskState'];
}

describe('attaching with PATCH', () => {
  it('lists the disk at once but owns it only at the end, two ETags later', async () => {
    const cloud = await withMachines('vm-one');
    const { send, clock } = cloud;
    const before = send('GET', vmPath());
    const body = { tags: { claimed: 'yes' }, ...listing(entry('a', 0)) };
    const answer = send('PATCH', vmPath(), body, { 'if-match': before.headers['etag']! });
    assert.equal(answer.status, 200);
    assert.equal(stateOf(answer), 'Updating');
    assert.deepEqual(attached(answer), ['a']);
    assert.equal(answer.headers['etag'], '"3"');
    assert.equal(answer.headers['location'], undefined);
    await clock.advance(3000);
    assert.equal(diskStateOf(cloud, 'a'), 'Unattached');
    await clock.advance(10_000);
    const done = send('GET', vmPath());
    assert.equal(done.headers['etag'], '"4"');
    assert.deepEqual(done.body['tags'], { claimed: 'yes' });
    const disk = send('GET', diskPath('a'));
    assert.equal(propertiesOf(disk)['diskState'], 'Attached');
    assert.equal(disk.body['managedBy'], `${computePath}/${vmPath()}`);
    assert.ok(propertiesOf(disk)['LastOwnershipUpdateTime']);
  });

  it("is refused under a stale ETag, in Azure's words", async () => {
    const { send } = await withMachines('vm-one');
    const answer = send('PATCH', vmPath(), { tags: {} }, { 'if-match': '"1"' });
    assert.deepEqual([answer.status, codeOf(answer)], [412, 'PreconditionFailed']);
    assert.match(
      JSON.stringify(answer.body),
      /Etag provided in if-match header \\"1\\" does not match etag \\"2\\" of resource\./,
    );
  });

  it('gives a disk to one machine only, also while the first is still attaching', async () => {
    const { send, clock } = await withMachines('vm-one', 'vm-two');
    assert.equal(send('PATCH', vmPath('vm-one'), listing(entry('a', 0))).status, 200);
    const early = send('PATCH', vmPath('vm-two'), listing(entry('a', 0)));
    assert.deepEqual([early.status, codeOf(early)], [409, 'ConflictingUserInput']);
    await clock.advance(20_000);
    const late = send('PATCH', vmPath('vm-two'), listing(entry('a', 0)));
    assert.deepEqual([late.status, codeOf(late)], [409, 'ConflictingUserInput']);
    await clock.advance(1000);
    send('PATCH', vmPath('vm-one'), listing());
    const leaving = send('PATCH', vmPath('vm-two'), listing(entry('a', 0)));
    assert.deepEqual([leaving.status, codeOf(leaving)], [409, 'AttachDiskWhileBeingDetached']);
  });

  it('refuses a second write while the first is under way', async () => {
    const { send } = await withMachines('vm-one');
    send('PATCH', vmPath(), listing(entry('a', 0)));
    const second = send('PATCH', vmPath(), { tags: { x: 'y' } });
    assert.deepEqual([second.status, codeOf(second)], [409, 'Conflict']);
  });

  it('refuses disks of another zone, too many disks, and LUNs that clash', async () => {
    const cloud = await withMachines('vm-one');
    const { send, run } = cloud;
    await run('PUT', diskPath('far'), aDisk({ zones: ['2'] }));
    const far = send('PATCH', vmPath(), listing(entry('far', 0)));
    assert.deepEqual([far.status, codeOf(far)], [400, 'BadRequest']);
    const clash = send('PATCH', vmPath(), listing(entry('a', 0), entry('b', 0)));
    assert.deepEqual([clash.status, codeOf(clash)], [400, 'InvalidParameter']);
    const names = ['a', 'b', 'c', 'd', 'e'];
    await run('PUT', diskPath('d'), aDisk());
    await run('PUT', diskPath('e'), aDisk());
    const many = send('PATCH', vmPath(), listing(...names.map((name, lun) => entry(name, lun))));
    assert.deepEqual([many.status, codeOf(many)], [409, 'OperationNotAllowed']);
    assert.match(JSON.stringify(many.body), /maximum number of data disks/);
    assert.equal(diskStateOf(cloud, 'a'), 'Unattached');
    assert.equal(stateOf(send('GET', vmPath())), 'Succeeded');
  });

  it('detaches what the list leaves out, and swaps disks in one write', async () => {
    const cloud = await withMachines('vm-one');
    const { send, run } = cloud;
    await run('PATCH', vmPath(), listing(entry('a', 0)));
    await run('PATCH', vmPath(), listing(entry('b', 1)));
    assert.deepEqual(attached(send('GET', vmPath())), ['b']);
    assert.equal(diskStateOf(cloud, 'a'), 'Unattached');
    assert.equal(diskStateOf(cloud, 'b'), 'Attached');
  });

  it('marks whose machine has written to a disk', async () => {
    const { azure, run } = await withMachines('vm-one');
    await run('PATCH', vmPath(), listing(entry('a', 0)));
    await run('PATCH', vmPath(), listing());
    const disk = azure.resources().find((record) => record.name === 'a');
    const machine = azure.resources().find((record) => record.name === 'vm-one');
    assert.ok(disk?.kind === 'disk' && machine?.kind === 'virtualMachine');
    assert.deepEqual(
      disk.content.writes.map((write) => write.by),
      [machine.vmId],
    );
  });

  it('that fails gives the disk back; a failed detach keeps it, of no use to others', async () => {
    const cloud = await withMachines('vm-one', 'vm-two');
    const { azure, send, run } = cloud;
    const failure = {
      match: { operation: 'virtualMachines.update' },
      times: 1,
      effect: { type: 'failOperation', code: 'InternalExecutionError' },
    } as const;
    azure.faults.add(failure);
    assert.equal((await run('PATCH', vmPath(), listing(entry('a', 0))))['status'], 'Failed');
    assert.equal(stateOf(send('GET', vmPath())), 'Failed');
    assert.equal(diskStateOf(cloud, 'a'), 'Unattached');
    await run('PATCH', vmPath(), listing(entry('a', 0)));
    azure.faults.add(failure);
    await run('PATCH', vmPath(), listing());
    assert.deepEqual(attached(send('GET', vmPath())), ['a']);
    const other = send('PATCH', vmPath('vm-two'), listing(entry('a', 0)));
    assert.deepEqual([other.status, codeOf(other)], [409, 'AttachDiskWhileBeingDetached']);
  });
});

describe('attachDetachDataDisks', () => {
  it('names only the disks it touches and ends with the storage profile', async () => {
    const cloud = await withMachines('vm-one');
    const { send, run, clock } = cloud;
    await run('PATCH', vmPath(), listing(entry('a', 0)));
    const answer = send('POST', `${vmPath()}/attachDetachDataDisks`, {
      dataDisksToAttach: [{ diskId: idOf('b') }],
      dataDisksToDetach: [{ diskId: idOf('a') }],
    });
    assert.equal(answer.status, 202);
    const url = new URL(answer.headers['location']!);
    assert.equal(send('GET', url.pathname + url.search).status, 202);
    await clock.advance(20_000);
    const profile = send('GET', url.pathname + url.search);
    const disks = profile.body['dataDisks'] as { name: string; lun: number }[];
    assert.deepEqual(
      disks.map(({ name, lun }) => ({ name, lun })),
      [{ name: 'b', lun: 1 }],
    );
    assert.equal(diskStateOf(cloud, 'a'), 'Unattached');
  });
});
