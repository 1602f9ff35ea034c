// Start, power off, deallocate (also as hibernation), restart.
import { accepted, type Call, type Cloud, startOperation } from '../calls.ts';
import type { DurationName } from '../durations.ts';
import { operationNotAllowed } from '../errors.ts';
import type { Reply } from '../messages.ts';
import type { Operation } from '../operations.ts';
import type { PowerState, VirtualMachineRecord } from '../records.ts';
import { findSize } from '../sizes.ts';
import { followPowerState } from './disk-ownership.ts';
import { checkFree, existingMachine } from './update.ts';

interface PowerChange {
  readonly during: PowerState;
  readonly after: PowerState;
  readonly duration: DurationName;
  readonly hibernate?: boolean;
}

const HINT_SECONDS = 10;

export function startVirtualMachine(cloud: Cloud, call: Call): Reply {
  return changePower(cloud, call, {
    during: 'starting',
    after: 'running',
    duration: 'virtualMachineStart',
  });
}

export function powerOffVirtualMachine(cloud: Cloud, call: Call): Reply {
  return changePower(cloud, call, {
    during: 'stopping',
    after: 'stopped',
    duration: 'virtualMachinePowerOff',
  });
}

export function restartVirtualMachine(cloud: Cloud, call: Call): Reply {
  return changePower(cloud, call, {
    during: 'starting',
    after: 'running',
    duration: 'virtualMachineRestart',
  });
}

export function deallocateVirtualMachine(cloud: Cloud, call: Call): Reply {
  const hibernate = call.query.get('hibernate') === 'true';
  return changePower(cloud, call, {
    during: 'deallocating',
    after: 'deallocated',
    duration: hibernate ? 'virtualMachineHibernate' : 'virtualMachineDeallocate',
    hibernate,
  });
}

function changePower(cloud: Cloud, call: Call, change: PowerChange): Reply {
  const machine = existingMachine(cloud, call);
  checkFree(machine);
  if (change.hibernate && !machine.hibernationEnabled)
    throw operationNotAllowed(
      `The Hibernate-Deallocate Operation cannot be performed on VM '${machine.name}' as ` +
        'hibernation is not enabled on it.',
    );
  if (change.hibernate && machine.powerState !== 'running')
    throw operationNotAllowed(`VM '${machine.name}' must be running to hibernate.`);
  const operation = startOperation(cloud, call, {
    kind: 'virtualMachine.power',
    resource: machine,
    duration: change.duration,
    input: {
      before: machine.powerState,
      after: change.after,
      hibernate: change.hibernate === true,
    },
    failure: change.after === 'running' ? noRoom(cloud, machine) : undefined,
  });
  machine.powerState = change.during;
  machine.provisioningState = 'Updating';
  cloud.resources.save(machine, call.now);
  return accepted(cloud, operation, {
    status: 202,
    headers: 'both',
    retryAfterSeconds: HINT_SECONDS,
  });
}

/** A deallocated machine has no host any more; starting it may find none. */
function noRoom(cloud: Cloud, machine: VirtualMachineRecord) {
  const size = findSize(machine.size);
  if (machine.powerState !== 'deallocated' || !size) return undefined;
  const { location, subscriptionId } = machine;
  const others = cloud.resources
    .list('virtualMachine', { subscriptionId })
    .filter((other) => other.location === location);
  const spot = machine.priority === 'Spot';
  return cloud.capacity.allocationFailure(
    { size, location, zone: machine.zones?.[0], spot },
    others,
  );
}

export function finishPower(cloud: Cloud, operation: Operation, at: number): void {
  operation.result = { status: 200 };
  const machine = cloud.resources.get('virtualMachine', operation.resourceId);
  if (!machine || machine.operationId !== operation.id) return;
  delete machine.operationId;
  machine.etag++;
  const { before, after, hibernate } = operation.input;
  machine.powerState = (operation.failure ? before : after) as PowerState;
  machine.provisioningState = operation.failure ? 'Failed' : 'Succeeded';
  if (!operation.failure) machine.hibernated = hibernate === true;
  followPowerState(cloud, machine, at);
  cloud.resources.save(machine, at);
}
