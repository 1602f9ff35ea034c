// The cloud of the stories: machines and disks that come, change and go after as long as in Azure.

import type { PoolInstance } from '../../src/api/pool-instance.ts';
import type { PoolVolume } from '../../src/api/pool-volume.ts';
import type { OperationRecord } from '../../src/api/status.ts';
import { computeResourceId } from '../../src/azure/port.ts';
import type { TagChange } from '../../src/plan/member.ts';
import type { PoolInstanceStep } from '../../src/plan/pool-instance.ts';
import {
  type AttachedVolume,
  type MachineSeen,
  machineName,
} from '../../src/plan/pool-instance.ts';
import {
  type DiskSeen,
  diskName,
  type OperationSeen,
  type PoolVolumeStep,
} from '../../src/plan/pool-volume.ts';
import { formatTime } from '../../src/runtime/clock.ts';
import { location, resourceGroup, subscriptionId } from './pools.ts';

type Member = PoolInstance | PoolVolume;
type Step = PoolInstanceStep | PoolVolumeStep;
type Change = Extract<Step, { type: 'changeDataDisks' }>;

interface Pending {
  readonly url: string;
  readonly id: string;
  readonly endsAt: number;
  readonly failure: string | undefined;
  readonly end: () => void;
}

const scope = { subscriptionId, resourceGroup, location };
const SECONDS = {
  createInstance: 30,
  deleteInstance: 33,
  changeDataDisks: 8,
  createDisk: 1,
  deleteDisk: 1,
};

export class StoryCloud {
  readonly machines = new Map<string, MachineSeen>();
  readonly disks = new Map<string, DiskSeen>();
  /** Codes with which the next operations of a kind fail in the end. */
  readonly failures = new Map<Step['type'], string[]>();
  readonly #pending = new Map<string, Pending>();
  readonly #ended = new Map<string, OperationSeen>();
  #numbers = 0;

  machine(instance: PoolInstance): MachineSeen | undefined {
    return this.machines.get(computeResourceId(scope, 'virtualMachines', machineName(instance)));
  }

  disk(volume: PoolVolume): DiskSeen | undefined {
    return this.disks.get(computeResourceId(scope, 'disks', diskName(volume)));
  }

