// One simulated machine: what survives a reboot (disks, root filesystem) and what doesn't (names,
// mounts, running arrays, /run), with the kernel's rules about who may use a device.
import type { Runtime } from '../../runtime/index.ts';
import { BlockLayer, type BlockNode } from './block-layer.ts';
import type { SimulatedDisk } from './disk.ts';
import { FileTree } from './file-tree.ts';
import { mountTree } from './filesystem-content.ts';
import type { SimulatedNetwork } from './network.ts';

export interface Mount {
  readonly id: number;
  readonly target: string;
  /** `/dev/md127` or `server:/export`. */
  readonly source: string;
  readonly filesystem: string;
  readonly options: readonly string[];
  readonly tree: FileTree;
  readonly kernelName?: string;
  readonly isNetwork: boolean;
  /** Of the export when it was mounted: another one now makes the handles stale. */
  readonly generation?: number;
}

/** A mount that some other process holds in a mount namespace of its own. */
export interface ForeignMount {
  readonly processId: number;
  readonly target: string;
  readonly source: string;
  readonly filesystem: string;
}

export interface MachineOptions {
  readonly runtime: Runtime;
  readonly network: SimulatedNetwork;
  readonly disks: readonly SimulatedDisk[];
  /** How many times faster than real everything takes; Infinity: no waiting at all. */
  readonly speed: number;
  /** What it calls itself to storage servers. */
  readonly hostName?: string;
  /** Filesystems the machine mounts at boot, by disk serial and partition number. */
  readonly bootMounts?: readonly { serial: string; partition: number; target: string }[];
  readonly missingPrograms?: readonly string[];
  readonly missingModules?: readonly string[];
  /** Whether udev assembles arrays as their members appear (hosts without mdadm's rules don't). */
  readonly assemblesArrays?: boolean;
}

/** Resync speed of one array member. */
const SYNC_BYTES_PER_SECOND = 200 * 1024 ** 2;

export class Machine {
  readonly options: MachineOptions;
  readonly runtime: Runtime;
  readonly network: SimulatedNetwork;
  readonly blocks: BlockLayer;
  readonly root = new FileTree();
  readonly mounts: Mount[] = [];
  readonly foreignMounts: ForeignMount[] = [];
  /** What dmesg shows. */
  readonly kernelLog: string[] = [];
  /** Symbolic links of the root filesystem, by full path. */
  readonly links = new Map<string, string>();
  /** Permissions of files that were given any, by full path. */
  readonly fileModes = new Map<string, number>();
  /** Mount points in which some process has an open file; umount finds them busy. */
  readonly busyTargets = new Set<string>();
  readonly missingPrograms: Set<string>;
  readonly missingModules: Set<string>;
  bootId = 0;
  speed: number;
  #mountId = 100;

  constructor(options: MachineOptions) {
    this.options = options;
    this.runtime = options.runtime;
    this.network = options.network;
    this.speed = options.speed;
    this.missingPrograms = new Set(options.missingPrograms);
    this.missingModules = new Set(options.missingModules);
    this.blocks = new BlockLayer(options.disks);
    this.#boot();
  }

  get hostName(): string {
    return this.options.hostName ?? 'host';
  }

  #boot(): void {
    this.bootId++;
    for (const directory of ['/run', '/run/mdadm', '/tmp', '/etc', '/var/lib', '/mnt'])
      this.root.makeDirectory(directory);
    for (const { serial, partition, target } of this.options.bootMounts ?? []) {
      const node = this.blocks
        .nodes()
        .find((one) => one.disk?.options.serial === serial && one.partition?.number === partition);
      if (!node) continue;
      this.root.makeDirectory(target);
      const filesystem = target === '/boot/efi' ? 'vfat' : 'ext4';
      this.addMount({ node, source: node.path, target, filesystem, options: ['rw', 'relatime'] });
    }
    if (this.options.assemblesArrays !== false) this.blocks.assembleAll(this.monotonic());
  }

  /** Power off and on: what wasn't on a disk is gone, and disks may get other names. */
  reboot(options: { shuffleNames?: boolean } = {}): void {
    this.tick();
    for (const array of this.blocks.arrays)
      if (array.started && array.sync)
        array.persist(array.syncPosition(this.monotonic(), this.syncBytesPerSecond));
    this.blocks.arrays.length = 0;
    this.mounts.length = 0;
    this.foreignMounts.length = 0;
    this.root.clear('/run');
    this.root.clear('/tmp');
    // Sessions end with the machine, and the disks that came with them.
    for (const disk of this.blocks.disks.filter(
      ({ options: { transport } }) => transport === 'iscsi',
    ))
      this.blocks.removeDisk(disk);
    for (const { initiators } of this.network.iscsiTargets) initiators.delete(this.hostName);
    this.blocks.assignNames(options.shuffleNames ? this.runtime.random : undefined);
    this.#boot();
  }

  get syncBytesPerSecond(): number {
    return SYNC_BYTES_PER_SECOND * this.speed;
  }

  monotonic(): number {
    return this.runtime.clock.monotonic();
  }

  nowSeconds(): number {
    return Math.floor(this.runtime.clock.now() / 1000);
  }

  /** Lets everything happen that the passing of time has brought about. */
  tick(): void {
    for (const array of this.blocks.arrays) array.settle(this.monotonic(), this.syncBytesPerSecond);
  }

  addMount(options: {
    node?: BlockNode;
    source: string;
    target: string;
    filesystem: string;
    options: readonly string[];
    tree?: FileTree;
    generation?: number;
  }): Mount {
    const { node, source, target, filesystem } = options;
    const tree = options.tree ?? (target === '/' ? this.root : mountTree(node!.content));
    const mount: Mount = {
      id: this.#mountId++,
      target,
      source,
      filesystem,
      options: options.options,
      tree,
      ...(node && { kernelName: node.kernelName }),
      isNetwork: !node,
      ...(options.generation !== undefined && { generation: options.generation }),
    };
    this.mounts.push(mount);
    return mount;
  }

  /** The topmost mount at exactly this path. */
  mountAt(target: string): Mount | undefined {
    return this.mounts.findLast((mount) => mount.target === target);
  }

  /** The tree a path lives in, and its path there. Device and kernel trees are not here. */
  locate(path: string): { tree: FileTree; path: string; mount?: Mount } {
    let best: Mount | undefined;
    for (const mount of this.mounts) {
      const within = path === mount.target || path.startsWith(`${mount.target}/`);
      if (within && mount.target !== '/' && mount.target.length >= (best?.target.length ?? 0))
        best = mount;
    }
    if (!best) return { tree: this.root, path };
    return { tree: best.tree, path: path.slice(best.target.length) || '/', mount: best };
  }

  /** Mount points on the device in this and in every other mount namespace. */
  mountsOf(kernelName: string): string[] {
    const own = this.mounts.filter((mount) => mount.kernelName === kernelName);
    const path = `/dev/${kernelName}`;
    const foreign = this.foreignMounts.filter(({ source }) => source === path);
    return [...own, ...foreign].map(({ target }) => target);
  }

  /** Whether an exclusive open fails with EBUSY: mounted, a member of an array, or partitioned so. */
  isBusy(node: BlockNode): boolean {
    if (this.blocks.holdersOf(node.kernelName).length > 0) return true;
    if (this.mountsOf(node.kernelName).length > 0) return true;
    const partitions = this.blocks.nodes().filter(({ parent }) => parent === node.kernelName);
    return partitions.some((partition) => this.isBusy(partition));
  }
}
