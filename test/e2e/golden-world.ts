// A volume pool's controllers, an API server and Azure in one process, without sockets and in simulated
// time: hours of building pass in a second, and the controller can be killed between any two calls.
import assert from 'node:assert/strict';
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { secrets } from '../../src/api/built-in.ts';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import type { PoolVolume } from '../../src/api/pool-volume.ts';
import { poolVolumes, volumePools } from '../../src/api/resources.ts';
import type { VolumePool } from '../../src/api/volume-pool.ts';
import { simulatedCredential } from '../../src/azure/credentials.ts';
import { createAzureCloud } from '../../src/azure/index.ts';
import { startControllers } from '../../src/controllers/index.ts';
import { createSources, viewsOf } from '../../src/controllers/stores.ts';
import type { TcpProbe } from '../../src/controllers/tcp-probe.ts';
import { fixedTenancy } from '../../src/controllers/tenancy.ts';
import {
  connectKubernetes,
  createEventRecorder,
  type Kubernetes,
  type Transport,
} from '../../src/kube/index.ts';
import {
  defaultLocation,
  defaultResourceGroup,
  defaultSubscriptionId,
  SimulatedAzure,
} from '../../src/local/azure/index.ts';
import { KubernetesServer } from '../../src/local/kubernetes/index.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { FakeClock, settle } from '../../src/runtime/fake-clock.ts';
import { createRuntime, type Runtime } from '../../src/runtime/index.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { transportTo } from './agent-world.ts';

const group = `/subscriptions/${defaultSubscriptionId}/resourceGroups/${defaultResourceGroup}`;
export const subnetId = `${group}/providers/Microsoft.Network/virtualNetworks/pools/subnets/default`;
export const snapshotsPath = `${group}/providers/Microsoft.Compute/snapshots`;

/** The scripts that a build runs, by what is in them. */
export type ScriptKind = 'prepare' | 'script' | 'ready' | 'finish';

interface Life {
  isDead: boolean;
  /** Changing calls that it may still see the answer of; the next one kills it. */
  callsLeft: number;
  readonly stops: (() => unknown)[];
}

const definitions = customResourceDefinitions();
const defaults = {
  subscriptionId: defaultSubscriptionId,
  resourceGroup: defaultResourceGroup,
  location: defaultLocation,
};
const never = (): Promise<never> => new Promise(() => {});

export class GoldenWorld {
  readonly clock = new FakeClock();
  readonly runtime: Runtime = createRuntime({ clock: this.clock, random: seededRandom(7) });
  readonly server = new KubernetesServer(this.runtime);
  readonly azure: SimulatedAzure;
  readonly user: Kubernetes;
  /** Every script that ran, in order. */
  readonly scripts: { readonly kind: ScriptKind; readonly text: string }[] = [];
  /** Exit codes to come, by script; 0 when there is none. */
  readonly exitCodes: Partial<Record<ScriptKind, number[]>> = {};
  /** What a script prints besides its greeting. */
  readonly outputs: Partial<Record<ScriptKind, string>> = {};
  /** What the Marketplace offers, by offer. */
  readonly imageVersions: Record<string, string[]> = {};
  lives = 0;
  isPortOpen = true;
  #life: Life | undefined;
  /** Of each life to come; unlimited by default. */
  callsPerLife = Number.POSITIVE_INFINITY;

  constructor() {
    const id = `${snapshotsPath}/golden-v1`;
    this.azure = new SimulatedAzure(this.runtime, {
      snapshots: [{ id, sizeGigabytes: 32, content: 'golden-v1' }],
      throttling: { enabled: false },
      imageVersions: this.imageVersions,
      runCommand: (run) => this.#runScript(run.virtualMachineId, run.script),
    });
    this.azure.seed();
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
  }

