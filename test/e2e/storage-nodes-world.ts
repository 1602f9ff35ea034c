// Several nodes with agents, and the operator: what pools of many nodes are tested in.
import assert from 'node:assert/strict';
import { type Agent, startAgent } from '../../src/agent/index.ts';
import { nodes } from '../../src/api/built-in.ts';
import type { NodeMount } from '../../src/api/node-mount.ts';
import type { Condition } from '../../src/api/object.ts';
import { nodeMounts, storagePools } from '../../src/api/resources.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import {
  bootMountsOf,
  GIBIBYTE,
  operatingSystemDisk,
  SimulatedHost,
  SimulatedNetwork,
} from '../../src/local/hosts/index.ts';
import { transportTo, World } from './agent-world.ts';
import { StorageOperator } from './storage-operator.ts';

export const poolReference = { namespace: 'default', name: 'data' };

export class NodesWorld {
  readonly network = new SimulatedNetwork();
  readonly world = new World({ network: this.network });
  readonly operator = new StorageOperator();
  readonly hosts = new Map<string, SimulatedHost>();
  readonly #agents = new Map<string, Agent>();
  readonly credentials: Record<string, string> = {};

  get user() {
    return this.world.user;
  }

  async begin(nodeNames: readonly string[], labels: Record<string, string> = {}): Promise<void> {
    await this.world.prepare();
    for (const name of nodeNames) await this.addNode(name, labels);
    await this.operator.start(this.world);
    await this.world.settle();
  }

  async addNode(name: string, labels: Record<string, string> = {}): Promise<SimulatedHost> {
    await this.user.client.create(nodes, { metadata: { name, labels } });
    const host = new SimulatedHost({
      nodeName: name,
      runtime: this.world.runtime,
      network: this.network,
      speed: Number.POSITIVE_INFINITY,
      disks: [operatingSystemDisk({ sizeBytes: 4 * GIBIBYTE, serial: 'os', transport: 'scsi' })],
      bootMounts: bootMountsOf('os'),
    });
    this.hosts.set(name, host);
    this.startAgent(name);
    return host;
  }

  startAgent(name: string): void {
    const agent = startAgent({
      runtime: this.world.runtime,
      to: transportTo(this.world.server, 'agent'),
      host: this.hosts.get(name)!.connect(),
      nodeName: name,
      credentials: { fetch: async () => this.credentials },
    });
    this.#agents.set(name, agent);
  }

  /** Falls silent, as a machine does that lost its power or its network. */
  async silence(name: string): Promise<void> {
    this.hosts.get(name)!.loseAgent();
    // What waits for an answer of the machine waits for ever, so nobody waits for that.
    void this.#agents.get(name)!.stop();
    this.#agents.delete(name);
    for (let turn = 0; turn < 15; turn++) await this.world.clock.advance(1000);
  }

  async end(): Promise<void> {
    await this.operator.stop();
    const stopping = [...this.#agents.values()].map((agent) => agent.stop());
    for (let turn = 0; turn < 20; turn++) await this.world.clock.advance(1000);
    await Promise.all(stopping);
    await this.world.stop();
  }

  createPool(spec: object, name = 'data'): Promise<StoragePool> {
    const metadata = { name, namespace: 'default' };
    return this.user.client.create(storagePools, { metadata, spec } as never);
  }

  pool(name = 'data'): Promise<StoragePool | undefined> {
    return this.user.client.get(storagePools, { namespace: 'default', name });
  }

  changePool(spec: object, name = 'data'): Promise<StoragePool> {
    return this.user.client.mergePatch(storagePools, { namespace: 'default', name }, { spec });
  }

  async deletePool(name = 'data'): Promise<void> {
    await this.user.client.delete(storagePools, { namespace: 'default', name });
  }

  mounts(): Promise<NodeMount[]> {
    return this.user.client.list(nodeMounts);
  }

  async until(what: string, holds: () => Promise<boolean>, secondsMax = 400): Promise<void> {
    for (let second = 0; second < secondsMax; second++) {
      if (await holds()) return;
      await this.world.clock.advance(1000);
    }
    const pools = (await this.user.client.list(storagePools)).map(({ metadata, status }) => ({
      name: metadata.name,
      status: { ...status, commands: undefined },
    }));
    assert.fail(`never: ${what}\n${JSON.stringify(pools, null, 1)}`);
  }

  untilPhase(phase: string, name = 'data'): Promise<void> {
    return this.until(
      `${name} ${phase}`,
      async () => (await this.pool(name))?.status?.phase === phase,
    );
  }

  async condition(type: string, name = 'data'): Promise<Condition | undefined> {
    return (await this.pool(name))?.status?.conditions.find((one) => one.type === type);
  }

  async untilSays(type: string, words: RegExp, name = 'data'): Promise<void> {
    await this.until(`${type} of ${name} says ${words}`, async () =>
      words.test((await this.condition(type, name))?.message ?? ''),
    );
  }
}
