// The simulated nodes as VMs of the simulated Azure: what Azure attaches to a VM appears as a disk of its
// host, at its logical unit, and goes when Azure detaches it. A disk keeps its bytes on its way from one
// host to another.
import type { Runtime } from '../runtime/index.ts';
import { randomUuid, seededRandom } from '../runtime/random.ts';
import type { SimulatedAzure } from './azure/index.ts';
import type { DataDisk, DiskRecord, VirtualMachineRecord } from './azure/records.ts';
import { sameId } from './azure/resource-ids.ts';
import { GIBIBYTE, makeFilesystem, SimulatedDisk, type SimulatedHost } from './hosts/index.ts';
import type { SparseBytes } from './hosts/sparse-bytes.ts';

export interface NodeMachineOptions {
  readonly runtime: Runtime;
  readonly azure: SimulatedAzure;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly zone?: string;
}

const VM_SIZE = 'Standard_D4s_v5';

export class NodeMachines {
  readonly #options: NodeMachineOptions;
  /** By the lower-cased id of the VM. */
  readonly #hosts = new Map<string, SimulatedHost>();
  /** By the lower-cased id of the Azure disk: as long as that exists, wherever it is attached. */
  readonly #disks = new Map<string, SimulatedDisk>();

  constructor(options: NodeMachineOptions) {
    this.#options = options;
    const { resources } = options.azure.cloud;
    resources.onChange(({ id, record }) => {
      if (record === undefined) this.#forget(id);
      if (record === undefined || record.kind === 'disk' || record.kind === 'virtualMachine')
        this.#follow();
    });
  }

  /** Makes the VM, unless it is there from a former run. Returns what the Node says of it. */
  add(host: SimulatedHost, name = host.nodeName): string {
    const { azure, runtime } = this.#options;
    const id = this.idOf(name);
    this.#hosts.set(id.toLowerCase(), host);
    const { resources } = azure.cloud;
    if (!resources.has(id)) resources.save(this.#machine(id, name), runtime.clock.now());
    this.#follow();
    return `azure://${id}`;
  }

  idOf(name: string): string {
    const { subscriptionId, resourceGroup } = this.#options;
    return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Compute/virtualMachines/${name}`;
  }

  /** The bytes of every disk that was ever attached to a host, by the id of the Azure disk. */
  contents(): Readonly<Record<string, SparseBytes>> {
    return Object.fromEntries([...this.#disks].map(([id, { bytes }]) => [id, bytes]));
  }

  #machine(id: string, name: string): VirtualMachineRecord {
    const { runtime, subscriptionId, resourceGroup, location, zone } = this.#options;
    return {
      kind: 'virtualMachine',
      id,
      name,
      subscriptionId,
      resourceGroup,
      location,
      tags: { 'kubernetes-node': name },
      ...(zone !== undefined && { zones: [zone] }),
      createdAt: runtime.clock.now(),
      provisioningState: 'Succeeded',
      etag: 1,
      vmId: randomUuid(seededRandom(this.#hosts.size)),
      size: VM_SIZE,
      priority: 'Regular',
      hibernationEnabled: false,
      hibernated: false,
      powerState: 'running',
      osDisk: {
        name: `${name}-os`,
        storageAccountType: 'Premium_LRS',
        sizeGigabytes: 30,
        caching: 'ReadOnly',
        deleteOption: 'Delete',
        ephemeral: true,
      },
      dataDisks: [],
      networkInterfaces: [],
      echoed: {},
    };
  }

  #forget(id: string): void {
    this.#disks.delete(id.toLowerCase());
  }

  /** Makes the disks of every host those that Azure shows attached to its VM. */
  #follow(): void {
    const { resources } = this.#options.azure.cloud;
    for (const [id, host] of this.#hosts) {
      const machine = resources.get('virtualMachine', id);
      const attached = (machine?.dataDisks ?? []).filter((entry) => {
        return sameId(resources.get('disk', entry.diskId)?.managedBy, machine!.id);
      });
      this.#pull(host, attached);
      for (const entry of attached) this.#plug(host, entry);
    }
  }

  #pull({ machine: { blocks } }: SimulatedHost, attached: readonly DataDisk[]): void {
    const staying = new Set(attached.map(({ diskId }) => this.#disks.get(diskId.toLowerCase())));
    const gone = blocks.disks.filter((disk) => disk.azureLun !== undefined && !staying.has(disk));
    for (const disk of gone) {
      blocks.removeDisk(disk);
      disk.azureLun = undefined;
    }
  }

  #plug({ machine: { blocks } }: SimulatedHost, { diskId, lun }: DataDisk): void {
    const record = this.#options.azure.cloud.resources.get('disk', diskId);
    if (!record) return;
    const key = diskId.toLowerCase();
    const disk = this.#disks.get(key) ?? newDisk(record);
    this.#disks.set(key, disk);
    disk.azureLun = lun;
    if (!blocks.disks.includes(disk)) blocks.addDisk(disk);
  }
}

/** As Azure presents a disk to a SCSI guest; a copy of a snapshot has a filesystem on it. */
function newDisk({ uniqueId, sizeGigabytes, content }: DiskRecord): SimulatedDisk {
  const disk = new SimulatedDisk({
    sizeBytes: sizeGigabytes * GIBIBYTE,
    transport: 'scsi',
    vendor: 'Msft',
    model: 'Virtual Disk',
    serial: `60022480${uniqueId.replaceAll('-', '').slice(0, 24)}`,
    wwn: `0x60022480${uniqueId.replaceAll('-', '').slice(0, 24)}`,
  });
  if (content.origin !== 'empty') makeFilesystem(disk, 'ext4', uniqueId);
  return disk;
}