  /** The next life of the controller, with empty caches and no memory. */
  start(): void {
    const life: Life = { isDead: false, callsLeft: this.callsPerLife, stops: [] };
    this.#life = life;
    this.lives++;
    const runtime = createRuntime({ ...this.runtime, clock: mortalClock(this.clock, life) });
    const to = mortal(transportTo(this.server, `controller-${this.lives}`), life);
    const kubernetes = connectKubernetes({ runtime, to, component: 'controller' });
    const sources = createSources(kubernetes.caches);
    const events = createEventRecorder({
      runtime,
      client: kubernetes.client,
      reportingController: 'poolkeeper.dev/controller',
      reportingInstance: 'test',
    });
    const stopping = new AbortController();
    void kubernetes.caches.start(stopping.signal).catch(() => {});
    const tcpProbe: TcpProbe = { isOpen: async () => this.isPortOpen };
    const controllers = startControllers({
      context: {
        runtime,
        client: kubernetes.client,
        stores: viewsOf(sources),
        cloud: createAzureCloud({
          runtime,
          credential: simulatedCredential,
          endpoint: 'http://simulator',
          httpClient: this.#azureClient(life),
        }),
        events,
        namespace: 'poolkeeper-system',
        installation: 'test',
        defaults,
        tenancy: fixedTenancy({ defaults, namespaces: {} }),
        pollPace: 1,
      },
      sources,
      backendProber: { http: () => never(), s3: () => never() },
      tcpProbe,
      startWhen: kubernetes.caches.whenSynced(),
    });
    life.stops.push(
      () => controllers.stop(),
      () => stopping.abort(),
    );
  }

  /** Kill -9: nothing of it is told to stop, it just is no more. */
  kill(): void {
    if (this.#life) this.#life.isDead = true;
  }

  async stop(): Promise<void> {
    const life = this.#life;
    if (life && !life.isDead) for (const stop of life.stops) void stop();
    await settle();
    this.server.close();
  }

  /** Lets time pass, second by second, until the condition holds. A dead controller is started again. */
  async until(what: string, holds: () => Promise<boolean> | boolean, seconds = 3600) {
    for (let second = 0; second < seconds; second++) {
      if (await holds()) return;
      if (this.#life?.isDead) this.start();
      await this.clock.advance(1000);
    }
    const { status } = (await this.pool()) ?? {};
    assert.fail(`not within ${seconds} s: ${what}\n${JSON.stringify(status, null, 1)}`);
  }

  async createPool(overrides: { build?: object; spec?: object } = {}): Promise<VolumePool> {
    return this.user.client.create(volumePools, {
      metadata: { name: 'boxes', namespace: 'default' },
      spec: {
        scaling: { minFree: 2, maxFree: 4, maxTotal: 8, discoveryInterval: '1m' },
        volume: { sizeGiB: 32 },
        goldenSnapshot: { type: 'Build', build: aRecipe(overrides.build) },
        ...overrides.spec,
      },
    } as never);
  }

  async patchPool(spec: object): Promise<void> {
    const reference = { namespace: 'default', name: 'boxes' };
    await this.user.client.mergePatch(volumePools, reference, { spec });
  }

  async deletePool(): Promise<void> {
    await this.user.client.delete(volumePools, { namespace: 'default', name: 'boxes' });
  }

  pool(): Promise<VolumePool | undefined> {
    return this.user.client.get(volumePools, { namespace: 'default', name: 'boxes' });
  }

  volumes(): Promise<PoolVolume[]> {
    return this.user.client.list(poolVolumes, { namespace: 'default' });
  }

  createSecret(name: string, data: Record<string, string>): Promise<unknown> {
    const encoded = Object.entries(data).map(([key, text]) => [
      key,
      Buffer.from(text).toString('base64'),
    ]);
    return this.user.client.create(secrets, {
      metadata: { name, namespace: 'default' },
      data: Object.fromEntries(encoded),
    } as never);
  }

  async untilReady(): Promise<VolumePool> {
    await this.until('the pool is Ready', async () => {
      const pool = await this.pool();
      return this.condition(pool, 'Ready')?.status === 'True' && !pool?.status?.snapshotBuild;
    });
    return (await this.pool())!;
  }

  condition(pool: VolumePool | undefined, type: string) {
    return pool?.status?.conditions.find((condition) => condition.type === type);
  }

  names(kind: 'virtualMachine' | 'networkInterface' | 'disk' | 'snapshot'): string[] {
    const resources = this.azure.resources().filter((resource) => resource.kind === kind);
    return resources.map(({ name }) => name).sort();
  }

  /** Whatever of builder machines there is in Azure. */
  temporaries(): string[] {
    const resources = this.azure.resources();
    return resources.map(({ name }) => name).filter((name) => name.startsWith('pktmp-'));
  }

  goldenSnapshots(): string[] {
    return this.names('snapshot').filter((name) => name.startsWith('pkgold-'));
  }

  #runScript(machineId: string, script: string) {
    const kind = kindOf(script);
    this.scripts.push({ kind, text: script });
    const code = this.exitCodes[kind]?.shift() ?? 0;
    const disk = `${machineId.replace('virtualMachines', 'disks')}-data`;
    if (kind === 'script' && code === 0) this.azure.writeToDisk(disk, 'the script');
    const said = this.outputs[kind] ?? '';
    const stdout = `${kind} says hello\n${said}poolkeeper-exit-code:${code}\n`;
    return { stdout, stderr: '', exitCode: code, durationMilliseconds: 20_000 };
  }

  #azureClient(life: Life): HttpClient {
    return {
      sendRequest: async (request: PipelineRequest): Promise<PipelineResponse> => {
        if (life.isDead) return never();
        const response = this.azure.handle({
          method: request.method,
          url: request.url,
          headers: request.headers.toJSON(),
          ...(typeof request.body === 'string' && { body: request.body }),
        });
        await settle(1);
        const isQuery = request.url.includes('Microsoft.ResourceGraph');
        if (request.method !== 'GET' && !isQuery) spend(life);
        if (life.isDead) return never();
        const { status, headers, body } = response;
        const bodyAsText = body === undefined ? '' : JSON.stringify(body);
        return { request, status, headers: createHttpHeaders(headers), bodyAsText };
      },
    };
  }
}

