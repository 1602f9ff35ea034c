// Publishes the node's StorageNode: its disks with their owners, and what the node lacks. Written
// only when something changed; before a claim's first mutation it must have been written.
import type { Condition, DeepReadonly } from '../../api/object.ts';
import { storageNodes } from '../../api/resources.ts';
import type { StorageNode, StorageNodeStatus } from '../../api/storage-node.ts';
import { type KubeClient, statusPatch } from '../../kube/index.ts';
import { type DeviceContents, identityKey } from '../../plan/disks.ts';
import { formatTime } from '../../runtime/clock.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { DeviceClaims } from '../claims.ts';
import type { HostPort } from '../host-port.ts';
import { type PreflightResult, prerequisites } from '../preflight.ts';
import { nodeConditions } from './conditions.ts';
import { readContents } from './contents.ts';
import { type ListedDevice, listDevices } from './lsblk.ts';
import { reportDevice } from './report.ts';
import { StablePaths } from './stable-paths.ts';
import { ensureStorageNode } from './start-failure.ts';

export interface InventoryOptions {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  readonly host: HostPort;
  readonly claims: DeviceClaims;
  readonly nodeName: string;
  readonly root: string;
  readonly version: string;
  readonly preflight: () => PreflightResult;
}

/** The schema's limit; the schema itself isn't loaded into agents, which saves memory. */
const DEVICES_MAX = 256;
/** Contents are read again after this long even when nothing about a disk seems to have changed. */
const CONTENTS_MILLISECONDS = 60 * 60_000;
/** The same for disks that other machines may write to as well. */
const SHARED_CONTENTS_MILLISECONDS = 10 * 60_000;
const SHARED_TRANSPORTS = new Set(['iscsi', 'fc', 'fcoe']);

interface Remembered {
  readonly fingerprint: string;
  readonly contents: DeviceContents;
  readonly readAt: number;
}

