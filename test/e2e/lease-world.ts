// Nodes that are VMs of the simulated cloud, agents on them, and the operator between: what stories about
// arrays of pooled disks are played in.
import { type Agent, startAgent } from '../../src/agent/index.ts';
import { nodes } from '../../src/api/built-in.ts';
import type { Condition } from '../../src/api/object.ts';
import type { PoolVolume } from '../../src/api/pool-volume.ts';
import { nodeMounts, storagePools } from '../../src/api/resources.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import type { SimulatedDisk } from '../../src/local/hosts/index.ts';
import {
  bootMountsOf,
  GIBIBYTE,
  operatingSystemDisk,
  SimulatedHost,
  SimulatedNetwork,
} from '../../src/local/hosts/index.ts';
import { NodeMachines } from '../../src/local/node-machines.ts';
import { eventually } from '../builders/eventually.ts';
import { location, resourceGroup, subscriptionId } from '../builders/pools.ts';
import { PoolsWorld, type WorldOptions } from './pools-world.ts';

export const NAMESPACE = 'stories';

export class LeaseWorld {
  readonly pools: PoolsWorld;
  readonly machines: NodeMachines;
  readonly hosts = new Map<string, SimulatedHost>();
  readonly #network = new SimulatedNetwork();
  readonly #agents = new Map<string, Agent>();
  readonly #lastSeen = new Map<string, StoragePool>();

  private constructor(pools: PoolsWorld) {
    this.pools = pools;
    const { runtime, running } = pools;
    this.machines = new NodeMachines({
      ...{ runtime, subscriptionId, resourceGroup, location },
      azure: running.azure,
    });
    pools.kubernetes.server.store.onCommit((shelf, { object }) => {
      const pool = object as unknown as StoragePool;
      if (shelf === 'poolkeeper.dev/storagepools') this.#lastSeen.set(pool.metadata.name, pool);
    });
  }

  static async start(nodeNames = ['node-1'], options: WorldOptions = {}): Promise<LeaseWorld> {
    const world = new LeaseWorld(await PoolsWorld.start(options));
    for (const name of nodeNames) await world.addNode(name);
    return world;
  }

  /** Whether the pool that was there last had become Active. */
  wasActive(name = 'data'): boolean {
    return this.#lastSeen.get(name)?.status?.activeSince !== undefined;
  }

  get client() {
    return this.pools.client;
  }

