// The cloud as the controllers see it: nine verbs over VMs, disks and snapshots of one tenant.
// Every verb is a single call (or one page run): the controllers own waiting, polling and retries.

/**
 * A full ARM id: `/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/disks/…`, in Azure's
 * casing, which is no promise: compare without regard to case.
 */
export type ResourceId = string;
export type Tags = Readonly<Record<string, string>>;
/** Tags to be written; null takes one off. */
export type TagChange = Readonly<Record<string, string | null>>;
export type ResourceKind = 'instance' | 'volume' | 'snapshot' | 'networkInterface';

export interface CloudScope {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly location: string;
}

/** What every observed resource carries. */
interface Observed {
  readonly id: ResourceId;
  readonly name: string;
  /** Azure's own word: Creating, Updating, Succeeded, Failed, Deleting. */
  readonly provisioningState: string;
  readonly tags: Tags;
  readonly location: string;
  readonly zone?: string;
}

export interface ObservedDataDisk {
  readonly lun: number;
  readonly diskId: ResourceId;
  /** Listed is not attached: true only while a detach of it is under way. */
  readonly toBeDetached: boolean;
}

export interface ObservedInstance extends Observed {
  /** Changes when a VM is re-created under the same name. */
  readonly vmId: string;
  readonly etag: string;
  readonly vmSize: string;
  /** `running`, `deallocated`, `stopped`, `starting`, …; undefined until Azure reports one. */
  readonly powerState?: string;
  readonly hibernated: boolean;
  readonly dataDisks: readonly ObservedDataDisk[];
  readonly networkInterfaceIds: readonly ResourceId[];
  readonly osDiskId?: ResourceId;
  /** The first private IPv4 address of the primary NIC. */
  readonly privateAddress?: string;
  readonly priority: 'Regular' | 'Spot';
  /** Azure's error when provisioning failed, from the instance view. */
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface ObservedVolume extends Observed {
  /** Changes when a disk is re-created under the same name. */
  readonly uniqueId: string;
  readonly sizeGiB: number;
  readonly sku: string;
  /** Unattached, Attached, Reserved, Frozen, ActiveSAS, … */
  readonly diskState: string;
  /** The VM it is attached to, lower-cased; undefined when free. */
  readonly managedBy?: ResourceId;
  readonly sourceSnapshotId?: ResourceId;
  readonly timeCreated?: string;
  /** Azure's own record of the last attach or detach. */
  readonly lastOwnershipUpdateTime?: string;
  readonly completionPercent?: number;
}

export interface ObservedSnapshot extends Observed {
  readonly sizeGiB: number;
  readonly timeCreated?: string;
  readonly completionPercent?: number;
}

export interface ObservedNetworkInterface extends Observed {
  readonly privateAddress?: string;
  readonly virtualMachineId?: ResourceId;
}

export interface VolumeIntent {
  readonly scope: CloudScope;
  readonly name: string;
  readonly zone?: string;
  readonly sizeGiB: number;
  readonly sku: string;
  /** Copied from this snapshot; empty disk when absent. */
  readonly sourceSnapshotId?: ResourceId;
  readonly tags: Tags;
}

export interface SnapshotIntent {
  readonly scope: CloudScope;
  readonly name: string;
  readonly sourceDiskId: ResourceId;
  readonly tags: Tags;
}

export interface InstanceIntent {
  readonly scope: CloudScope;
  readonly name: string;
  readonly zone?: string;
  readonly vmSize: string;
  readonly image:
    | {
        readonly publisher: string;
        readonly offer: string;
        readonly sku: string;
        readonly version: string;
      }
    | { readonly id: ResourceId };
  readonly osDisk: {
    readonly sizeGiB?: number;
    readonly storageAccountType: string;
    readonly ephemeral: boolean;
  };
  readonly subnetId: ResourceId;
  readonly adminUsername: string;
  readonly sshPublicKeys: readonly string[];
  /** Plain text; the adapter encodes it. */
  readonly userData?: string;
  readonly priority: 'Regular' | 'Spot';
  /** Of a spot machine; absent: Delete. */
  readonly evictionPolicy?: 'Delete' | 'Deallocate';
  readonly identityIds: readonly ResourceId[];
  readonly hibernationEnabled: boolean;
  readonly tags: Tags;
}

/** What the newest version of an image is called. */
export interface ObservedImage {
  readonly id: ResourceId;
  readonly version: string;
}

/** Maps each kind to what is asked for and what is seen. NICs are only ever made with their VM. */
export interface CloudTypes {
  instance: { intent: InstanceIntent; observed: ObservedInstance };
  volume: { intent: VolumeIntent; observed: ObservedVolume };
  snapshot: { intent: SnapshotIntent; observed: ObservedSnapshot };
  networkInterface: { intent: never; observed: ObservedNetworkInterface };
  /** Named without its version; seen is the newest. Only ever read. */
  image: { intent: never; observed: ObservedImage };
}

/** A long-running operation that Azure accepted; plain data so that a status can hold it. */
export interface Operation {
  /** The operation URL, verbatim (about 4 KB with Azure's signature). */
  readonly url: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

export type OperationState =
  | { readonly state: 'InProgress'; readonly retryAfterMilliseconds?: number }
  | { readonly state: 'Succeeded'; readonly endedAt?: string; readonly output?: unknown }
  | { readonly state: 'Failed'; readonly code: string; readonly message: string }
  /** The URL has expired or was never Azure's: look at the resource instead. */
  | { readonly state: 'Unknown' };

export interface DataDiskChange {
  readonly attach: readonly { readonly diskId: ResourceId; readonly lun: number }[];
  readonly detach: readonly ResourceId[];
  /** Merged over the VM's tags in the same write. */
  readonly tags?: Tags;
}

/** One row of Resource Graph: for discovery only, it lags behind the truth without bound. */
export interface DiscoveredResource {
  /** Lower-cased: Resource Graph returns ids in whatever case it likes. */
  readonly id: ResourceId;
  readonly name: string;
  readonly kind: ResourceKind;
  readonly location: string;
  readonly zone?: string;
  readonly tags: Tags;
  readonly provisioningState?: string;
  /** Of a VM, as in `ObservedInstance`. */
  readonly powerState?: string;
  readonly managedBy?: ResourceId;
  readonly timeCreated?: string;
}

/** Everything a call is attributed to: goes into the request's headers and the logs. */
export interface CallContext {
  readonly correlationId: string;
  /** Claims and releases go before warm-up when Azure's budget is short. */
  readonly priority: 'claim' | 'warm-up';
  readonly signal?: AbortSignal;
}

/**
 * All verbs reject with CloudError. A CloudError with `outcome: 'unknown'` means the write may have been
 * applied: look with `get` before trying again.
 */
export interface AzureCloud {
  /** The live resource (never Resource Graph), or undefined on 404. */
  get<K extends keyof CloudTypes>(
    kind: K,
    id: ResourceId,
    context: CallContext,
  ): Promise<CloudTypes[K]['observed'] | undefined>;
  /**
   * Starts a creation. Instances go with If-None-Match: * and are refused with PreconditionFailed when
   * the name is taken; disks and snapshots have no such guard, so callers `get` first.
   */
  create<K extends ResourceKind>(
    kind: K,
    intent: CloudTypes[K]['intent'],
    context: CallContext,
  ): Promise<Operation | undefined>;
  /** Starts a deletion; resolves undefined when it is already gone. */
  delete(kind: ResourceKind, id: ResourceId, context: CallContext): Promise<Operation | undefined>;
  /**
   * Merges our tags over the resource's present ones: tags of others are kept. `seen` saves reading it
   * first where an ETag guards the write: instances.
   */
  tag(
    kind: ResourceKind,
    id: ResourceId,
    tags: TagChange,
    context: CallContext & { readonly seen?: ObservedInstance | undefined },
  ): Promise<void>;
  /** One VM write under If-Match of `seen.etag`: the full disk list of `seen` with the change, and tags. */
  changeDataDisks(
    seen: ObservedInstance,
    change: DataDiskChange,
    context: CallContext,
  ): Promise<Operation | undefined>;
  power(
    id: ResourceId,
    action: 'start' | 'deallocate' | 'hibernate' | 'powerOff',
    context: CallContext,
  ): Promise<Operation | undefined>;
  /**
   * Runs a shell script in the guest; the operation's output is `{exitCode?, stdout, stderr}` (only
   * the last 4 KB of each). No exit code: the script never came to its end, so it has not succeeded.
   */
  runCommand(id: ResourceId, script: string, context: CallContext): Promise<Operation | undefined>;
  poll(operation: Operation, context: CallContext): Promise<OperationState>;
  /**
   * Everything of one installation in a subscription, all pages. Rejects rather than return a short list.
   * `installation` is matched against the tag `poolkeeper:installation`.
   */
  discover(
    query: { readonly subscriptionId: string; readonly installation: string },
    context: CallContext,
  ): Promise<readonly DiscoveredResource[]>;
}

/** The name of a VM's OS disk: it carries no tags, so that only its name tells whose it is. */
export function osDiskName(machineName: string): string {
  return `${machineName}-os`;
}

/** The ARM id of a compute resource in a scope. */
export function computeResourceId(
  scope: CloudScope,
  type: 'virtualMachines' | 'disks' | 'snapshots',
  name: string,
): ResourceId {
  const { subscriptionId, resourceGroup } = scope;
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Compute/${type}/${name}`;
}