export function aRecipe(overrides: object = {}): object {
  return {
    image: {
      type: 'Marketplace',
      marketplace: { publisher: 'Canonical', offer: 'ubuntu-24_04-lts', sku: 'server' },
    },
    subnetId,
    script: 'echo hello > /mnt/userdata/hello',
    ...overrides,
  };
}

function kindOf(script: string): ScriptKind {
  if (script.includes('mkfs.ext4')) return 'prepare';
  if (script.includes('umount')) return 'finish';
  return script.includes('/var/lib/poolkeeper/build') ? 'script' : 'ready';
}

/** A dead process's timers do nothing any more. */
function mortalClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    schedule: (delay, callback) =>
      clock.schedule(delay, () => {
        if (!life.isDead) callback();
      }),
  };
}

/** A changing call was carried out; its answer arrives only while the life lasts. */
function spend(life: Life): void {
  if (life.callsLeft-- <= 0) life.isDead = true;
}

/** The connection of a process that may be killed: from then on it says and hears nothing. */
function mortal(transport: Transport, life: Life): Transport {
  return {
    async request(wire) {
      if (life.isDead) return never();
      const answer = await transport.request(wire);
      const isEvent = wire.path.includes('/events');
      if (wire.method !== 'GET' && !isEvent) spend(life);
      return life.isDead ? never() : answer;
    },
    async stream(wire) {
      if (life.isDead) return never();
      const answer = await transport.stream(wire);
      return { ...answer, chunks: mortalChunks(answer.chunks, life) };
    },
    close: () => transport.close(),
  };
}

async function* mortalChunks(
  chunks: AsyncIterable<Uint8Array>,
  life: Life,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (life.isDead) await never();
    yield chunk;
  }
}
