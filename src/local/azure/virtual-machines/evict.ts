// Eviction of a Spot machine: Azure wants its host back. Nobody is asked, and there is no operation
// URL to watch.
import { type Call, type Cloud, startOperation } from '../calls.ts';
import { operationNotAllowed, referenceNotFound } from '../errors.ts';
import type { Reply } from '../messages.ts';
import type { Operation } from '../operations.ts';
import { removeMachine } from './delete.ts';
import { followPowerState } from './disk-ownership.ts';
import { existingMachine } from './update.ts';

export function simulateEviction(cloud: Cloud, call: Call): Reply {
  evictMachine(cloud, existingMachine(cloud, call).id, call.now, call);
  return { status: 204 };
}

export function evictMachine(cloud: Cloud, machineId: string, at: number, call?: Call): void {
  const machine = cloud.resources.get('virtualMachine', machineId);
  if (!machine) throw referenceNotFound(machineId);
  if (machine.priority !== 'Spot')
    throw operationNotAllowed(`VM '${machine.name}' is not a Spot VM: it can't be evicted.`);
  startOperation(cloud, call ?? { effects: [], now: at }, {
    kind: 'virtualMachine.evict',
    resource: machine,
    duration: 'virtualMachineEvict',
    background: true,
  });
}

export function finishEviction(cloud: Cloud, operation: Operation, at: number): void {
  const machine = cloud.resources.get('virtualMachine', operation.resourceId);
  if (!machine || operation.failure) return;
  const interrupted = cloud.operations.get(machine.operationId);
  if (interrupted)
    cloud.finish(interrupted, at, {
      code: 'OperationPreempted',
      message: 'Operation execution has been preempted: the VM is being evicted.',
    });
  // What was interrupted may itself have been the machine's end.
  if (!cloud.resources.get('virtualMachine', machine.id)) return;
  if (machine.evictionPolicy === 'Delete') {
    removeMachine(cloud, machine, at, {});
    return;
  }
  machine.powerState = 'deallocated';
  machine.provisioningState = 'Succeeded';
  machine.etag++;
  followPowerState(cloud, machine, at);
  cloud.resources.save(machine, at);
}
