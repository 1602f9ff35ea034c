// A network interface as ARM shows it.
import type { JsonObject } from './json.ts';
import { type NetworkInterfaceRecord, resourceTypes } from './records.ts';
import { idKey } from './resource-ids.ts';

export function viewInterface(record: NetworkInterfaceRecord): JsonObject {
  const state = record.provisioningState;
  return {
    name: record.name,
    id: record.id,
    etag: `W/"${record.etag}"`,
    type: resourceTypes.networkInterface,
    location: record.location,
    tags: { ...record.tags },
    properties: {
      ...record.echoed,
      provisioningState: state,
      resourceGuid: idKey(record.etag),
      ipConfigurations: [
        {
          name: record.ipConfigurationName,
          id: `${record.id}/ipConfigurations/${record.ipConfigurationName}`,
          type: 'Microsoft.Network/networkInterfaces/ipConfigurations',
          properties: {
            provisioningState: state,
            privateIPAddress: record.privateAddress,
            privateIPAllocationMethod: 'Dynamic',
            privateIPAddressVersion: 'IPv4',
            primary: true,
            subnet: { id: record.subnetId },
          },
        },
      ],
      macAddress: record.macAddress,
      nicType: 'Standard',
      ...(record.virtualMachineId && {
        primary: true,
        virtualMachine: { id: record.virtualMachineId },
      }),
    },
  };
}
