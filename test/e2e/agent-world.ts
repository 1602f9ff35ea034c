// A node with an agent and an API server in one process, without sockets and in simulated time:
// what the agent's tests are played in.
import assert from 'node:assert/strict';
import { type Agent, startAgent } from '../../src/agent/index.ts';
import { type Lease, leases } from '../../src/api/built-in.ts';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import type { NodeMount } from '../../src/api/node-mount.ts';
import { nodeMounts, storageNodes } from '../../src/api/resources.ts';
import type { StorageNode } from '../../src/api/storage-node.ts';
import {
  connectKubernetes,
  type Kubernetes,
  removeFinalizerPatch,
  type Transport,
} from '../../src/kube/index.ts';
import {
  bootMountsOf,
  GIBIBYTE,
  operatingSystemDisk,
  SimulatedDisk,
  SimulatedHost,
  SimulatedNetwork,
  simulatedNetworkProber,
} from '../../src/local/hosts/index.ts';
import { KubernetesServer } from '../../src/local/kubernetes/index.ts';
import { PoolkeeperError } from '../../src/runtime/errors.ts';
import { FakeClock, settle } from '../../src/runtime/fake-clock.ts';
import { createRuntime, type Runtime } from '../../src/runtime/index.ts';
import { seededRandom } from '../../src/runtime/random.ts';

export const finalizer = 'poolkeeper.dev/resource';
export const poolUid = '0f0e0d0c-0b0a-4908-8706-050403020100';
export const mountPath = '/var/lib/poolkeeper/mounts/default/data';
const journalDirectory = '/var/lib/poolkeeper/journal';

/** Requests go straight to the server's function. */
export function transportTo(server: KubernetesServer, username: string): Transport {
  const token = `token-of-${username}`;
  server.authenticator.accept(token, { username, groups: ['system:masters'] });
  const call = (wire: Parameters<Transport['request']>[0]) =>
    server.handle({
      method: wire.method,
      path: wire.path,
      headers: { ...wire.headers, authorization: `Bearer ${token}` },
      ...(wire.body !== undefined && { body: wire.body }),
      ...(wire.signal && { signal: wire.signal }),
    });
  return {
    async request(wire) {
      const { status, headers, body } = await call(wire);
      return { status, headers, body: body.toString() };
    },
    async stream(wire) {
      const { status, headers, body, stream } = await call(wire);
      return { status, headers, chunks: encode(stream ?? [body.toString()]) };
    },
    async close() {},
  };
}

async function* encode(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Uint8Array> {
  for await (const line of lines) yield Buffer.from(line);
}

const never = (): Promise<never> => new Promise(() => {});

/** The connection of a process that may be killed: from then on it says and hears nothing. */
function mortal(transport: Transport, isDead: () => boolean): Transport {
  return {
    async request(wire) {
      if (isDead()) return never();
      const answer = await transport.request(wire);
      return isDead() ? never() : answer;
    },
    async stream(wire) {
      if (isDead()) return never();
      const answer = await transport.stream(wire);
      return { ...answer, chunks: mortalChunks(answer.chunks, isDead) };
    },
    close: () => transport.close(),
  };
}

async function* mortalChunks(
  chunks: AsyncIterable<Uint8Array>,
  isDead: () => boolean,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (isDead()) await never();
    yield chunk;
  }
}

/** Made once: deriving them from the schemas takes longer than most stories. */
const definitions = customResourceDefinitions();

export interface WorldOptions {
  readonly disks?: readonly SimulatedDisk[];
  readonly speed?: number;
  readonly network?: SimulatedNetwork;
  /** Keys and values of the Secret that every mount gets. */
  readonly credentials?: Readonly<Record<string, string>>;
}

export function blankDisk(serial: string, sizeBytes = GIBIBYTE): SimulatedDisk {
  return new SimulatedDisk({ serial, sizeBytes, transport: 'scsi' });
}

export class World {
  readonly clock = new FakeClock();
  readonly runtime: Runtime = createRuntime({ clock: this.clock, random: seededRandom(7) });
  readonly server = new KubernetesServer(this.runtime);
  readonly host: SimulatedHost;
  readonly user: Kubernetes;
  credentials: Readonly<Record<string, string>> | undefined;
  #agent: Agent | undefined;
  #life = 0;

  constructor(options: WorldOptions = {}) {
    this.host = new SimulatedHost({
      nodeName: 'node-1',
      runtime: this.runtime,
      network: options.network ?? new SimulatedNetwork(),
      speed: options.speed ?? Number.POSITIVE_INFINITY,
      disks: [
        operatingSystemDisk({ sizeBytes: 4 * GIBIBYTE, serial: 'os', transport: 'scsi' }),
        ...(options.disks ?? []),
      ],
      bootMounts: bootMountsOf('os'),
    });
    this.credentials = options.credentials;
    const to = transportTo(this.server, 'test');
    this.user = connectKubernetes({ runtime: this.runtime, to, component: 'test' });
  }

  async prepare(): Promise<void> {
    for (const definition of definitions) {
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
      await this.user.client.post(path, definition);
    }
    const namespace = { kind: 'Namespace', metadata: { name: 'poolkeeper-system' } };
    await this.user.client.post('/api/v1/namespaces', { apiVersion: 'v1', ...namespace });
    // A kill -9: nothing of it is told to stop, it just is no more.
    this.host.onAgentLost = () => this.#bury();
  }