  async stop(): Promise<void> {
    for (const name of [...this.#agents.keys()]) await this.stopAgent(name);
    await this.pools.stop();
  }

  /** `providerId`: what the Node says instead of the truth. */
  async addNode(name: string, providerId?: string): Promise<SimulatedHost> {
    const host = new SimulatedHost({
      nodeName: name,
      runtime: this.pools.runtime,
      network: this.#network,
      speed: Number.POSITIVE_INFINITY,
      disks: [operatingSystemDisk({ sizeBytes: 4 * GIBIBYTE, serial: 'os', transport: 'scsi' })],
      bootMounts: bootMountsOf('os'),
    });
    this.hosts.set(name, host);
    const spec = { providerID: providerId ?? this.machines.add(host) };
    await this.client.create(nodes, { metadata: { name }, spec } as never);
    this.startAgent(name);
    return host;
  }

  startAgent(name: string): void {
    const { kubernetes, runtime } = this.pools;
    const agent = startAgent({
      runtime,
      to: {
        server: kubernetes.url,
        tls: { certificateAuthority: kubernetes.caCertificate },
        namespace: 'default',
        credential: async () => ({ authorization: `Bearer ${kubernetes.token('agent')}` }),
        rejected: () => {},
      },
      host: this.hosts.get(name)!.connect(),
      nodeName: name,
    });
    this.#agents.set(name, agent);
  }

  async stopAgent(name: string): Promise<void> {
    const agent = this.#agents.get(name);
    this.#agents.delete(name);
    await agent?.stop();
  }

  /** A pool of empty disks. */
  async createDisks(
    minFree: number,
    spec: { maxTotal?: number; reclaimPolicy?: string } = {},
  ): Promise<void> {
    const { maxTotal = 10, ...rest } = spec;
    await this.pools.createVolumePool('disks', {
      volume: { sizeGiB: 4 },
      goldenSnapshot: { type: 'Empty' },
      scaling: { minFree, maxFree: Math.max(minFree, maxTotal), maxTotal },
      ...rest,
    });
    await this.pools.untilFree('disks', minFree);
  }

  createPool(count: number, more: object = {}, name = 'data'): Promise<StoragePool> {
    const { mdadm, ...rest } = more as { mdadm?: object };
    const source = { type: 'Volumes', volumes: { poolRef: { name: 'disks' }, count } };
    return this.client.create(storagePools, {
      metadata: { name, namespace: NAMESPACE },
      spec: { type: 'mdadm', mdadm: { nodeName: 'node-1', level: 1, source, ...mdadm }, ...rest },
    } as never);
  }

  changeCount(count: number, name = 'data'): Promise<StoragePool> {
    const spec = { mdadm: { source: { volumes: { count } } } };
    return this.client.mergePatch(storagePools, { namespace: NAMESPACE, name }, { spec });
  }

  pool(name = 'data'): Promise<StoragePool | undefined> {
    return this.client.get(storagePools, { namespace: NAMESPACE, name });
  }

  deletePool(name = 'data'): Promise<unknown> {
    return this.client.delete(storagePools, { namespace: NAMESPACE, name });
  }

  async condition(type: string, name = 'data'): Promise<Condition | undefined> {
    return (await this.pool(name))?.status?.conditions.find((one) => one.type === type);
  }

  until(what: string, holds: () => Promise<boolean> | boolean, withinSeconds = 60): Promise<true> {
    return eventually(what, async () => (await holds()) || undefined, {
      withinSeconds,
      because: async () => ({
        pools: (await this.client.list(storagePools)).map(({ metadata, status }) => ({
          ...{ name: metadata.name, deleting: metadata.deletionTimestamp },
          status: { ...status, commands: undefined },
        })),
        mounts: (await this.client.list(nodeMounts)).map(({ spec, status }) => ({
          spec,
          status: { ...status, commands: undefined },
        })),
        ...this.pools.picture(),
      }),
    });
  }

  untilPhase(phase: string, name = 'data'): Promise<true> {
    return this.until(
      `${name} is ${phase}`,
      async () => (await this.pool(name))?.status?.phase === phase,
    );
  }

  untilSays(type: string, words: RegExp, name = 'data'): Promise<true> {
    return this.until(`${type} of ${name} says ${words}`, async () =>
      words.test((await this.condition(type, name))?.message ?? ''),
    );
  }

  untilGone(name = 'data'): Promise<true> {
    return this.until(`${name} is gone`, async () => (await this.pool(name)) === undefined);
  }

  async leased(name = 'data'): Promise<PoolVolume[]> {
    const pool = await this.pool(name);
    return (await this.pools.volumes()).filter(
      ({ spec }) => spec.node !== undefined && spec.claimRef?.uid === pool?.metadata.uid,
    );
  }

  /** Disks of the cloud that the node's host has. */
  disksOf(nodeName: string): SimulatedDisk[] {
    const { disks } = this.hosts.get(nodeName)!.machine.blocks;
    return disks.filter(({ azureLun }) => azureLun !== undefined);
  }

  isMounted(nodeName: string): boolean {
    const { mounts } = this.hosts.get(nodeName)!.machine;
    return mounts.some(({ target }) => target.startsWith('/var/lib/poolkeeper/mounts/'));
  }

  /** Names of Azure's disks on the node's VM, by their units. */
  attachedTo(nodeName: string): Record<number, string> {
    const { cloud } = this.pools.running.azure;
    const machine = cloud.resources.get('virtualMachine', this.machines.idOf(nodeName));
    return Object.fromEntries((machine?.dataDisks ?? []).map(({ lun, name }) => [lun, name]));
  }
}
