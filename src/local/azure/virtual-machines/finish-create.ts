// The end of a machine's creation: it runs, or it failed and left parts of itself behind.
import type { Cloud } from '../calls.ts';
import type { Leftover } from '../faults.ts';
import { reserveInterface } from '../machine-interfaces.ts';
import type { Operation } from '../operations.ts';
import type { VirtualMachineRecord } from '../records.ts';
import { finishDataDisks } from './disk-ownership.ts';
import { viewVirtualMachine } from './view.ts';

export function finishCreate(cloud: Cloud, operation: Operation, at: number): void {
  operation.result = { status: 200 };
  const machine = cloud.resources.get('virtualMachine', operation.resourceId);
  if (!machine || machine.operationId !== operation.id) return;
  delete machine.operationId;
  machine.etag++;
  if (operation.failure) {
    leaveRemains(cloud, machine, operation.failure, at);
    return;
  }
  machine.provisioningState = 'Succeeded';
  machine.powerState = 'running';
  finishDataDisks(cloud, machine, at, 'done');
  operation.result = { status: 200, body: viewVirtualMachine(machine, at) };
  cloud.resources.save(machine, at);
}

const everything: readonly Leftover[] = ['virtualMachine', 'networkInterface', 'osDisk'];

/** What a failed creation leaves behind; data disks always come back. */
function leaveRemains(
  cloud: Cloud,
  machine: VirtualMachineRecord,
  failure: { code: string; leaves?: readonly Leftover[] },
  at: number,
): void {
  const leaves = failure.leaves ?? everything;
  finishDataDisks(cloud, machine, at, 'failed');
  const keepsMachine = leaves.includes('virtualMachine');
  for (const { id } of machine.networkInterfaces) {
    const found = cloud.resources.get('networkInterface', id);
    if (!found) continue;
    if (!keepsMachine) delete found.virtualMachineId;
    if (leaves.includes('networkInterface')) reserveInterface(cloud, found, at);
    else cloud.resources.remove(id, at);
  }
  const osDisk = cloud.resources.get('disk', machine.osDisk.diskId);
  if (osDisk && leaves.includes('osDisk') && !keepsMachine) {
    delete osDisk.managedBy;
    osDisk.diskState = 'Unattached';
    cloud.resources.save(osDisk, at);
  } else if (osDisk && !leaves.includes('osDisk')) {
    cloud.resources.remove(osDisk.id, at);
    delete machine.osDisk.diskId;
  }
  if (!keepsMachine) {
    cloud.resources.remove(machine.id, at);
    return;
  }
  machine.provisioningState = 'Failed';
  // A guest that didn't report in time runs nevertheless; without a host nothing runs.
  const isRunning = /^(OSProvisioning|VMExtension)/.test(failure.code);
  machine.powerState = isRunning ? 'running' : 'stopped';
  cloud.resources.save(machine, at);
}
