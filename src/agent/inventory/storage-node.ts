// Publishes the node's StorageNode: its disks with their owners, and what the node lacks. Written
// only when something changed; before a claim's first mutation it must have been written.
import { type ConditionUpdate, setCondition } from '../../api/conditions.ts';
import type { Condition, DeepReadonly } from '../../api/object.ts';
import { storageNodes } from '../../api/resources.ts';
import type { StorageNode, StorageNodeStatus } from '../../api/storage-node.ts';
import { isAlreadyExists, type KubeClient, statusPatch } from '../../kube/index.ts';
import { type DeviceContents, identityKey } from '../../plan/disks.ts';
import { formatTime } from '../../runtime/clock.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { DeviceClaims } from '../claims.ts';
import type { HostPort } from '../host-port.ts';
import { type PreflightResult, prerequisites } from '../preflight.ts';
import { readContents } from './contents.ts';
import { type ListedDevice, listDevices } from './lsblk.ts';
import { reportDevice } from './report.ts';

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
const CONTENTS_MILLISECONDS = 10 * 60_000;

interface Remembered {
  readonly fingerprint: string;
  readonly contents: DeviceContents;
  readonly readAt: number;
}

export class Inventory {
  readonly #options: InventoryOptions;
  readonly #startedAt: string;
  readonly #remembered = new Map<string, Remembered>();
  /** Publications run one after another, so that an older picture never overwrites a newer one. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: InventoryOptions) {
    this.#options = options;
    this.#startedAt = formatTime(options.runtime.clock.now());
  }

  /** Looks at the disks and writes what changed; rejects when the API server didn't take it. */
  publish(): Promise<void> {
    const next = this.#last.then(() => this.#publish());
    this.#last = next.catch(() => {});
    return next;
  }

  async #publish(): Promise<void> {
    const { client, nodeName } = this.#options;
    const devices = await this.#look();
    const present = await this.#ensureObject();
    const status = await this.#statusOf(present, devices);
    const patch = statusPatch(present, status);
    if (!patch) return;
    await client.mergePatch(storageNodes, { name: nodeName }, patch, { subresource: 'status' });
  }

  async #ensureObject(): Promise<StorageNode> {
    const { client, nodeName } = this.#options;
    const present = await client.get(storageNodes, { name: nodeName });
    if (present) return present;
    try {
      return await client.create(storageNodes, { metadata: { name: nodeName }, spec: {} });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return (await client.get(storageNodes, { name: nodeName }))!;
    }
  }

  async #look(): Promise<ListedDevice[]> {
    const { host, claims } = this.#options;
    const devices: ListedDevice[] = [];
    for (const device of await listDevices(host)) {
      // A claimed disk belongs to its mount's commands, which may need it exclusively right now.
      const isOwned = claims.ownerOf(device) !== undefined;
      devices.push(isOwned ? device : { ...device, contents: await this.#contentsOf(device) });
    }
    return devices;
  }

  async #contentsOf(device: ListedDevice): Promise<DeviceContents> {
    const { host, runtime } = this.#options;
    const key = identityKey(device) + device.path;
    const { children, holders, mountPoints, filesystemHint } = device;
    const fingerprint = JSON.stringify([children, holders, mountPoints, filesystemHint]);
    const known = this.#remembered.get(key);
    const now = runtime.clock.monotonic();
    if (known?.fingerprint === fingerprint && now - known.readAt < CONTENTS_MILLISECONDS)
      return known.contents;
    const contents = await readContents(host, device);
    this.#remembered.set(key, { fingerprint, contents, readAt: now });
    return contents;
  }

  /** After a mount gave disks back, what is remembered of them is out of date. */
  forgetContents(): void {
    this.#remembered.clear();
  }

  async #statusOf(
    present: DeepReadonly<StorageNode>,
    devices: readonly ListedDevice[],
  ): Promise<StorageNodeStatus> {
    const { claims, preflight, root, version, host } = this.#options;
    const reported = devices
      .slice(0, DEVICES_MAX)
      .map((device) => reportDevice(device, claims.ownerOf(device)));
    const found = preflight();
    const boot = (await host.readFile('/proc/sys/kernel/random/boot_id'))?.trim();
    return {
      ...(present.metadata.generation !== undefined && {
        observedGeneration: present.metadata.generation,
      }),
      conditions: this.#conditions(present, found) as Condition[],
      agent: { version, startedAt: this.#startedAt, root, ...(boot && { bootId: boot }) },
      devices: reported,
      ...(devices.length > DEVICES_MAX && { devicesTruncated: true }),
      deviceCount: devices.length,
      eligibleCount: reported.filter(({ eligible }) => eligible).length,
      prerequisites: prerequisites.map(({ name, package: packageName, neededFor }) => ({
        name,
        present: found.get(name) !== false,
        package: packageName,
        neededFor,
      })),
    };
  }

  #conditions(
    present: DeepReadonly<StorageNode>,
    found: PreflightResult,
  ): readonly DeepReadonly<Condition>[] {
    const now = formatTime(this.#options.runtime.clock.now());
    const observedGeneration = present.metadata.generation;
    const missing = [...found].filter(([, isPresent]) => !isPresent).map(([name]) => name);
    const ready: ConditionUpdate = {
      type: 'Ready',
      status: 'True',
      reason: 'AsExpected',
      message: 'The agent is running.',
      observedGeneration,
    };
    const met: ConditionUpdate = {
      type: 'NodePrerequisitesMet',
      status: missing.length === 0 ? 'True' : 'False',
      reason: missing.length === 0 ? 'AsExpected' : 'PrerequisitesMissing',
      message:
        missing.length === 0
          ? 'Every kind of storage can be used.'
          : `Missing on the node: ${missing.join(', ')}.`,
      observedGeneration,
    };
    return setCondition(setCondition(present.status?.conditions, ready, now), met, now);
  }
}
