// Keeps what survives a power cut of the simulated machines and of the storage servers around them: the
// bytes of disks and logical units, root filesystems, what lies on shares. After a restart they boot
// from that, as machines do. What was written in the last half second before a kill may be missing.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import type { FileTree } from './file-tree.ts';
import type { SimulatedNetwork } from './network.ts';
import type { SimulatedHost } from './simulated-host.ts';
import { PAGE_BYTES, type SparseBytes } from './sparse-bytes.ts';

interface Kept {
  readonly format: typeof FORMAT;
  readonly hosts: Readonly<Record<string, KeptHost>>;
  /** Of the network: by what they belong to. */
  readonly units: Readonly<Record<string, Pages>>;
  readonly trees: Readonly<Record<string, string>>;
}

interface KeptHost {
  /** In the order in which the host was made with them. */
  readonly disks: readonly { readonly sizeBytes: number; readonly pages: Pages }[];
  readonly root: string;
  readonly links: readonly (readonly [string, string])[];
  readonly fileModes: readonly (readonly [string, number])[];
}

/** Pages that hold anything, in base64, by their offsets. */
type Pages = Readonly<Record<string, string>>;

export interface KeepOptions {
  readonly clock: Clock;
  readonly hosts: readonly SimulatedHost[];
  readonly directory: string;
  /** Bytes that come and go with a cloud's disks, by names that stay. */
  readonly attached?: () => Readonly<Record<string, SparseBytes>>;
}

const FORMAT = 1;
const SAVE_MILLISECONDS = 500;

/**
 * Boots the hosts from what the directory holds, and keeps it up to date from then on. Returns what
 * saves once more and ends that. To be called before anything talks to the hosts.
 */
export function keepHosts(options: KeepOptions): () => void {
  const { clock, hosts, directory, attached = () => ({}) } = options;
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'hosts.json');
  const saved = readIfThere(file);
  if (saved !== undefined) restore(hosts, attached(), JSON.parse(saved) as Kept);
  let savedChanges = -1;
  const save = (): void => {
    const changes = changesOf(hosts, attached());
    if (changes === savedChanges) return;
    writeFileSync(`${file}.new`, JSON.stringify(keep(hosts, attached())), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    savedChanges = changes;
  };
  let cancel = (): void => {};
  const saveRegularly = (): void => {
    save();
    cancel = clock.schedule(SAVE_MILLISECONDS, saveRegularly);
  };
  saveRegularly();
  return () => {
    cancel();
    save();
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Another number whenever there is anything new to keep. */
function changesOf(hosts: readonly SimulatedHost[], attached: Storage['units']): number {
  const { units, trees } = storageOf(hosts, attached);
  const ofHosts = hosts.flatMap(({ machine }) => [
    ...machine.options.disks.map(({ bytes }) => bytes.changes),
    machine.root.changes + machine.links.size + machine.fileModes.size,
  ]);
  const ofStorage = [...Object.values(units), ...Object.values(trees)].map((one) => one.changes);
  return [...ofHosts, ...ofStorage].reduce((sum, one) => sum + one, 0);
}

/** Packed once for each state: most of them stay as they are for long. */
const packed = new WeakMap<SparseBytes, { readonly changes: number; readonly pages: Pages }>();

function keep(hosts: readonly SimulatedHost[], attached: Storage['units']): Kept {
  const kept = hosts.map(({ nodeName, machine }): [string, KeptHost] => [
    nodeName,
    {
      disks: machine.options.disks.map(({ sizeBytes, bytes }) => ({
        sizeBytes,
        pages: pagesOf(bytes),
      })),
      root: machine.root.toJson(),
      links: [...machine.links],
      fileModes: [...machine.fileModes],
    },
  ]);
  const { units, trees } = storageOf(hosts, attached);
  return {
    format: FORMAT,
    hosts: Object.fromEntries(kept),
    units: mapValues(units, pagesOf),
    trees: mapValues(trees, (tree) => tree.toJson()),
  };
}

/** What is not known here any more is left out: another version may have other hosts. */
function restore(hosts: readonly SimulatedHost[], attached: Storage['units'], kept: Kept): void {
  if (kept.format !== FORMAT) return;
  const { units, trees } = storageOf(hosts, attached);
  for (const [name, bytes] of Object.entries(units)) writePages(bytes, kept.units[name]);
  for (const [name, tree] of Object.entries(trees)) writeTree(tree, kept.trees[name]);
  for (const { nodeName, machine } of hosts) {
    const host = kept.hosts[nodeName];
    if (!host) continue;
    for (const [index, { sizeBytes, bytes }] of machine.options.disks.entries()) {
      const disk = host.disks[index];
      if (disk?.sizeBytes === sizeBytes) writePages(bytes, disk.pages);
    }
    writeTree(machine.root, host.root);
    for (const [path, target] of host.links) machine.links.set(path, target);
    for (const [path, mode] of host.fileModes) machine.fileModes.set(path, mode);
    machine.reboot();
  }
}

interface Storage {
  readonly units: Readonly<Record<string, SparseBytes>>;
  readonly trees: Readonly<Record<string, FileTree>>;
}

function storageOf(hosts: readonly SimulatedHost[], attached: Storage['units']): Storage {
  const units: Record<string, SparseBytes> = { ...attached };
  const trees: Record<string, FileTree> = {};
  const networks = new Set<SimulatedNetwork>(hosts.map(({ machine }) => machine.network));
  for (const { iscsiTargets, nfsServers, cephClusters } of networks) {
    for (const { name, logicalUnits } of iscsiTargets)
      for (const { number, bytes } of logicalUnits) units[`${name}/${number}`] = bytes;
    for (const [address, { exports }] of nfsServers)
      for (const [path, { tree }] of exports) trees[`nfs ${address}:${path}`] = tree;
    for (const { monitors, filesystems } of cephClusters)
      for (const [name, { tree }] of filesystems) trees[`ceph ${monitors.join()} ${name}`] = tree;
  }
  return { units, trees };
}

function pagesOf(bytes: SparseBytes): Pages {
  const { changes } = bytes;
  const known = packed.get(bytes);
  if (known?.changes === changes) return known.pages;
  const entries = bytes
    .usedPageOffsets()
    .map((offset) => [offset, Buffer.from(bytes.read(offset, PAGE_BYTES)).toString('base64')]);
  const pages = Object.fromEntries(entries) as Pages;
  packed.set(bytes, { changes, pages });
  return pages;
}

function writePages(bytes: SparseBytes, pages: Pages | undefined): void {
  if (!pages) return;
  bytes.zero(0, bytes.sizeBytes);
  for (const [offset, text] of Object.entries(pages))
    bytes.write(Number(offset), Buffer.from(text, 'base64'));
}

function writeTree(tree: FileTree, json: string | undefined): void {
  if (json === undefined) return;
  for (const part of [tree.files, tree.directories, tree.immutable]) part.clear();
  tree.loadJson(json);
}

function mapValues<T, R>(
  values: Readonly<Record<string, T>>,
  change: (value: T) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
