// Storage of a node under fire: people make and delete arrays while agents, operators, tools, power and
// servers fail. Afterwards all is Active, refused in words, or gone and clean.
import { createHash } from 'node:crypto';
import { nodes } from '../../src/api/built-in.ts';
import { nodeMounts, storagePools } from '../../src/api/resources.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { isNotFound } from '../../src/kube/index.ts';
import type { FaultEffect } from '../../src/local/hosts/index.ts';
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import { DELIVERED, type FaultPlan } from './calls.ts';
import { disturb, pick } from './disturbances.ts';
import { RandomFaults } from './faults.ts';
import { changesHost, isBlank, SimulatedNode } from './node.ts';
import { World } from './world.ts';

const namespace = 'stories';
const LONGEST_UNREST = 3600_000;

/** By name: the disks that a pool asks for. */
const wishes: Readonly<Record<string, { level: number; serials: readonly string[] }>> = {
  mirror: { level: 1, serials: ['one', 'two'] },
  stripe: { level: 0, serials: ['three', 'four'] },
  greedy: { level: 1, serials: ['five', 'photos'] },
};

export interface StorageOutcome {
  readonly violations: readonly string[];
  readonly fingerprint: string;
  readonly picture: string;
}

export async function simulateStorage(seed: number): Promise<StorageOutcome> {
  const random = seededRandom(seed ^ 0x57a6);
  const faults = new RandomFaults(random, { rate: pick(random, [0, 0.005, 0.02]), crashes: true });
  let isCalm = false;
  const plan: FaultPlan = { fateOf: (call) => (isCalm ? DELIVERED : faults.fateOf(call)) };
  const world = await World.create({ seed, plan, operators: 1 + Math.floor(random.next() * 2) });
  const node = new SimulatedNode(world);
  try {
    const story = new Story(world, node, random);
    world.startOperators();
    node.start();
    disturb({ random, count: Math.floor(random.next() * 4), withinMilliseconds: 180_000 })(
      world,
      () => isCalm,
    );
    const people = story.live();
    trouble(world, node, random);
    absence(world, node, seededRandom(seed ^ 0xa85e));
    await world.loop.run(300_000);
    isCalm = true;
    world.heal();
    node.host.faults.clear();
    await people;
    await story.rest();
    return story.outcome();
  } finally {
    node.close();
    world.close();
  }
}

/** What goes wrong on the machine. */
function trouble({ loop }: World, node: SimulatedNode, random: Random): void {
  const effects: readonly FaultEffect[] = [
    { type: 'fail', exitCode: 1, stderr: 'no\n' },
    { type: 'fail-after-doing', exitCode: 1, stderr: 'no\n' },
    { type: 'kill-child', afterStages: 2 },
    { type: 'lose-agent', moment: 'before' },
    { type: 'lose-agent', moment: 'during', afterStages: 2 },
    { type: 'lose-agent', moment: 'after' },
  ];
  const happenings: readonly (() => void)[] = [
    () => node.kill(),
    () => node.reboot(),
    () => node.stop(1000 + random.next() * 40_000),
    () => node.host.faults.add({ matches: changesHost, effect: pick(random, effects) }),
    () => node.host.faults.add({ matches: changesHost, effect: pick(random, effects) }),
  ];
  const count = Math.floor(random.next() * 9);
  for (let turn = 0; turn < count; turn++)
    loop.after(random.next() * 200_000, pick(random, happenings));
}

/** Some nodes leave the cluster for a while, so that what is deleted meanwhile is left behind on them. */
function absence({ loop }: World, node: SimulatedNode, random: Random): void {
  if (random.next() > 0.3) return;
  const after = 20_000 + random.next() * 150_000;
  loop.after(after, () => node.leave(random.next() * 400_000));
}

class Story {
  readonly #world: World;
  readonly #node: SimulatedNode;
  readonly #random: Random;
  /** Pools that were deleted, by what was to become of the bytes; and whether they were ever Active. */
  readonly #deleted = new Map<string, { readonly policy: string; readonly wasActive: boolean }>();

  constructor(world: World, node: SimulatedNode, random: Random) {
    this.#world = world;
    this.#node = node;
    this.#random = random;
    world.server.store.onCommit(() => {
      if (!node.isStrangerUntouched()) world.laws.broken('bytes of somebody were changed');
    });
  }

