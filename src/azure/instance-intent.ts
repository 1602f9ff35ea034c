// What is asked of Azure for a pooled VM. Delete options are always explicit: Azure's default is to
// leave the OS disk and the NIC behind.
import type { OSDisk, VirtualMachine } from '@azure/arm-compute';
import { type InstanceIntent, osDiskName } from './port.ts';

/** The Azure limit for Linux. */
const MAX_COMPUTER_NAME_CHARACTERS = 64;
/** The version of the network provider's rules that inline NICs are made by. */
const NETWORK_API_VERSION = '2022-11-01';

export function writeInstance(intent: InstanceIntent): VirtualMachine {
  const { scope, zone, image, userData, identityIds, tags } = intent;
  return {
    location: scope.location,
    tags: { ...tags },
    ...(zone !== undefined && { zones: [zone] }),
    ...(identityIds.length > 0 && {
      identity: {
        type: 'UserAssigned',
        userAssignedIdentities: Object.fromEntries(identityIds.map((id) => [id, {}])),
      },
    }),
    hardwareProfile: { vmSize: intent.vmSize },
    storageProfile: { imageReference: { ...image }, osDisk: writeOsDisk(intent) },
    osProfile: writeOsProfile(intent),
    networkProfile: writeNetwork(intent),
    // Managed storage: nothing of ours to create or clean up.
    diagnosticsProfile: { bootDiagnostics: { enabled: true } },
    ...(intent.priority === 'Spot'
      ? // Never evicted for the price: -1 pays up to the regular one.
        {
          priority: 'Spot',
          evictionPolicy: intent.evictionPolicy ?? 'Delete',
          billingProfile: { maxPrice: -1 },
        }
      : { priority: 'Regular' }),
    ...(intent.hibernationEnabled && { additionalCapabilities: { hibernationEnabled: true } }),
    ...(userData !== undefined && { userData: Buffer.from(userData).toString('base64') }),
  };
}

function writeOsDisk(intent: InstanceIntent): OSDisk {
  const { sizeGiB, storageAccountType, ephemeral } = intent.osDisk;
  return {
    name: osDiskName(intent.name),
    createOption: 'FromImage',
    deleteOption: 'Delete',
    // An ephemeral disk lives on the host and takes no other caching.
    caching: ephemeral ? 'ReadOnly' : 'ReadWrite',
    managedDisk: { storageAccountType },
    ...(ephemeral && { diffDiskSettings: { option: 'Local' } }),
    ...(sizeGiB !== undefined && { diskSizeGB: sizeGiB }),
  };
}

function writeOsProfile(intent: InstanceIntent): VirtualMachine['osProfile'] {
  const { adminUsername, sshPublicKeys } = intent;
  const path = `/home/${adminUsername}/.ssh/authorized_keys`;
  return {
    computerName: computerName(intent.name),
    adminUsername,
    linuxConfiguration: {
      disablePasswordAuthentication: true,
      provisionVMAgent: true,
      ssh: { publicKeys: sshPublicKeys.map((keyData) => ({ path, keyData })) },
    },
  };
}

/** The NIC is made and deleted with its VM, and tagged like it so that a leftover can be found. */
function writeNetwork(intent: InstanceIntent): VirtualMachine['networkProfile'] {
  return {
    networkApiVersion: NETWORK_API_VERSION,
    networkInterfaceConfigurations: [
      {
        name: `${intent.name}-nic`,
        primary: true,
        deleteOption: 'Delete',
        tags: { ...intent.tags },
        ipConfigurations: [
          {
            name: 'primary',
            primary: true,
            subnet: { id: intent.subnetId },
            privateIPAddressVersion: 'IPv4',
          },
        ],
      },
    ],
  };
}

function computerName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, MAX_COMPUTER_NAME_CHARACTERS)
    .replace(/^-+|-+$/g, '');
}
