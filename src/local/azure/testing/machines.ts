// Bodies and paths of machines and disks, with every default filled in. For tests.
import type { JsonObject } from '../json.ts';
import { type Answer, groupPath, propertiesOf } from './fake-cloud.ts';

export function vmPath(name = 'vm-one'): string {
  return `virtualMachines/${name}`;
}

export function diskPath(name: string): string {
  return `disks/${name}`;
}

/** A machine's PUT body; `vmSize` and `dataDisks` go where they belong, the rest is a property. */
export function aMachine(overrides: JsonObject = {}): JsonObject {
  const { vmSize = 'Standard_D2s_v5', dataDisks = [], ...properties } = overrides;
  return {
    location: 'westeurope',
    zones: ['1'],
    tags: { 'poolkeeper:role': 'instance' },
    properties: {
      hardwareProfile: { vmSize },
      storageProfile: {
        imageReference: {
          publisher: 'Canonical',
          offer: 'ubuntu',
          sku: 'server',
          version: 'latest',
        },
        osDisk: { createOption: 'FromImage', deleteOption: 'Delete' },
        dataDisks,
      },
      osProfile: { computerName: 'one', adminUsername: 'keeper' },
      networkProfile: {
        networkApiVersion: '2024-05-01',
        networkInterfaceConfigurations: [
          {
            name: 'nic',
            properties: {
              primary: true,
              deleteOption: 'Delete',
              ipConfigurations: [{ name: 'ip', properties: { subnet: { id: subnetId } } }],
            },
          },
        ],
      },
      ...properties,
    },
  };
}

const subnetId = `${groupPath}/providers/Microsoft.Network/virtualNetworks/net/subnets/pool`;

export function aDisk(overrides: JsonObject = {}): JsonObject {
  return {
    location: 'westeurope',
    zones: ['1'],
    sku: { name: 'Premium_LRS' },
    properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 },
    ...overrides,
  };
}

export function stateOf(answer: Answer): unknown {
  return propertiesOf(answer)['provisioningState'];
}
