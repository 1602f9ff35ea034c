// A machine as ARM shows it: the model, the instance view, and what Resource Graph adds.
import { formatMoment } from '../calls.ts';
import { type Json, type JsonObject, sameJson } from '../json.ts';
import {
  type DataDisk,
  type PowerState,
  resourceTypes,
  type VirtualMachineRecord,
} from '../records.ts';
import { etagOf } from './etags.ts';

export interface MachineViewOptions {
  readonly instanceView?: boolean;
  readonly userData?: boolean;
}

export function viewVirtualMachine(
  machine: VirtualMachineRecord,
  now: number,
  options: MachineViewOptions = {},
): JsonObject {
  return {
    name: machine.name,
    id: machine.id,
    type: resourceTypes.virtualMachine,
    location: machine.location,
    ...(machine.zones && { zones: [...machine.zones] }),
    ...(machine.identity !== undefined && { identity: machine.identity }),
    tags: { ...machine.tags },
    properties: {
      ...machine.echoed,
      hardwareProfile: { vmSize: machine.size },
      provisioningState: machine.provisioningState,
      vmId: machine.vmId,
      ...(machine.hibernationEnabled && { additionalCapabilities: { hibernationEnabled: true } }),
      storageProfile: viewStorageProfile(machine),
      ...(machine.osProfile && { osProfile: viewOsProfile(machine.osProfile) }),
      networkProfile: {
        networkInterfaces: machine.networkInterfaces.map(({ id, primary, deleteOption }) => ({
          id,
          properties: { primary, deleteOption },
        })),
      },
      ...(machine.priority === 'Spot' && {
        priority: 'Spot',
        evictionPolicy: machine.evictionPolicy ?? 'Deallocate',
      }),
      ...(options.userData && machine.userData !== undefined && { userData: machine.userData }),
      ...(options.instanceView && { instanceView: viewInstance(machine, now) }),
      timeCreated: formatMoment(machine.createdAt),
    },
    etag: etagOf(machine),
  };
}

export function viewStorageProfile(machine: VirtualMachineRecord): JsonObject {
  const { osDisk } = machine;
  return {
    ...(machine.imageReference && { imageReference: machine.imageReference }),
    osDisk: {
      osType: 'Linux',
      name: osDisk.name,
      createOption: 'FromImage',
      caching: osDisk.caching,
      ...(osDisk.ephemeral && { diffDiskSettings: { option: 'Local' } }),
      managedDisk: {
        storageAccountType: osDisk.storageAccountType,
        ...(osDisk.diskId && { id: osDisk.diskId }),
      },
      deleteOption: osDisk.deleteOption,
      diskSizeGB: osDisk.sizeGigabytes,
    },
    dataDisks: machine.dataDisks.map(viewDataDisk),
  };
}

function viewDataDisk(disk: DataDisk): JsonObject {
  return {
    lun: disk.lun,
    name: disk.name,
    createOption: disk.createOption,
    caching: disk.caching,
    managedDisk: { storageAccountType: disk.storageAccountType, id: disk.diskId },
    deleteOption: disk.deleteOption,
    diskSizeGB: disk.sizeGigabytes,
    toBeDetached: disk.toBeDetached,
  };
}

/**
 * The answer to an accepted write lists the disks that it makes along the way, but without ids: those
 * come with the end of the operation.
 */
export function withoutArrivingIds(
  view: JsonObject,
  isArriving: (id: string) => boolean,
): JsonObject {
  const properties = view['properties'] as JsonObject;
  const profile = properties['storageProfile'] as JsonObject;
  const withoutId = (disk: JsonObject): JsonObject => {
    const { id, ...managedDisk } = disk['managedDisk'] as JsonObject;
    return typeof id === 'string' && isArriving(id) ? { ...disk, managedDisk } : disk;
  };
  const storageProfile = {
    ...profile,
    osDisk: withoutId(profile['osDisk'] as JsonObject),
    dataDisks: (profile['dataDisks'] as JsonObject[]).map(withoutId),
  };
  return { ...view, properties: { ...properties, storageProfile } };
}

/** Secrets go in and never come out. */
function viewOsProfile(profile: JsonObject): JsonObject {
  const { adminPassword: _, customData: __, ...shown } = profile;
  return {
    ...shown,
    linuxConfiguration: {
      provisionVMAgent: true,
      patchSettings: { patchMode: 'ImageDefault', assessmentMode: 'ImageDefault' },
      ...(shown['linuxConfiguration'] as JsonObject | undefined),
    },
    secrets: shown['secrets'] ?? [],
    allowExtensionOperations: shown['allowExtensionOperations'] ?? true,
    requireGuestProvisionSignal: true,
  };
}

const powerTexts: Readonly<Record<PowerState, string>> = {
  starting: 'VM starting',
  running: 'VM running',
  stopping: 'VM stopping',
  stopped: 'VM stopped',
  deallocating: 'VM deallocating',
  deallocated: 'VM deallocated',
  unknown: 'VM state unknown',
};

export function viewInstance(machine: VirtualMachineRecord, now: number): JsonObject {
  const time = formatMoment(now);
  const ready = machine.powerState === 'running';
  const state = machine.provisioningState.toLowerCase();
  const statuses: Json[] = [
    {
      code: `ProvisioningState/${state}`,
      level: state === 'failed' ? 'Error' : 'Info',
      displayStatus: `Provisioning ${state}`,
      time,
    },
    powerStatus(machine),
  ];
  if (machine.hibernated)
    statuses.push({
      code: 'HibernationState/Hibernated',
      level: 'Info',
      displayStatus: 'VM hibernated',
    });
  return {
    ...(ready && {
      computerName: computerName(machine),
      osName: 'ubuntu',
      osVersion: '24.04',
      vmAgent: {
        vmAgentVersion: '2.13.1.1',
        statuses: [
          {
            code: 'ProvisioningState/succeeded',
            level: 'Info',
            displayStatus: 'Ready',
            message: 'Guest Agent is running',
            time,
          },
        ],
      },
    }),
    hyperVGeneration: 'V2',
    disks: [machine.osDisk.name, ...machine.dataDisks.map((disk) => disk.name)].map((name) => ({
      name,
      statuses: [
        {
          code: 'ProvisioningState/succeeded',
          level: 'Info',
          displayStatus: 'Provisioning succeeded',
          time,
        },
      ],
    })),
    statuses,
  };
}

function computerName(machine: VirtualMachineRecord): string {
  const chosen = machine.osProfile?.['computerName'];
  return typeof chosen === 'string' ? chosen : machine.name;
}

function powerStatus(machine: VirtualMachineRecord): JsonObject {
  return {
    code: `PowerState/${machine.powerState}`,
    level: 'Info',
    displayStatus: powerTexts[machine.powerState],
  };
}

/** Resource Graph's copy of the model carries the power state too. */
export function viewForGraph(machine: VirtualMachineRecord, now: number): JsonObject {
  const view = viewVirtualMachine(machine, now);
  const { code, level, displayStatus } = powerStatus(machine);
  const extended = {
    instanceView: {
      powerState: { code, level, displayStatus },
      ...(machine.powerState === 'running' && { computerName: computerName(machine) }),
    },
  };
  return { ...view, properties: { ...(view['properties'] as JsonObject), extended } };
}

/** Whether two models differ in anything a client could have asked for. */
export function sameModel(left: JsonObject, right: JsonObject): boolean {
  return sameJson(withoutState(left), withoutState(right));
}

function withoutState(view: JsonObject): JsonObject {
  const { etag: _, properties, ...rest } = view;
  const { provisioningState: __, ...model } = properties as JsonObject;
  return { ...rest, properties: model };
}
