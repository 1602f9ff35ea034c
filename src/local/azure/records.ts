// What the simulated cloud remembers. Plain JSON throughout, so that it can be saved and reloaded.
import type { Json, JsonObject } from './json.ts';

export const resourceTypes = {
  disk: 'Microsoft.Compute/disks',
  snapshot: 'Microsoft.Compute/snapshots',
  virtualMachine: 'Microsoft.Compute/virtualMachines',
  networkInterface: 'Microsoft.Network/networkInterfaces',
} as const;

export type ProvisioningState = 'Creating' | 'Updating' | 'Succeeded' | 'Failed' | 'Deleting';

interface TrackedRecord {
  readonly id: string;
  readonly name: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  location: string;
  tags: Record<string, string>;
  readonly zones?: string[];
  readonly createdAt: number;
  provisioningState: ProvisioningState;
  /** The long-running operation in flight on this resource. */
  operationId?: string;
  /** Until then reads answer 404 (injected read-after-write lag). */
  hiddenUntil?: number;
}

/** Whose bytes a disk carries: where it began and every machine that has written to it since. */
export interface DiskContent {
  /** `empty`, an image, or a name given to seeded data. */
  readonly origin: string;
  readonly writes: { readonly by: string; readonly at: number }[];
}

/** A background copy that starts when the resource does; the resource is usable before it ends. */
export interface BackgroundCopy {
  readonly startedAt: number;
  readonly durationMilliseconds: number;
}

export type DiskState = 'Unattached' | 'Attached' | 'Reserved' | 'Frozen';

export interface DiskRecord extends TrackedRecord {
  readonly kind: 'disk';
  sku: string;
  sizeGigabytes: number;
  readonly creationData: JsonObject;
  readonly uniqueId: string;
  readonly osType?: string;
  diskState: DiskState;
  managedBy?: string;
  /** An attach or detach is under way: the disk is neither free nor settled. */
  transition?: { readonly phase: 'attaching' | 'detaching'; readonly vmId: string };
  lastOwnershipUpdateAt?: number;
  /** It never came to be: of no use, and a PUT starts over. */
  creationFailed?: boolean;
  copy?: BackgroundCopy;
  content: DiskContent;
  /** Properties that are only echoed: networkAccessPolicy, tier, … */
  echoed: JsonObject;
}

export interface SnapshotRecord extends TrackedRecord {
  readonly kind: 'snapshot';
  readonly sku: string;
  readonly sizeGigabytes: number;
  readonly incremental: boolean;
  readonly creationData: JsonObject;
  readonly uniqueId: string;
  readonly osType?: string;
  copy?: BackgroundCopy;
  readonly content: DiskContent;
  echoed: JsonObject;
}

export type DeleteOption = 'Delete' | 'Detach';

export type PowerState =
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'deallocating'
  | 'deallocated'
  | 'unknown';

export interface DataDisk {
  readonly lun: number;
  readonly name: string;
  readonly createOption: string;
  readonly caching: string;
  readonly diskId: string;
  readonly storageAccountType: string;
  readonly sizeGigabytes: number;
  deleteOption: DeleteOption;
  toBeDetached: boolean;
}

export interface NetworkInterfaceReference {
  readonly id: string;
  readonly primary: boolean;
  readonly deleteOption: DeleteOption;
}

export interface VirtualMachineRecord extends TrackedRecord {
  readonly kind: 'virtualMachine';
  etag: number;
  readonly vmId: string;
  size: string;
  readonly priority: 'Regular' | 'Spot';
  readonly evictionPolicy?: 'Deallocate' | 'Delete';
  hibernationEnabled: boolean;
  hibernated: boolean;
  powerState: PowerState;
  identity?: Json;
  userData?: string;
  imageReference?: JsonObject;
  osDisk: {
    readonly name: string;
    diskId?: string;
    readonly storageAccountType: string;
    readonly sizeGigabytes: number;
    readonly caching: string;
    readonly deleteOption: DeleteOption;
    readonly ephemeral: boolean;
  };
  dataDisks: DataDisk[];
  networkInterfaces: NetworkInterfaceReference[];
  osProfile?: JsonObject;
  /** Properties that are only echoed: securityProfile, diagnosticsProfile, … */
  echoed: JsonObject;
}

export interface NetworkInterfaceRecord extends TrackedRecord {
  readonly kind: 'networkInterface';
  readonly etag: string;
  readonly privateAddress: string;
  readonly subnetId: string;
  readonly ipConfigurationName: string;
  readonly macAddress: string;
  virtualMachineId?: string;
  /** After a failed machine creation the interface stays reserved for that machine until then. */
  reservedUntil?: number;
  echoed: JsonObject;
}

export type ResourceRecord =
  | DiskRecord
  | SnapshotRecord
  | VirtualMachineRecord
  | NetworkInterfaceRecord;

export type ResourceKind = ResourceRecord['kind'];
