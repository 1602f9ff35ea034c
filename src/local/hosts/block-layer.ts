// The kernel's view of storage: which names the disks got this time, which arrays run on them.
import type { Random } from '../../runtime/random.ts';
import type { SimulatedDisk } from './disk.ts';
import { type Partition, readPartitions } from './gpt.ts';
import type { MdArray } from './md-array.ts';
import { assemble } from './md-assembly.ts';
import { colonUuid, readMdSuperblock } from './md-superblock.ts';
import { mainSignature, probe, type Signature } from './signatures.ts';
import { type Content, windowOf } from './sparse-bytes.ts';

export interface BlockNode {
  readonly kernelName: string;
  readonly path: string;
  readonly kind: 'disk' | 'part' | 'raid';
  readonly content: Content;
  readonly sizeBytes: number;
  /** The disk itself, also for its partitions. */
  readonly disk?: SimulatedDisk;
  readonly partition?: Partition;
  readonly array?: MdArray;
  /** The whole disk of a partition. */
  readonly parent?: string;
}

export class BlockLayer {
  readonly disks: SimulatedDisk[];
  readonly arrays: MdArray[] = [];
  #names = new Map<SimulatedDisk, string>();

  constructor(disks: readonly SimulatedDisk[]) {
    this.disks = [...disks];
    this.assignNames();
  }

  /** Names follow the order of discovery, which `random` (a reboot) may change. */
  assignNames(random?: Random): void {
    const order = [...this.disks];
    if (random)
      for (let index = order.length - 1; index > 0; index--) {
        const other = Math.floor(random.next() * (index + 1));
        [order[index], order[other]] = [order[other]!, order[index]!];
      }
    this.#names = new Map();
    for (const disk of order) this.#nameDisk(disk);
  }

  #nameDisk(disk: SimulatedDisk): void {
    const taken = new Set(this.#names.values());
    const { transport = 'virtio', namespaceId } = disk.options;
    if (transport === 'nvme' && namespaceId !== undefined) {
      this.#names.set(disk, `nvme0n${namespaceId}`);
      return;
    }
    const name = (index: number): string => {
      if (transport === 'nvme') return `nvme${index + 1}n1`;
      const isScsi = transport === 'scsi' || transport === 'iscsi';
      return `${isScsi ? 'sd' : 'vd'}${String.fromCharCode(97 + index)}`;
    };
    let index = 0;
    while (taken.has(name(index))) index++;
    this.#names.set(disk, name(index));
  }

  addDisk(disk: SimulatedDisk): void {
    this.disks.push(disk);
    this.#nameDisk(disk);
  }

  /** Pulls the disk out; arrays lose their member at once. */
  removeDisk(disk: SimulatedDisk): void {
    const name = this.#names.get(disk);
    this.disks.splice(this.disks.indexOf(disk), 1);
    this.#names.delete(disk);
    for (const array of this.arrays)
      for (const member of array.members)
        if (member.kernelName === name && member.state !== 'faulty') array.fail(member);
  }

  nodes(): BlockNode[] {
    const nodes: BlockNode[] = [];
    for (const disk of this.disks) nodes.push(...this.#diskNodes(disk));
    for (const array of this.arrays)
      nodes.push({
        kernelName: array.kernelName,
        path: `/dev/${array.kernelName}`,
        kind: 'raid',
        content: array,
        sizeBytes: array.started ? array.sizeBytes : 0,
        array,
      });
    return nodes;
  }

  #diskNodes(disk: SimulatedDisk): BlockNode[] {
    const kernelName = this.#names.get(disk)!;
    const path = `/dev/${kernelName}`;
    const whole: BlockNode = {
      kernelName,
      path,
      kind: 'disk',
      content: disk,
      sizeBytes: disk.sizeBytes,
      disk,
    };
    const separator = kernelName.startsWith('nvme') ? 'p' : '';
    const partitions = disk.failReads ? [] : readPartitions(disk);
    return [
      whole,
      ...partitions.map((partition): BlockNode => {
        const name = `${kernelName}${separator}${partition.number}`;
        return {
          kernelName: name,
          path: `/dev/${name}`,
          kind: 'part',
          content: windowOf(disk, partition.startBytes, partition.sizeBytes),
          sizeBytes: partition.sizeBytes,
          disk,
          partition,
          parent: kernelName,
        };
      }),
    ];
  }

  nameOf(disk: SimulatedDisk): string | undefined {
    return this.#names.get(disk);
  }

  /** The device behind a path: kernel names, /dev/md/<name> and the links under /dev/disk. */
  resolve(path: string): BlockNode | undefined {
    return this.nodes().find((node) => node.path === path || linksOf(node).includes(path));
  }