  #bury(): void {
    this.#agent = undefined;
    this.#life++;
  }

  /** Kill -9 of the agent and of whatever it runs. */
  killAgent(): void {
    this.host.loseAgent();
    this.#bury();
  }

  /** Starts the next life of the agent. */
  startAgent(): void {
    const life = this.#life;
    const to = mortal(transportTo(this.server, 'agent'), () => this.#life !== life);
    const host = this.host.connect();
    const { runtime } = this;
    const credentials = this.credentials && {
      fetch: async () => {
        if (this.credentials) return this.credentials;
        throw new PoolkeeperError('CredentialsUnavailable', 'Nobody could be asked.');
      },
    };
    const agent = startAgent({
      runtime,
      to,
      host,
      nodeName: 'node-1',
      network: simulatedNetworkProber(this.host.machine.network, this.clock),
      ...(credentials && { credentials }),
    });
    // It may have been killed in its very first call.
    if (this.#life === life) this.#agent = agent;
  }

  get isAgentAlive(): boolean {
    return this.#agent !== undefined;
  }

  async stop(): Promise<void> {
    const stopping = this.#agent?.stop();
    for (let turn = 0; turn < 20; turn++) await this.clock.advance(1000);
    await stopping;
    this.server.close();
  }

  async createMount(
    overrides: {
      spec?: object;
      name?: string;
      poolUid?: string;
      deletionPolicy?: 'Retain' | 'Destroy';
    } = {},
  ): Promise<NodeMount> {
    const name = overrides.name ?? 'data-node-1';
    return this.user.client.create(nodeMounts, {
      metadata: { name, namespace: 'default', finalizers: [finalizer] },
      spec: {
        nodeName: 'node-1',
        poolRef: { name: name.replace('-node-1', ''), uid: overrides.poolUid ?? poolUid },
        ...(overrides.deletionPolicy && { deletionPolicy: overrides.deletionPolicy }),
        type: 'mdadm',
        mdadm: {
          arrayName: 'data',
          level: 1,
          devices: [{ serial: 'one' }, { serial: 'two' }],
          ...overrides.spec,
        },
      },
    } as never);
  }

  createNfsMount(exportPath: string): Promise<NodeMount> {
    const nfs = { server: 'nfs.example', exportPath };
    return this.createAny('data-node-1', { type: 'nfs', nfs });
  }

  createAny(name: string, branch: object): Promise<NodeMount> {
    return this.user.client.create(nodeMounts, {
      metadata: { name, namespace: 'default', finalizers: [finalizer] },
      spec: { nodeName: 'node-1', poolRef: { name: 'data', uid: poolUid }, ...branch },
    } as never);
  }

  mount(name = 'data-node-1'): Promise<NodeMount | undefined> {
    return this.user.client.get(nodeMounts, { namespace: 'default', name });
  }

  async deleteMount(name = 'data-node-1'): Promise<void> {
    await this.user.client.delete(nodeMounts, { namespace: 'default', name });
  }

  /** What the controller does once the agent says that it has cleaned up. */
  async releaseCleanedUp(name = 'data-node-1'): Promise<void> {
    const mount = await this.mount(name);
    const done = mount?.status?.conditions.find(({ type }) => type === 'CleanedUp');
    if (!mount || done?.status !== 'True') return;
    const patch = removeFinalizerPatch(mount, finalizer);
    if (patch) await this.user.client.mergePatch(nodeMounts, { namespace: 'default', name }, patch);
  }

  lease(): Promise<Lease | undefined> {
    const reference = { namespace: 'poolkeeper-system', name: 'poolkeeper-agent-node-1' };
    return this.user.client.get(leases, reference);
  }

  storageNode(): Promise<StorageNode | undefined> {
    return this.user.client.get(storageNodes, { name: 'node-1' });
  }

  /** Lets time pass, second by second, until the condition holds. */
  async until(
    what: string,
    condition: () => Promise<boolean> | boolean,
    secondsMax = 600,
  ): Promise<void> {
    for (let second = 0; second < secondsMax; second++) {
      if (await condition()) return;
      await this.clock.advance(1000);
    }
    const mount = await this.mount();
    assert.fail(`not within ${secondsMax} s: ${what}\n${JSON.stringify(mount?.status, null, 1)}`);
  }

  async untilPhase(phase: string, name?: string): Promise<NodeMount> {
    await this.until(
      `phase ${phase}`,
      async () => (await this.mount(name))?.status?.phase === phase,
    );
    return (await this.mount(name))!;
  }

  /** Passes the time until the agent has nothing more to do at once. */
  async settle(seconds = 5): Promise<void> {
    await settle();
    await this.clock.advance(seconds * 1000);
  }

  condition(mount: NodeMount | undefined, type: string) {
    return mount?.status?.conditions.find((condition) => condition.type === type);
  }

  /** Journal files on the host. */
  async journalFiles(): Promise<string[]> {
    return (await this.host.listDirectory(journalDirectory)) ?? [];
  }
}

const zeros = Buffer.alloc(1024 ** 2);

/** Whether a disk's first and last mebibyte are zero, as they were before. */
export function hasBlankEnds(disk: SimulatedDisk): boolean {
  const last = disk.sizeBytes - zeros.length;
  return [0, last].every((at) => zeros.equals(disk.bytes.read(at, zeros.length)));
}
