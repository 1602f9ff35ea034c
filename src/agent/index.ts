// The agent of one node: publishes what disks there are, makes and keeps the storage that
// NodeMounts of this node ask for, and undoes it.
import type { BackendProbe } from '../api/backend-probe.ts';
import type { NodeMount } from '../api/node-mount.ts';
import { backendProbes, nodeMounts } from '../api/resources.ts';
import { createNetworkProber, type NetworkProber } from '../backends/index.ts';
import { createEventRecorder } from '../kube/events.ts';
import {
  type ConnectOptions,
  changedBeyondStatus,
  connectKubernetes,
  type Kubernetes,
  keyOfObject,
  runController,
  type Store,
  watchAndEnqueue,
} from '../kube/index.ts';
import { sleep } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { watchArrays } from './array-watch.ts';
import { DeviceClaims } from './claims.ts';
import type { CredentialsSource } from './credentials.ts';
import { beat } from './heartbeat.ts';
import type { HostPort } from './host-port.ts';
import { publishStartFailure } from './inventory/start-failure.ts';
import { Inventory } from './inventory/storage-node.ts';
import { Jobs } from './jobs.ts';
import { Journal } from './journal.ts';
import { removeLeftKeyFiles } from './key-files.ts';
import { type PreflightResult, runPreflight } from './preflight.ts';
import { startBackendProbes } from './probes/index.ts';
import { NodeMountReconciler } from './reconcile.ts';

export interface AgentOptions {
  readonly runtime: Runtime;
  /** Where the API server is, or a transport to one in this process. */
  readonly to: ConnectOptions['to'];
  readonly host: HostPort;
  readonly nodeName: string;
  /** The host's directory for mounts and the journal. Default `/var/lib/poolkeeper`. */
  readonly root?: string;
  /** Where the agent's Lease lives. Default `poolkeeper-system`. */
  readonly namespace?: string;
  readonly version?: string;
  /** Who is asked for the credentials of mounts; absent, such mounts fail in words. */
  readonly credentials?: CredentialsSource;
  /** How the network is asked about storage backends; default: by connections of its own. */
  readonly network?: NetworkProber;
}

export interface Agent {
  /** Resolves once the first inventory was published and the caches are filled. */
  readonly started: Promise<void>;
  health(): AgentHealth;
  /** Kills running commands, then ends. What they leave is sorted out at the next start. */
  stop(): Promise<void>;
}

export interface AgentHealth {
  readonly synced: boolean;
  /** Kinds whose watch has been silent for suspiciously long. */
  readonly silent: readonly string[];
  readonly watched: number;
}

/** Watches carry a bookmark every minute; three missed ones are not a quiet cluster any more. */
const SILENCE_MILLISECONDS = 240_000;
const WORKERS = 4;
const INVENTORY_MILLISECONDS = 60_000;
/** How soon a disk that was plugged in or pulled out is noticed. */
const HOT_PLUG_MILLISECONDS = 5000;
const PREFLIGHT_EVERY = 10;
const START_RETRY_MILLISECONDS = 5000;
const STOP_MILLISECONDS = 10_000;

export function startAgent(options: AgentOptions): Agent {
  const { runtime, nodeName, to, version = '0.0.0' } = options;
  const log = runtime.log.child({ component: 'agent', node: nodeName });
  const own: Runtime = { ...runtime, log };
  const kubernetes = connectKubernetes({ runtime: own, to, component: 'agent', version });
  const mounts = kubernetes.caches.add(nodeMounts, {
    fieldSelector: `spec.nodeName=${nodeName}`,
    accepts: (mount) => mount.spec.nodeName === nodeName,
  });
  const probes = kubernetes.caches.add(backendProbes, {
    fieldSelector: `spec.nodeName=${nodeName}`,
    accepts: (probe) => probe.spec.nodeName === nodeName,
  });
  const life = new AbortController();
  const running = new AgentLife(
    { ...options, runtime: own, version, kubernetes, mounts, probes },
    life.signal,
  );
  const started = running.start();
  started.catch((error) => log.error('The agent ended.', { error: messageOf(error) }));
  return {
    started,
    health: () => healthOf(kubernetes),
    async stop() {
      life.abort();
      await running.stop();
      await kubernetes.close();
    },
  };
}

function healthOf({ caches }: Kubernetes): AgentHealth {
  const watches = caches.health();
  return {
    synced: watches.every(({ synced }) => synced),
    silent: watches
      .filter(({ silentMilliseconds }) => (silentMilliseconds ?? 0) > SILENCE_MILLISECONDS)
      .map(({ resource }) => resource),
    watched: watches.length,
  };
}

interface LifeOptions extends AgentOptions {
  readonly version: string;
  readonly kubernetes: Kubernetes;
  readonly mounts: Store<NodeMount>;
  readonly probes: Store<BackendProbe>;
}

class AgentLife {
  readonly #options: LifeOptions;
  readonly #signal: AbortSignal;
  readonly #jobs = new Jobs();
  #preflight: PreflightResult = new Map();
  #background: Promise<unknown>[] = [];
  #stopController: () => Promise<void> = async () => {};

