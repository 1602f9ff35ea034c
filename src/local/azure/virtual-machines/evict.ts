// Eviction of a Spot machine: Azure wants its host back. Nobody is asked, and no operation URL tells.
import { type Call, type Cloud, startOperation } from '../calls.ts';
import { operationNotAllowed } from '../errors.ts';
import type { Reply } from '../messages.ts';
import type { Operation } from '../operations.ts';
import { followPowerState } from './data-disks.ts';
import { removeMachine } from './delete.ts';
import { existingMachine } from './update.ts';

export function simulateEviction(cloud: Cloud, call: Call): Reply {
  const machine = existingMachine(cloud, call);
  if (machine.priority !== 'Spot')
    throw operationNotAllowed(`VM '${machine.name}' is not a Spot VM: it can't be evicted.`);
  startOperation(cloud, call, {
    kind: 'virtualMachine.evict',
    resource: machine,
    duration: 'virtualMachineEvict',
    background: true,
  });
  return { status: 204 };
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
