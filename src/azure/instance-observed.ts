// A VM as Azure shows it, in the port's words.
import type { DataDisk, InstanceViewStatus, VirtualMachine } from '@azure/arm-compute';
import { parseArmId } from './arm-id.ts';
import { readable } from './error-catalogue.ts';
import type { ObservedDataDisk, ObservedInstance, ResourceId } from './port.ts';
import { known } from './resource-adapter.ts';

/** Without the address, which is the NIC's. */
export function readInstance(machine: VirtualMachine, id: ResourceId): ObservedInstance {
  const statuses = machine.instanceView?.statuses ?? [];
  const { storageProfile } = machine;
  return known({
    id: machine.id ?? id,
    name: machine.name ?? parseArmId(id).name,
    provisioningState: machine.provisioningState ?? 'Unknown',
    tags: machine.tags ?? {},
    location: machine.location,
    zone: machine.zones?.[0],
    vmId: machine.vmId ?? '',
    etag: machine.etag ?? '',
    vmSize: machine.hardwareProfile?.vmSize ?? '',
    powerState: statusAfter('PowerState/', statuses)?.toLowerCase(),
    hibernated: statusAfter('HibernationState/', statuses)?.toLowerCase() === 'hibernated',
    dataDisks: (storageProfile?.dataDisks ?? []).flatMap(readDataDisk),
    networkInterfaceIds: readNetworkInterfaces(machine),
    osDiskId: storageProfile?.osDisk?.managedDisk?.id,
    priority: machine.priority === 'Spot' || machine.priority === 'Low' ? 'Spot' : 'Regular',
    failure: readFailure(statuses),
  });
}

function readDataDisk(disk: DataDisk): ObservedDataDisk[] {
  const diskId = disk.managedDisk?.id;
  return diskId ? [{ lun: disk.lun, diskId, toBeDetached: disk.toBeDetached ?? false }] : [];
}

/** The primary one first. */
function readNetworkInterfaces(machine: VirtualMachine): ResourceId[] {
  const references = [...(machine.networkProfile?.networkInterfaces ?? [])];
  references.sort((one, other) => Number(other.primary ?? false) - Number(one.primary ?? false));
  return references.flatMap((reference) => reference.id ?? []);
}

function statusAfter(prefix: string, statuses: readonly InstanceViewStatus[]): string | undefined {
  return statuses.find((status) => status.code?.startsWith(prefix))?.code?.slice(prefix.length);
}

/** `ProvisioningState/failed/AllocationFailed` carries the code that the failed operation had. */
function readFailure(statuses: readonly InstanceViewStatus[]): ObservedInstance['failure'] {
  const failed = statuses.find((status) =>
    /^ProvisioningState\/failed(\/|$)/i.test(status.code ?? ''),
  );
  if (!failed) return undefined;
  const [, , code] = (failed.code ?? '').split('/');
  return {
    code: code || 'ProvisioningFailed',
    message: readable(failed.message ?? failed.displayStatus ?? 'Azure gave no reason.'),
  };
}
