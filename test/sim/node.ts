// A node in the simulation: a machine with disks, and one agent after another on it. Its agent is killed,
// stopped and lied to by its tools; the machine loses its power, and its disks their names.
import { type Agent, startAgent } from '../../src/agent/index.ts';
import { nodes } from '../../src/api/built-in.ts';
import {
  bootMountsOf,
  GIBIBYTE,
  makeFilesystem,
  operatingSystemDisk,
  type PortCall,
  SimulatedDisk,
  SimulatedHost,
  SimulatedNetwork,
  simulatedNetworkProber,
} from '../../src/local/hosts/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { KubernetesWire } from './kubernetes-wire.ts';
import type { Actor } from './loop.ts';
import { ProcessClock } from './process-clock.ts';
import type { World } from './world.ts';

/** From the death of an agent until its successor starts. */
const RESTART_MILLISECONDS = 2000;
const FILESYSTEM_UUID = '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00';

export class SimulatedNode {
  readonly name = 'node-1';
  readonly host: SimulatedHost;
  readonly disks = new Map<string, SimulatedDisk>();
  /** Somebody's files are on it: no byte of it may change. */
  readonly stranger: SimulatedDisk;
  restarts = 0;
  reboots = 0;
  /** How often it was taken out of the cluster. */
  absences = 0;
  #awayUntil = 0;
  readonly #world: World;
  readonly #writesBefore: number;
  #agent: (Actor & { agent?: Agent }) | undefined;

  constructor(world: World) {
    this.#world = world;
    const names = ['one', 'two', 'three', 'four', 'five', 'photos'];
    for (const serial of names)
      this.disks.set(serial, new SimulatedDisk({ serial, sizeBytes: GIBIBYTE, transport: 'scsi' }));
    this.stranger = this.disks.get('photos')!;
    makeFilesystem(this.stranger, 'ext4', FILESYSTEM_UUID);
    this.#writesBefore = this.stranger.writes;
    const random = seededRandom(world.seed ^ 0xd15c);
    this.host = new SimulatedHost({
      nodeName: this.name,
      runtime: createRuntime({ clock: new ProcessClock(world.loop), random }),
      network: new SimulatedNetwork(),
      speed: 100,
      disks: [
        operatingSystemDisk({ sizeBytes: 4 * GIBIBYTE, serial: 'os', transport: 'scsi' }),
        ...this.disks.values(),
      ],
      bootMounts: bootMountsOf('os'),
    });
    this.host.onAgentLost = () => this.#bury();
  }

  start(): void {
    const { loop, network, server, seed } = this.#world;
    const actor: Actor & { agent?: Agent } = {
      name: `agent.${this.restarts}`,
      isAlive: true,
      stoppedUntil: 0,
    };
    this.#agent = actor;
    const clock = new ProcessClock(loop, actor);
    const token = server.authenticator.issue({ username: actor.name, groups: ['system:masters'] });
    actor.agent = startAgent({
      runtime: createRuntime({ clock, random: seededRandom(seed * 100 + this.restarts) }),
      to: new KubernetesWire({ network, actor, server, token }),
      host: this.host.connect(),
      nodeName: this.name,
      network: simulatedNetworkProber(this.host.machine.network, clock),
    });
    actor.agent.started.catch(() => {});
  }

  /** kill -9 of the agent and of what it runs. */
  kill(): void {
    this.host.loseAgent();
    this.#bury();
  }

  stop(milliseconds: number): void {
    if (this.#agent) this.#agent.stoppedUntil = this.#world.loop.elapsed + milliseconds;
  }

  /** The power goes and comes back. */
  reboot(): void {
    this.kill();
    this.reboots++;
    this.host.machine.reboot({ shuffleNames: true });
  }

  /** It is no node of the cluster any more, and its agent is not there, until it comes back. */
  leave(milliseconds: number): void {
    const { client, loop } = this.#world;
    const ignore = (): void => {};
    this.absences++;
    this.#awayUntil = loop.elapsed + milliseconds;
    this.kill();
    client.delete(nodes, { name: this.name }).catch(ignore);
    loop.after(milliseconds, () => {
      client.create(nodes, { metadata: { name: this.name } }).catch(ignore);
    });
  }

  get isAway(): boolean {
    return this.#awayUntil > this.#world.loop.elapsed || this.#agent === undefined;
  }

  /** The uids of the mounts that the agents have written down. */
  journal(): string[] {
    const names = this.host.machine.root.list('/var/lib/poolkeeper/journal') ?? [];
    return names.flatMap((name) => (name.endsWith('.json') ? name.slice(0, -'.json'.length) : []));
  }

  close(): void {
    if (this.#agent) this.#agent.isAlive = false;
    this.#agent = undefined;
  }

  isInArray(disks: readonly SimulatedDisk[]): boolean {
    return this.host.machine.blocks.arrays.some((array) =>
      array.members.some((member) => disks.some((disk) => member.content === disk)),
    );
  }

  isStrangerUntouched(): boolean {
    return this.stranger.writes === this.#writesBefore;
  }

  #bury(): void {
    const actor = this.#agent;
    if (!actor) return;
    this.#agent = undefined;
    actor.isAlive = false;
    this.#world.network.forget(actor);
    this.restarts++;
    const away = this.#awayUntil - this.#world.loop.elapsed;
    this.#world.loop.after(Math.max(RESTART_MILLISECONDS, away), () => this.start());
  }
}

const MOST = 1024 ** 2;

/** As it came from the shop, as far as anybody looks. */
export function isBlank(disk: SimulatedDisk): boolean {
  return [0, disk.sizeBytes - MOST].every((at) =>
    disk.bytes.read(at, MOST).every((byte) => byte === 0),
  );
}

const READERS = new Set(['lsblk', 'blkid', 'udevadm', 'stat', 'lsns', 'modprobe', 'lsattr']);

/** Commands that change the machine. */
export function changesHost({ operation, argv }: PortCall): boolean {
  if (operation !== 'run' || READERS.has(argv[0] ?? '')) return false;
  return !['--examine', '--version', '--detail', '-V', '-n'].some((flag) => argv.includes(flag));
}