  constructor(options: LifeOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async start(): Promise<void> {
    const { runtime, host, nodeName, kubernetes, namespace = 'poolkeeper-system' } = this.#options;
    const root = this.#options.root ?? '/var/lib/poolkeeper';
    const { client, caches } = kubernetes;
    // The journal comes first: until it is read, nobody knows which disks are taken.
    const journal = new Journal(host, root);
    await this.#untilDone(async () => {
      try {
        await journal.load();
      } catch (error) {
        await publishStartFailure({ runtime, client, nodeName, root }, error);
        throw error;
      }
    });
    for (const file of journal.damaged())
      runtime.log.warn('A record of a mount is damaged: it was put aside, bytes are kept.', {
        file,
      });
    await this.#untilDone(() => removeLeftKeyFiles(host));
    const claims = new DeviceClaims(journal.entries());
    await this.#untilDone(async () => {
      this.#preflight = await runPreflight(host, root);
    });
    const inventory = new Inventory({
      runtime,
      client,
      host,
      claims,
      nodeName,
      root,
      version: this.#options.version,
      preflight: () => this.#preflight,
    });
    this.#background.push(beat({ runtime, client, nodeName, namespace }, this.#signal));
    this.#background.push(caches.start(this.#signal).catch(() => {}));
    await this.#untilDone(() => inventory.publish());
    await caches.whenSynced(this.#signal);
    if (this.#signal.aborted) return;
    this.#background.push(this.#keepInventory(inventory, root));
    this.#runReconciler({ journal, claims, inventory, root });
  }

  #runReconciler(parts: {
    journal: Journal;
    claims: DeviceClaims;
    inventory: Inventory;
    root: string;
  }): void {
    const { runtime, host, nodeName, kubernetes, mounts } = this.#options;
    const { client } = kubernetes;
    const { journal, claims, inventory, root } = parts;
    const events = createEventRecorder({
      runtime,
      client,
      reportingController: 'poolkeeper.dev/agent',
      reportingInstance: nodeName,
    });
    const reconciler = new NodeMountReconciler({
      runtime,
      host,
      client,
      mounts,
      journal,
      claims,
      jobs: this.#jobs,
      events,
      nodeName,
      root,
      preflight: () => this.#preflight,
      publishClaims: () => inventory.publishClaims(),
      credentials: this.#options.credentials,
      enqueue: (key) => controller.queue.add(key),
    });
    const controller = runController({
      name: 'node-mount',
      runtime,
      workers: WORKERS,
      reconcile: (key) => reconciler.reconcile(key),
    });
    const unsubscribe = watchAndEnqueue(mounts, controller.queue, (mount) => [keyOfObject(mount)], {
      updatesWhen: changedBeyondStatus,
    });
    for (const key of reconciler.remembered()) controller.queue.add(key);
    const arrays = () => mounts.list().filter(({ spec }) => spec.type === 'mdadm');
    const isNeeded = () => arrays().length > 0;
    const changed = () => {
      for (const mount of arrays()) controller.queue.add(keyOfObject(mount));
    };
    const { clock } = runtime;
    this.#background.push(watchArrays({ clock, host, isNeeded, changed }, this.#signal));
    const stopProbes = startBackendProbes({
      runtime,
      client,
      host,
      root,
      network: this.#options.network ?? createNetworkProber(runtime),
      records: this.#options.probes,
      credentials: this.#options.credentials,
      preflight: () => this.#preflight,
    });
    this.#stopController = async () => {
      unsubscribe();
      await Promise.all([controller.stop(), stopProbes()]);
    };
  }

  async #keepInventory(inventory: Inventory, root: string): Promise<void> {
    const { runtime, host } = this.#options;
    for (let round = 1; !this.#signal.aborted; round++) {
      await this.#untilNextInventory();
      if (this.#signal.aborted) return;
      try {
        // What is missing may be installed any time; what is there rarely goes away.
        const isFull = round % PREFLIGHT_EVERY === 0;
        this.#preflight = await runPreflight(host, root, isFull ? undefined : this.#preflight);
        await inventory.publish();
      } catch (error) {
        runtime.log.warn('The inventory could not be published.', { error: messageOf(error) });
      }
    }
  }

  /** A minute; less when a disk comes or goes, which the kernel's list of names tells for nothing. */
  async #untilNextInventory(): Promise<void> {
    const { runtime, host } = this.#options;
    const { clock } = runtime;
    const end = clock.monotonic() + INVENTORY_MILLISECONDS;
    const names = async (): Promise<string> =>
      ((await host.listDirectory('/sys/block').catch(() => [])) ?? []).sort().join();
    const before = await names();
    while (!this.#signal.aborted && clock.monotonic() < end) {
      await sleep(clock, HOT_PLUG_MILLISECONDS, this.#signal).catch(() => {});
      if ((await names()) !== before) return;
    }
  }

  /** Tries until it works: an agent that gives up at start is of no use to anybody. */
  async #untilDone(action: () => Promise<void>): Promise<void> {
    const { runtime } = this.#options;
    while (!this.#signal.aborted) {
      try {
        return await action();
      } catch (error) {
        runtime.log.warn('Starting is delayed.', { error: messageOf(error) });
        await sleep(runtime.clock, START_RETRY_MILLISECONDS, this.#signal).catch(() => {});
      }
    }
  }

  async stop(): Promise<void> {
    await this.#stopController();
    // A process that can't be killed must not keep the agent from ending.
    const { clock } = this.#options.runtime;
    await Promise.race([this.#jobs.stop(), sleep(clock, STOP_MILLISECONDS)]);
    await Promise.all(this.#background);
  }
}
