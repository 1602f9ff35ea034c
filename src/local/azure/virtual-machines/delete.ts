// Deleting a machine: it may interrupt whatever else runs on it, and what goes with it is decided
// by each part's delete option. An eviction ends here too when its policy says so.
import {
  accepted,
  type Call,
  type Cloud,
  lingerUntil,
  startOperation,
  targetId,
} from '../calls.ts';
import { concurrentRequest } from '../errors.ts';
import type { Reply } from '../messages.ts';
import type { Operation } from '../operations.ts';
import type { VirtualMachineRecord } from '../records.ts';
import { sameId } from '../resource-ids.ts';
import { release } from './disk-ownership.ts';

const HINT_SECONDS = 10;
const POLL_HINT_SECONDS = 30;

export function deleteVirtualMachine(cloud: Cloud, call: Call): Reply {
  const machine = cloud.resources.get('virtualMachine', targetId(call));
  if (!machine) return { status: 204 };
  const running = cloud.operations.get(machine.operationId);
  if (running?.kind === 'virtualMachine.delete') throw concurrentRequest();
  if (running) preempt(cloud, running, call.now);
  // A preempted creation may have left nothing.
  if (!cloud.resources.get('virtualMachine', machine.id)) return { status: 204 };
  machine.provisioningState = 'Deleting';
  const operation = startOperation(cloud, call, {
    kind: 'virtualMachine.delete',
    resource: machine,
    duration: 'virtualMachineDelete',
    pollRetryAfterSeconds: POLL_HINT_SECONDS,
  });
  cloud.resources.save(machine, call.now);
  return accepted(cloud, operation, {
    status: 202,
    headers: 'both',
    retryAfterSeconds: HINT_SECONDS,
  });
}

function preempt(cloud: Cloud, operation: Operation, at: number): void {
  cloud.finish(operation, at, {
    code: 'OperationPreempted',
    message: 'Operation execution has been preempted by a more recent operation.',
    leaves: ['virtualMachine', 'networkInterface', 'osDisk'],
  });
}

export function finishDelete(cloud: Cloud, operation: Operation, at: number): void {
  operation.result = { status: 204 };
  const machine = cloud.resources.get('virtualMachine', operation.resourceId);
  if (!machine || machine.operationId !== operation.id) return;
  delete machine.operationId;
  if (operation.failure) {
    machine.provisioningState = 'Failed';
    cloud.resources.save(machine, at);
    return;
  }
  removeMachine(cloud, machine, at, lingerUntil(operation, at));
}

/** Takes the machine away, and with it what its delete options say. */
export function removeMachine(
  cloud: Cloud,
  machine: VirtualMachineRecord,
  at: number,
  linger: { lingerUntil?: number },
): void {
  cloud.resources.remove(machine.id, at, linger);
  const { osDisk, dataDisks } = machine;
  for (const { diskId, deleteOption } of [osDisk, ...dataDisks]) {
    const disk = cloud.resources.get('disk', diskId);
    if (!disk || !sameId(disk.managedBy ?? disk.transition?.vmId, machine.id)) continue;
    if (deleteOption === 'Delete') cloud.resources.remove(disk.id, at);
    else {
      release(disk, at);
      cloud.resources.save(disk, at);
    }
  }
  for (const { id, deleteOption } of machine.networkInterfaces) {
    const found = cloud.resources.get('networkInterface', id);
    if (!found || !sameId(found.virtualMachineId, machine.id)) continue;
    if (deleteOption === 'Delete') cloud.resources.remove(id, at);
    else {
      delete found.virtualMachineId;
      cloud.resources.save(found, at);
    }
  }
}
