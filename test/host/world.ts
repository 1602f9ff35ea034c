// A cluster with one real node: the embedded Kubernetes API and the controller here, the bundled
// agent in a test machine, which reaches the API over the machine's network. What is asserted is
// what a user sees: StoragePools, and the bytes on the node's disks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { NodeMount } from '../../src/api/node-mount.ts';
import { nodeMounts, storageNodes, storagePools } from '../../src/api/resources.ts';
import type { StorageNode } from '../../src/api/storage-node.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { type LocalEnvironment, startLocalEnvironment } from '../../src/cli/local-environment.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { sleep, systemClock } from '../../src/runtime/clock.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { createLog } from '../../src/runtime/log.ts';
import { serveCredentialsTo } from './credentials.ts';
import { Machine, type MachineOptions } from './machine/machine.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const faultScript = fileURLToPath(new URL('machine/fault.sh', import.meta.url));

const servers = fileURLToPath(new URL('servers/', import.meta.url));

const cgroup = '/sys/fs/cgroup/agent';

export const nodeName = 'node-1';
const NAMESPACE = 'default';
/** A loaded CI machine may take minutes for what is done in seconds elsewhere. */
const PATIENCE_SECONDS = 600;
const POLL_MILLISECONDS = 100;

/** The programs with which the agent changes something. */
const changingPrograms =
  'mdadm mkfs.ext4 mkfs.xfs mount umount mkdir rmdir chattr wipefs dd resize2fs xfs_growfs iscsiadm';

export interface WorldOptions extends MachineOptions {
  /** The agent may ask for credentials. Default: it has nobody to ask. */
  readonly credentials?: boolean;
  /** The agent has a mount namespace of its own, as in a container. Default: that of the host. */
  readonly contained?: boolean;
}

export class HostWorld {
  readonly machine: Machine;
  readonly #environment: LocalEnvironment;
  readonly #options: WorldOptions;
  #credentials: Awaited<ReturnType<typeof serveCredentialsTo>> | undefined;

  private constructor(machine: Machine, environment: LocalEnvironment, options: WorldOptions) {
    this.machine = machine;
    this.#environment = environment;
    this.#options = options;
  }