export class Inventory {
  readonly #options: InventoryOptions;
  readonly #startedAt: string;
  readonly #stablePaths: StablePaths;
  readonly #remembered = new Map<string, Remembered>();
  /** Publications run one after another, so that an older picture never overwrites a newer one. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: InventoryOptions) {
    this.#options = options;
    this.#startedAt = formatTime(options.runtime.clock.now());
    this.#stablePaths = new StablePaths(options.host);
  }

  /**
   * Looks at the disks and writes what changed; rejects when the API server didn't take it. A node whose
   * disks can't be listed says so, and can still be used for what needs none.
   */
  publish(): Promise<void> {
    return this.#queue(async () => {
      await this.#publish();
    });
  }

  /** The same for a claim: rejects also when the disks could not be listed. */
  publishClaims(): Promise<void> {
    return this.#queue(async () => {
      const problem = await this.#publish();
      if (problem !== undefined) throw problem;
    });
  }

  #queue(work: () => Promise<void>): Promise<void> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => {});
    return next;
  }

  /** What kept the disks from being listed, if anything did. */
  async #publish(): Promise<unknown> {
    const { client, nodeName } = this.#options;
    const seen = await this.#look().catch((problem: unknown) => ({ problem }));
    const present = await ensureStorageNode(client, nodeName);
    const status = await this.#statusOf(present, seen);
    const patch = statusPatch(present, status);
    if (patch)
      await client.mergePatch(storageNodes, { name: nodeName }, patch, { subresource: 'status' });
    return 'problem' in seen ? seen.problem : undefined;
  }

  async #look(): Promise<Seen> {
    const { host, claims } = this.#options;
    const devices: ListedDevice[] = [];
    const listed = await listDevices(host);
    for (const device of listed) {
      // A claimed disk belongs to its mount's commands, which may need it exclusively right now.
      const isOwned = claims.ownerOf(device) !== undefined;
      // What it held before is out of date when it is given back.
      if (isOwned) this.#remembered.delete(memoryKey(device));
      devices.push(isOwned ? device : { ...device, contents: await this.#contentsOf(device) });
    }
    const keys = new Set(listed.map(memoryKey));
    for (const key of this.#remembered.keys()) if (!keys.has(key)) this.#remembered.delete(key);
    return { devices, stablePaths: await this.#stablePaths.of(listed) };
  }

  async #contentsOf(device: ListedDevice): Promise<DeviceContents> {
    const { host, runtime } = this.#options;
    const key = memoryKey(device);
    const { children, holders, mountPoints, filesystemHint } = device;
    const isUsed = children.length + holders.length + mountPoints.length > 0;
    const writes = isUsed ? undefined : await writesOf(host, device.kernelName);
    const use = [children, holders, mountPoints, filesystemHint, writes];
    const fingerprint = JSON.stringify(use);
    const known = this.#remembered.get(key);
    const now = runtime.clock.monotonic();
    const isShared = SHARED_TRANSPORTS.has(device.transport ?? '');
    const validity = isShared ? SHARED_CONTENTS_MILLISECONDS : CONTENTS_MILLISECONDS;
    if (known?.fingerprint === fingerprint && now - known.readAt < validity) return known.contents;
    const contents = await readContents(host, device);
    this.#remembered.set(key, { fingerprint, contents, readAt: now });
    return contents;
  }

  async #statusOf(
    present: DeepReadonly<StorageNode>,
    seen: Seen | { readonly problem: unknown },
  ): Promise<StorageNodeStatus> {
    const { preflight, root, version, host, runtime } = this.#options;
    const found = preflight();
    const boot = (await host.readFile('/proc/sys/kernel/random/boot_id'))?.trim();
    const disks = 'devices' in seen ? this.#disksOf(seen) : disksAsBefore(present);
    const problem = 'problem' in seen ? seen.problem : undefined;
    return {
      ...(present.metadata.generation !== undefined && {
        observedGeneration: present.metadata.generation,
      }),
      conditions: nodeConditions(present, {
        found,
        problem,
        deviceCount: disks.deviceCount ?? 0,
        eligibleCount: disks.eligibleCount ?? 0,
        now: formatTime(runtime.clock.now()),
      }) as Condition[],
      agent: { version, startedAt: this.#startedAt, root, ...(boot && { bootId: boot }) },
      ...disks,
      prerequisites: prerequisites.map(({ name, package: packageName, neededFor }) => ({
        name,
        present: found.get(name) !== false,
        ...(packageName !== undefined && { package: packageName }),
        neededFor,
      })),
    };
  }

  #disksOf({ devices, stablePaths }: Seen): Disks {
    const { claims } = this.#options;
    const reported = devices.slice(0, DEVICES_MAX).map((device) => {
      const owner = claims.ownerOf(device);
      const ownerIsGone = owner && claims.remarkOn(owner.uid);
      const stablePath = stablePaths.get(device.path);
      return reportDevice(device, { owner, ownerIsGone, stablePath, devices });
    });
    return {
      devices: reported,
      ...(devices.length > DEVICES_MAX && { devicesTruncated: true }),
      deviceCount: devices.length,
      eligibleCount: reported.filter(({ eligible }) => eligible).length,
    };
  }
}

interface Seen {
  readonly devices: readonly ListedDevice[];
  readonly stablePaths: ReadonlyMap<string, string>;
}

type Disks = Pick<
  StorageNodeStatus,
  'devices' | 'devicesTruncated' | 'deviceCount' | 'eligibleCount'
>;

/** What was seen last stays, as no better is known; the condition says so. */
function disksAsBefore({ status }: DeepReadonly<StorageNode>): Disks {
  const { devices = [], deviceCount = 0, eligibleCount = 0, devicesTruncated } = status ?? {};
  const truncated = devicesTruncated === undefined ? {} : { devicesTruncated };
  return { devices: devices as Disks['devices'], ...truncated, deviceCount, eligibleCount };
}

function memoryKey(device: ListedDevice): string {
  return identityKey(device) + device.path;
}

const WRITES_COLUMN = 4;
const DISCARDS_COLUMN = 11;

/** How often the disk was written to since it is there, by the kernel's count; nothing is read from it. */
async function writesOf(host: HostPort, kernelName: string): Promise<string | undefined> {
  const text = await host.readFile(`/sys/block/${kernelName}/stat`);
  const columns = text?.trim().split(/\s+/);
  return columns && `${columns[WRITES_COLUMN]} ${columns[DISCARDS_COLUMN] ?? 0}`;
}