  byFilesystemUuid(uuid: string): BlockNode | undefined {
    const matches = this.nodes().filter((node) => {
      const main = signatureOf(node);
      return main?.uuid === uuid && main.type !== 'linux_raid_member';
    });
    // Raw members of a mirror carry the filesystem's bytes at another offset, never at offset 0.
    return matches.find(({ kind }) => kind === 'raid') ?? matches[0];
  }

  /** Arrays built on this device or on one of its partitions' siblings. */
  holdersOf(kernelName: string): MdArray[] {
    return this.arrays.filter((array) =>
      array.members.some((member) => member.kernelName === kernelName),
    );
  }

  childrenOf(kernelName: string): BlockNode[] {
    const partitions = this.nodes().filter(({ parent }) => parent === kernelName);
    const arrays = this.holdersOf(kernelName).map((array) => array.kernelName);
    return [...partitions, ...this.nodes().filter((node) => arrays.includes(node.kernelName))];
  }

  freeArrayName(): string {
    const taken = new Set(this.arrays.map(({ kernelName }) => kernelName));
    let index = 127;
    while (taken.has(`md${index}`)) index--;
    return `md${index}`;
  }

  stopArray(array: MdArray): void {
    this.arrays.splice(this.arrays.indexOf(array), 1);
  }

  /** What udev's incremental rule does at boot: complete arrays start, others stay inactive. */
  assembleAll(nowMilliseconds: number): void {
    const byUuid = new Map<string, BlockNode[]>();
    for (const node of this.nodes()) {
      if (node.kind === 'raid' || node.disk?.failReads) continue;
      const uuid = readMdSuperblock(node.content)?.arrayUuid;
      if (uuid) byUuid.set(uuid, [...(byUuid.get(uuid) ?? []), node]);
    }
    for (const [uuid, nodes] of byUuid)
      if (!this.arrays.some(({ shape }) => shape.uuid === uuid))
        this.assembleArray(nodes, nowMilliseconds, { startDegraded: false });
  }

  assembleArray(
    nodes: readonly BlockNode[],
    nowMilliseconds: number,
    options: { startDegraded: boolean },
  ): MdArray {
    const array = assemble(this.freeArrayName(), nodes);
    if (array.sync) array.sync = { ...array.sync, startedAtMilliseconds: nowMilliseconds };
    array.started = !array.failed && (array.degraded === 0 || options.startDegraded);
    this.arrays.push(array);
    return array;
  }
}

/** The main signature, or undefined also where the medium can't be read. */
export function signatureOf(node: BlockNode): Signature | undefined {
  try {
    return mainSignature(probe(node.content));
  } catch {
    return undefined;
  }
}

const majors: Readonly<Record<string, number>> = { sd: 8, vd: 254, md: 9, nvme: 259 };

/** `major:minor`, following from the name as the kernel's drivers do it. */
export function deviceNumberOf(kernelName: string): string {
  const [, driver = '', rest = ''] = /^(sd|vd|md|nvme)(.*)$/.exec(kernelName) ?? [];
  const digits = (rest.match(/\d+/g) ?? []).map(Number);
  if (driver === 'md') return `9:${digits[0]}`;
  if (driver === 'nvme')
    return `259:${(digits[0] ?? 0) * 256 + (digits[1] ?? 0) * 16 + (digits[2] ?? 0)}`;
  return `${majors[driver]}:${(rest.charCodeAt(0) - 97) * 16 + (digits[0] ?? 0)}`;
}

/** Where walinuxagent's rules put links to disks that Azure has attached. */
export const AZURE_LINKS = '/dev/disk/azure/scsi1';
export const ID_LINKS = '/dev/disk/by-id';

/** The links udev would make. */
export function linksOf(node: BlockNode): string[] {
  if (node.array) {
    const { linkName, shape } = node.array;
    const byId = `${ID_LINKS}/md-uuid-${colonUuid(shape.uuid)}`;
    return node.array.started ? [`/dev/md/${linkName}`, byId] : [];
  }
  const { serial, wwn, transport = 'virtio', model } = node.disk?.options ?? {};
  const suffix = node.partition ? `-part${node.partition.number}` : '';
  const links: string[] = [];
  const lun = node.disk?.azureLun;
  if (lun !== undefined) links.push(`${AZURE_LINKS}/lun${lun}${suffix}`);
  const prefix = wwn?.startsWith('eui.') ? 'nvme' : 'wwn';
  if (wwn) links.push(`${ID_LINKS}/${prefix}-${wwn}${suffix}`);
  const middle = transport === 'nvme' && model ? `${model.replaceAll(' ', '_')}_` : '';
  const name = serial?.replaceAll(/[^\w:.-]/g, '_');
  if (name) links.push(`${ID_LINKS}/${transport}-${middle}${name}${suffix}`);
  return links;
}