  async live(): Promise<void> {
    const { client } = this.#world;
    await client.create(nodes, { metadata: { name: this.#node.name } });
    await Promise.all(Object.keys(wishes).map((name) => this.#onePool(name)));
  }

  async #onePool(name: string): Promise<void> {
    const { client, loop } = this.#world;
    const random = this.#random;
    const policy = pick(random, ['Retain', 'Destroy']);
    const { level, serials } = wishes[name]!;
    const isDeleted = random.next() < 0.5;
    const waits = [random.next() * 30_000, random.next() ** 2 * 150_000];
    await loop.wait(waits[0]!);
    const source = { type: 'Devices', devices: serials.map((serial) => ({ serial })) };
    await client.create(storagePools, {
      metadata: { name, namespace },
      spec: {
        type: 'mdadm',
        mdadm: { nodeName: this.#node.name, level, source },
        deletionPolicy: policy,
        ...(policy === 'Destroy' && { confirmDestroy: name }),
      },
    } as never);
    if (!isDeleted) return;
    await loop.wait(waits[1]!);
    const pool = await client.get(storagePools, { namespace, name });
    const wasActive = pool?.status?.phase === 'Active';
    this.#deleted.set(name, { policy, wasActive });
    await client.delete(storagePools, { namespace, name }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  async rest(): Promise<void> {
    const { loop, laws, network } = this.#world;
    const end = loop.elapsed + LONGEST_UNREST;
    while (this.#unrest().length > 0 && loop.elapsed < end) await loop.run(5000);
    for (const want of this.#unrest()) laws.broken(`no rest: ${want}`);
    if (this.#unrest().length > 0) return;
    await loop.run(120_000);
    const before = network.calls.length;
    const commands = this.#node.host.commands.length;
    await loop.run(300_000);
    for (const { what, isWrite, isBackground, actor, body } of network.calls.slice(before))
      if (isWrite && !isBackground)
        laws.broken(`at rest: ${actor.name} ${what} ${body.slice(0, 300)}`);
    for (const { argv } of this.#node.host.commands.slice(commands))
      if (changesHost({ operation: 'run', argv, path: '', index: 0 }) && isMutation(argv))
        laws.broken(`at rest: ${argv.join(' ')}`);
  }

  #pools(): StoragePool[] {
    return this.#world.server.store
      .shelf('poolkeeper.dev/storagepools')
      .list() as unknown as StoragePool[];
  }

  #unrest(): string[] {
    const wants: string[] = [];
    const pools = new Map(this.#pools().map((pool) => [pool.metadata.name, pool]));
    for (const name of Object.keys(wishes)) {
      const pool = pools.get(name);
      const gone = this.#deleted.get(name);
      if (gone) wants.push(...(pool ? [`${name} is still being deleted`] : this.#remains(name)));
      else wants.push(...this.#wanted(name, pool));
    }
    const mounts = this.#world.server.store.shelf(`poolkeeper.dev/${nodeMounts.plural}`).list();
    if (this.#node.isAway) wants.push('the node is away');
    const uids = new Set(mounts.map(({ metadata }) => metadata.uid));
    for (const uid of this.#node.journal())
      if (!uids.has(uid)) wants.push(`the journal still has ${uid}, which is gone`);
    if (mounts.length > pools.size) wants.push(`${mounts.length} NodeMounts of ${pools.size}`);
    return wants;
  }

  /** A pool that asks for somebody's disk says so; all others become Active. */
  #wanted(name: string, pool: StoragePool | undefined): string[] {
    const { phase, conditions = [] } = pool?.status ?? {};
    if (name !== 'greedy') return phase === 'Active' ? [] : [`${name} is ${phase}`];
    const isSaid = conditions.some(
      ({ status, message }) => status !== 'Unknown' && /photos/.test(message),
    );
    return isSaid && phase !== 'Active' ? [] : [`${name} is ${phase} and does not say why`];
  }

  #remains(name: string): string[] {
    const { policy, wasActive } = this.#deleted.get(name)!;
    const disks = wishes[name]!.serials.map((serial) => this.#node.disks.get(serial)!);
    const own = disks.filter((disk) => disk !== this.#node.stranger);
    const blank = own.filter(isBlank).length;
    const isKept = policy === 'Retain' && wasActive;
    if (isKept && blank > 0) return [`${name} was to keep its bytes, and ${blank} disks are blank`];
    // What nobody could undo is kept, and let go of once the node is back.
    const mayKeep = this.#node.absences > 0;
    if (policy === 'Destroy' && !mayKeep && blank < own.length)
      return [`${name} left something on its disks`];
    // What is kept, the machine itself puts together again when it is switched on.
    const isFound = (isKept || mayKeep) && this.#node.reboots > 0;
    const isHeld = this.#node.isInArray(own) && !isFound;
    return isHeld ? [`${name} left an array behind`] : [];
  }

  outcome(): StorageOutcome {
    const { network, laws } = this.#world;
    const hash = createHash('sha256');
    for (const { at, what, actor, fate } of network.calls)
      hash.update(`${at} ${actor.name} ${what} ${fate}\n`);
    const picture = this.#pools().map(({ metadata, status }) => {
      const words = status?.conditions.map(
        ({ type, status: is, message }) => `${type} ${is}: ${message}`,
      );
      return `${metadata.name} ${status?.phase}; ${words?.join('; ')}`;
    });
    const deleted = [...this.#deleted].map(
      ([name, how]) => `${name} deleted ${JSON.stringify(how)}`,
    );
    return {
      violations: laws.violations,
      fingerprint: hash.digest('hex').slice(0, 16),
      picture: [...picture, ...deleted].join('\n'),
    };
  }
}

function isMutation([program = '', ...rest]: readonly string[]): boolean {
  if (/^(mkfs|wipefs|mount|umount|dd)/.test(program)) return !rest.includes('-h');
  return (
    program === 'mdadm' && /--(create|stop|zero|assemble|manage|add|fail)/.test(rest.join(' '))
  );
}