  operation(record: OperationRecord | undefined, now: number): OperationSeen | undefined {
    this.settle(now);
    if (!record?.url) return undefined;
    if (this.#pending.has(record.url)) return { state: 'InProgress' };
    return this.#ended.get(record.url) ?? { state: 'Unknown' };
  }

  /** Disks with a record on the machine that are not meant for it. */
  strays(instance: PoolInstance, volumes: readonly PoolVolume[]): AttachedVolume[] {
    const attached = this.machine(instance)?.dataDisks ?? [];
    return attached.flatMap(({ diskId, lun }) => {
      const noted = instance.status?.volumes.find(({ resourceId }) => resourceId === diskId);
      const volume = volumes.find(({ status }) => status?.azure?.resourceId === diskId);
      if (!volume || noted?.orphaned || volume.spec.instanceRef?.uid === instance.metadata.uid)
        return [];
      const { name, uid } = volume.metadata;
      return [{ name, uid, resourceId: diskId, lun }];
    });
  }

  /** Azure's error code when it does not even begin. */
  refusal(member: Member, step: Step, now: number): string | undefined {
    this.settle(now);
    const id = this.#idOf(member);
    if ([...this.#pending.values()].some((pending) => pending.id === id)) return 'Conflict';
    const isThere = this.machines.has(id) || this.disks.has(id);
    if (!step.type.startsWith('create') && !isThere) return 'ResourceNotFound';
    if (step.type === 'changeDataDisks') {
      const free = step.attach.every(({ diskId }) => {
        const disk = this.disks.get(diskId);
        return disk !== undefined && disk.managedBy === undefined;
      });
      if (!free) return 'AttachDiskWhileBeingDetached';
    }
    const held = this.disks.get(id)?.managedBy;
    return step.type === 'deleteDisk' && held ? 'OperationNotAllowed' : undefined;
  }

  begin(member: Member, step: Step, now: number): OperationRecord | undefined {
    const id = this.#idOf(member);
    switch (step.type) {
      case 'createInstance': {
        this.machines.set(id, newMachine(id, step.name, step.tags));
        return this.#start('Create', step, id, now, () =>
          this.#changeMachine(id, { provisioningState: 'Succeeded', powerState: 'running' }),
        );
      }
      case 'createDisk': {
        this.disks.set(id, newDisk(id, step.name, step.tags));
        return this.#start('Create', step, id, now, () =>
          this.#changeDisk(id, { provisioningState: 'Succeeded', diskState: 'Unattached' }),
        );
      }
      case 'tagInstance':
        this.#changeMachine(id, { tags: { ...this.machines.get(id)?.tags, ...step.tags } });
        return undefined;
      case 'orphanMachine':
        this.#changeMachine(id, { tags: changed(this.machines.get(id)?.tags, step.tags) });
        return undefined;
      case 'tagDisk':
        this.#changeDisk(id, { tags: changed(this.disks.get(id)?.tags, step.tags) });
        return undefined;
      case 'changeDataDisks':
        return this.#changeDataDisks(id, step, now);
      case 'deleteInstance':
        this.#changeMachine(id, { provisioningState: 'Deleting' });
        return this.#start('Delete', step, id, now, () => this.vanish(id));
      case 'deleteDisk':
        return this.#start('Delete', step, id, now, () => this.vanish(id));
      default:
        throw new Error(`the cloud of the stories knows no ${step.type}`);
    }
  }

  /** Gone without a word, as if somebody had deleted it in the portal. */
  vanish(id: string): void {
    for (const disk of this.disks.values()) if (disk.managedBy === id) this.#free(disk.id);
    this.machines.delete(id);
    this.disks.delete(id);
  }

  settle(now: number): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.endsAt > now) continue;
      this.#pending.delete(pending.url);
      const { failure } = pending;
      if (failure === undefined) pending.end();
      else this.#fail(pending.id);
      this.#ended.set(
        pending.url,
        failure === undefined
          ? { state: 'Succeeded' }
          : { state: 'Failed', code: failure, message: 'it did not work out' },
      );
    }
  }

  #changeDataDisks(id: string, step: Change, now: number): OperationRecord {
    this.#changeMachine(id, { provisioningState: 'Updating' });
    for (const { diskId } of step.attach) this.#changeDisk(diskId, { managedBy: id });
    return this.#start(step.operation, step, id, now, () => {
      const machine = this.machines.get(id);
      if (!machine) return;
      const { dataDisks, tags } = machine;
      for (const diskId of step.detach) this.#free(diskId);
      const added = step.attach.map((disk) => ({ ...disk, toBeDetached: false }));
      for (const { diskId } of added) this.#changeDisk(diskId, { diskState: 'Attached' });
      this.#changeMachine(id, {
        provisioningState: 'Succeeded',
        dataDisks: [...dataDisks.filter(({ diskId }) => !step.detach.includes(diskId)), ...added],
        tags: { ...tags, ...step.tags },
      });
    });
  }

  #fail(id: string): void {
    const machine = this.machines.get(id);
    if (machine?.provisioningState === 'Creating') {
      this.#changeMachine(id, { provisioningState: 'Failed' });
      return;
    }
    if (machine) this.#changeMachine(id, { provisioningState: 'Succeeded' });
    for (const disk of this.disks.values()) {
      const isHeld = machine?.dataDisks.some(({ diskId }) => diskId === disk.id);
      if (disk.managedBy === id && !isHeld) this.#free(disk.id);
    }
    if (this.disks.get(id)?.provisioningState === 'Creating')
      this.#changeDisk(id, { provisioningState: 'Failed' });
  }

  #start(
    type: OperationRecord['type'],
    step: Step,
    id: string,
    now: number,
    end: () => void,
  ): OperationRecord {
    const url = `story:${++this.#numbers}`;
    const failure = this.failures.get(step.type)?.shift();
    const seconds = SECONDS[step.type as keyof typeof SECONDS];
    this.#pending.set(url, { url, id, endsAt: now + seconds * 1000, failure, end });
    return { type, url, startedAt: formatTime(now) };
  }

  #free(diskId: string): void {
    const { managedBy: _, ...disk } = this.disks.get(diskId) ?? {};
    if (this.disks.has(diskId))
      this.disks.set(diskId, { ...(disk as DiskSeen), diskState: 'Unattached' });
  }

  #changeMachine(id: string, changes: Partial<MachineSeen>): void {
    const machine = this.machines.get(id);
    if (machine) this.machines.set(id, { ...machine, ...changes });
  }

  #changeDisk(id: string, changes: Partial<DiskSeen>): void {
    const disk = this.disks.get(id);
    if (disk) this.disks.set(id, { ...disk, ...changes });
  }

  #idOf(member: Member): string {
    return member.kind === 'PoolInstance'
      ? computeResourceId(scope, 'virtualMachines', machineName(member as PoolInstance))
      : computeResourceId(scope, 'disks', diskName(member as PoolVolume));
  }
}

function newMachine(id: string, name: string, tags: Record<string, string>): MachineSeen {
  return {
    id,
    name,
    tags,
    provisioningState: 'Creating',
    vmId: `id of ${name}`,
    etag: '1',
    vmSize: 'Standard_D2s_v5',
    powerState: 'starting',
    hibernated: false,
    dataDisks: [],
    networkInterfaceIds: [],
    privateAddress: '10.0.0.4',
  };
}

function newDisk(id: string, name: string, tags: Record<string, string>): DiskSeen {
  return {
    id,
    name,
    tags,
    provisioningState: 'Creating',
    uniqueId: `id of ${name}`,
    diskState: 'Reserved',
  };
}

function changed(present: Readonly<Record<string, string>> = {}, change: TagChange) {
  const entries = Object.entries({ ...present, ...change }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as Record<string, string>;
}
