// Whatever clients do and however operations end: a disk belongs to one machine at most, both sides
// agree about it, nothing points to what is gone, and the simulator itself never fails.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../runtime/random.ts';
import type { ResourceRecord, VirtualMachineRecord } from './records.ts';
import { idKey } from './resource-ids.ts';
import { aFakeCloud, computePath, type FakeCloud } from './testing/fake-cloud.ts';
import { aDisk, aMachine, diskPath, vmPath } from './testing/machines.ts';

const STEPS = 400;

describe('random use', () => {
  for (const seed of [1, 2, 3, 4, 5, 6])
    it(`keeps disks and machines consistent (seed ${seed})`, async () => {
      const cloud = aFakeCloud({ throttling: { enabled: false } });
      const random = seededRandom(seed);
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
      for (const operation of ['virtualMachines.*', 'disks.*'])
        cloud.azure.faults.add({
          match: { operation },
          skip: 20,
          times: 15,
          effect: { type: 'failOperation', code: 'InternalExecutionError' },
        });
      for (let step = 0; step < STEPS; step++) {
        act(cloud, pick);
        await cloud.clock.advance(pick([0, 0, 500, 3000, 15_000, 60_000]));
        checkInvariants(cloud.azure.resources());
      }
      const broken = cloud.azure.requests().filter((request) => request.status >= 500);
      assert.deepEqual(broken, []);
      const counts = cloud.azure.counts();
      assert.ok(Object.keys(counts).length >= 9, 'every kind of call was made');
    });
});

function act({ send }: FakeCloud, pick: <T>(items: readonly T[]) => T): void {
  const machine = vmPath(pick(['vm-a', 'vm-b', 'vm-c']));
  const disks = ['a', 'b', 'c', 'd'];
  const id = `${computePath}/${diskPath(pick(disks))}`;
  const listed = disks
    .map((name, lun) => ({
      lun,
      createOption: 'Attach',
      managedDisk: { id: `${computePath}/${diskPath(name)}` },
    }))
    .filter(() => pick([true, false, false]));
  const actions: (() => unknown)[] = [
    () => send('PUT', machine, aMachine({ priority: pick(['Regular', 'Spot']) })),
    () => send('PUT', machine, aMachine({ dataDisks: listed })),
    () => send('PATCH', machine, { properties: { storageProfile: { dataDisks: listed } } }),
    () => send('PATCH', machine, { properties: { storageProfile: { dataDisks: [] } } }),
    () => send('POST', `${machine}/attachDetachDataDisks`, { dataDisksToAttach: [{ diskId: id }] }),
    () => send('POST', `${machine}/attachDetachDataDisks`, { dataDisksToDetach: [{ diskId: id }] }),
    () => send('POST', `${machine}/${pick(['start', 'deallocate', 'powerOff', 'restart'])}`),
    () => send('POST', `${machine}/simulateEviction`),
    () => send('DELETE', machine),
    () => send('PUT', diskPath(pick(disks)), aDisk()),
    () => send('PUT', diskPath(pick(disks)), aDisk()),
    () => send('PATCH', diskPath(pick(disks)), { tags: { any: 'thing' } }),
    () => send('DELETE', diskPath(pick(disks))),
  ];
  pick(actions)();
}

function checkInvariants(resources: readonly ResourceRecord[]): void {
  const byId = new Map(resources.map((record) => [idKey(record.id), record]));
  const machines = resources.filter((record): record is VirtualMachineRecord => {
    return record.kind === 'virtualMachine';
  });
  const holders = new Map<string, string>();
  for (const machine of machines) {
    const luns = machine.dataDisks.map((disk) => disk.lun);
    assert.equal(new Set(luns).size, luns.length, `two disks at one LUN of ${machine.name}`);
    for (const { diskId } of machine.dataDisks) {
      assert.equal(holders.get(idKey(diskId)), undefined, `${diskId} is listed twice`);
      holders.set(idKey(diskId), machine.id);
      assert.ok(byId.has(idKey(diskId)), `${machine.name} lists a disk that is gone`);
    }
    if (machine.operationId !== undefined) continue;
    assert.notEqual(machine.provisioningState, 'Creating', `${machine.name} is for ever Creating`);
  }
  for (const record of resources) {
    if (record.kind === 'networkInterface' && record.virtualMachineId)
      assert.ok(byId.has(idKey(record.virtualMachineId)), 'an interface of a machine that is gone');
    if (record.kind !== 'disk') continue;
    const owner = record.managedBy ?? record.transition?.vmId;
    assert.equal(record.diskState === 'Unattached', record.managedBy === undefined, record.id);
    if (owner === undefined) continue;
    const machine = byId.get(idKey(owner));
    assert.ok(
      machine?.kind === 'virtualMachine',
      `${record.name} belongs to a machine that is gone`,
    );
    const isListed = holders.get(idKey(record.id)) === machine.id;
    assert.ok(isListed || machine.osDisk.diskId === record.id, `${record.name} isn't listed`);
  }
}