  /** Boots the node and starts everything but the agent. */
  static async boot(options: WorldOptions = {}): Promise<HostWorld> {
    const machine = await Machine.boot(options);
    const logFile = join(machine.directory, 'controller.log');
    const runtime = createRuntime({ log: createLog('info', createWriteStream(logFile)) });
    const environment = await startLocalEnvironment({
      runtime,
      port: 0,
      azurePort: 0,
      azureSpeed: 50,
      withController: true,
      withAgents: false,
    });
    const world = new HostWorld(machine, environment, options);
    await world.#install();
    if (options.credentials)
      world.#credentials = await serveCredentialsTo(machine.directory, nodeName, {
        environment,
        runtime,
      });
    return world;
  }

  /** Boots the node and starts everything. */
  static async start(options: WorldOptions = {}): Promise<HostWorld> {
    const world = await HostWorld.boot(options);
    await world.startAgent();
    return world;
  }

  get client(): KubeClient {
    return this.#environment.client;
  }

  get kubeconfig(): string {
    return this.#environment.kubeconfig;
  }

  /** Puts the bundle and the way to the API server where the machine finds them. */
  async #install(): Promise<void> {
    const { directory } = this.machine;
    mkdirSync(join(directory, 'bundle'));
    const build = join(repository, 'scripts/build.ts');
    await execute(process.execPath, [build, join(directory, 'bundle')]);
    const kubeconfig = parse(this.#environment.kubeconfig);
    const { cluster } = kubeconfig.clusters[0];
    cluster.server = cluster.server.replace('127.0.0.1', '10.0.2.2');
    cluster['tls-server-name'] = 'localhost';
    writeFileSync(join(directory, 'kubeconfig'), stringify(kubeconfig));
  }

  async startAgent(): Promise<void> {
    const agent = '/run/vm/state/bundle/poolkeeper.mjs agent';
    const flags = `--kubeconfig /run/vm/state/kubeconfig --node-name ${nodeName}`;
    const alone = this.#options.contained ? 'unshare --mount --propagation slave' : '';
    // In a control group, like a container: that is how all of it is killed at once.
    await this.machine.run(
      `mkdir -p ${cgroup}
       setsid sh -c 'echo $$ > ${cgroup}/cgroup.procs; echo $$ > /run/agent.pid; exec "$@"' sh \
         ${alone} ${process.execPath} ${agent} ${flags} ${this.#credentials?.flags ?? ''} \
         >>/run/vm/state/agent.log 2>&1 </dev/null &`,
    );
  }

  /** Kill -9 of the agent and of all that it runs, as when its container is killed. */
  async killAgent(): Promise<void> {
    await this.machine.run(`[ ! -e ${cgroup} ] || echo 1 > ${cgroup}/cgroup.kill`);
    await this.untilAgentIsDead();
  }

  async untilAgentIsDead(): Promise<void> {
    await this.#wait('the agent is dead', async () => {
      return (await this.machine.run(`cat ${cgroup}/cgroup.procs 2>/dev/null || true`)) === '';
    });
  }

  /** Runs one of the servers' scripts in the machine; resolves with what it printed. */
  async server(script: 'nfs' | 'iscsi' | 'ceph', ...words: string[]): Promise<string> {
    return await this.machine.run(`${servers}${script}.sh ${words.join(' ')}`);
  }

  /** Lets the fault strike at the agent's next changing command that begins so; see fault.sh. */
  async plan(fault: string, beginning: string): Promise<void> {
    await this.machine.run(
      `[ -e /usr/local/sbin/mdadm ] || for name in ${changingPrograms}; do
         ln -s ${faultScript} /usr/local/sbin/$name
       done
       rm -f /run/vm/state/paused; echo '${fault} ${beginning}' > /run/fault`,
    );
  }

  /** Waits until the planned fault has struck. */
  async untilStruck(count: number, pool: string): Promise<void> {
    await this.#wait('the fault strikes', async () => this.struck().length >= count, pool);
  }

  /** The commands at which faults struck, each after its fault. */
  struck(): string[] {
    return this.#lines('struck.log');
  }

  /** Changing commands that ran while faults were planned. */
  changes(): string[] {
    return this.#lines('changes.log');
  }

  isPaused(): boolean {
    return existsSync(join(this.machine.directory, 'paused'));
  }

  agentLog(): string[] {
    return this.#lines('agent.log');
  }

  #lines(name: string): string[] {
    const path = join(this.machine.directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  }

  async node(): Promise<StorageNode | undefined> {
    return await this.client.get(storageNodes, { name: nodeName });
  }

  async pool(name: string): Promise<StoragePool | undefined> {
    return await this.client.get(storagePools, { namespace: NAMESPACE, name });
  }

  async mount(name: string): Promise<NodeMount | undefined> {
    const mounts = await this.client.list(nodeMounts, { namespace: NAMESPACE });
    return mounts.find(({ spec }) => spec.poolRef.name === name);
  }

  /** Creates a StoragePool; `spec` as a user would write it. */
  async create(name: string, spec: object): Promise<StoragePool> {
    return await this.client.create(storagePools, {
      metadata: { namespace: NAMESPACE, name },
      spec: spec as never,
    });
  }

  async patch(name: string, patch: object): Promise<void> {
    await this.client.mergePatch(storagePools, { namespace: NAMESPACE, name }, patch);
  }

  /** Waits until the pool looks as asked; resolves with it. */
  async until(
    name: string,
    what: string,
    looks: (pool: StoragePool) => boolean,
  ): Promise<StoragePool> {
    return await this.#wait(
      `${name}: ${what}`,
      async () => {
        const pool = await this.pool(name);
        return pool !== undefined && looks(pool) && pool;
      },
      name,
    );
  }

  async untilPhase(name: string, phase: string): Promise<StoragePool> {
    return await this.until(name, phase, (pool) => pool.status?.phase === phase);
  }

  /** Waits for a refusal with this reason; resolves with its words. */
  async untilRefused(name: string, reason: string): Promise<string> {
    const isRefused = (pool: StoragePool): boolean => conditionOf(pool, 'Ready')?.reason === reason;
    const pool = await this.until(name, reason, isRefused);
    return conditionOf(pool, 'Ready')!.message;
  }

  async delete(name: string): Promise<void> {
    await this.client.delete(storagePools, { namespace: NAMESPACE, name });
  }

  async untilGone(name: string): Promise<void> {
    await this.#wait(`${name}: gone`, async () => (await this.pool(name)) === undefined, name);
  }

  async remove(name: string): Promise<void> {
    await this.delete(name);
    await this.untilGone(name);
  }

  /** Waits for anything; where it doesn't come, says what the pool and the node look like. */
  async untilTrue(what: string, look: () => Promise<boolean> | boolean, pool = ''): Promise<void> {
    await this.#wait(what, async () => await look(), pool);
  }

  async #wait<T>(what: string, look: () => Promise<T | false>, pool = ''): Promise<T> {
    const deadline = systemClock.monotonic() + PATIENCE_SECONDS * 1000;
    for (;;) {
      const began = systemClock.monotonic();
      const found = await look();
      if (found !== false) return found;
      const now = systemClock.monotonic();
      if (now > deadline) break;
      // A look into the machine takes its one CPU from the agent: not more than a third of it.
      await sleep(systemClock, Math.max(POLL_MILLISECONDS, 2 * (now - began)));
    }
    const instead = JSON.stringify(await this.#everything(pool), undefined, 1);
    throw new Error(`not within ${PATIENCE_SECONDS} s: ${what}\n${instead}`);
  }

  async #everything(name: string): Promise<object> {
    const mount = await this.mount(name);
    return {
      pool: (await this.pool(name))?.status,
      mount: mount && { metadata: mount.metadata, spec: mount.spec, status: mount.status },
      devices: (await this.node())?.status?.devices,
      agent: this.agentLog().slice(-30),
      console: this.machine.isRunning && this.machine.console(),
    };
  }

  async close(): Promise<void> {
    await this.#credentials?.close();
    await this.#environment.stop();
    await this.machine.close();
  }
}

export function conditionOf(pool: StoragePool, type: string) {
  return pool.status?.conditions.find((condition) => condition.type === type);
}

/** The spec of a RAID pool on this node's disks. */
export function raid(level: number, serials: readonly string[], more: object = {}): object {
  const devices = serials.map((serial) => ({ serial }));
  return {
    type: 'mdadm',
    mdadm: { nodeName, level, source: { type: 'Devices', devices }, ...more },
  };
}

/** As above; deleting the pool erases its disks. */
export function disposable(name: string, spec: object): object {
  return { ...spec, deletionPolicy: 'Destroy', confirmDestroy: name };
}

async function execute(program: string, argv: readonly string[]): Promise<void> {
  const child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ${argv.join(' ')} ended with ${code}:\n${said}`);
}
