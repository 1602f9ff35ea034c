// The network between processes and servers: how long things take, what gets lost, and who is cut
// off. Keeps the list of calls by which a run can be told and a fault be placed.
import type { Random } from '../../src/runtime/random.ts';
import { type Call, DELIVERED, type Fate, type FaultPlan } from './calls.ts';
import type { Actor, Loop } from './loop.ts';

type Server = Call['to'];

export interface RecordedCall extends Call {
  readonly at: number;
  readonly fate: Fate['type'];
}

export interface NetworkOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly plan: FaultPlan;
  /** Ends a process, as kill -9 does. */
  readonly kill: (actor: Actor) => void;
}

/** One way, in milliseconds: least and most. */
const LATENCY: Readonly<Record<Server, readonly [number, number]>> = {
  kubernetes: [0.3, 3],
  azure: [10, 120],
};

export class Network {
  readonly loop: Loop;
  readonly calls: RecordedCall[] = [];
  /** Calls that people make are not the plan's business. */
  readonly #bystanders = new Set<Actor>();
  readonly #random: Random;
  readonly #plan: FaultPlan;
  readonly #kill: (actor: Actor) => void;
  readonly #downUntil: Record<Server, number> = { kubernetes: 0, azure: 0 };
  readonly #held = new Map<string, number>();
  readonly #mires = new Map<string, number>();
  readonly #streams = new Set<Stream>();
  #count = 0;

  constructor(options: NetworkOptions) {
    this.loop = options.loop;
    this.#random = options.random;
    this.#plan = options.plan;
    this.#kill = options.kill;
  }

  addBystander(actor: Actor): void {
    this.#bystanders.add(actor);
  }

  /** What becomes of a call that is about to be made. */
  fateOf(actor: Actor, facts: Omit<Call, 'index' | 'actor'>): Fate {
    if (this.#bystanders.has(actor)) return DELIVERED;
    const call: Call = { ...facts, actor, index: this.#count++ };
    const planned = this.#plan.fateOf(call);
    const fate = planned.type === 'delivered' ? this.#fateInMire(facts.what) : planned;
    this.calls.push({ ...call, at: this.loop.elapsed, fate: fate.type });
    return fate;
  }

  /** Calls of this kind, whoever makes them, are under way until the mire ends. */
  mire(what: string, milliseconds: number): void {
    this.#mires.set(what, this.loop.elapsed + milliseconds);
  }

  #fateInMire(what: string): Fate {
    const milliseconds = (this.#mires.get(what) ?? 0) - this.loop.elapsed;
    return milliseconds > 0 ? { type: 'late', milliseconds } : DELIVERED;
  }

  latency(server: Server): number {
    const [least, most] = LATENCY[server];
    return least + (most - least) * this.#random.next();
  }

  kill(actor: Actor): void {
    this.#kill(actor);
  }

  /** Nobody reaches this server for a while; open watches break. */
  takeDown(server: Server, milliseconds: number): void {
    this.#downUntil[server] = Math.max(this.#downUntil[server], this.loop.elapsed + milliseconds);
    if (server === 'kubernetes') this.cutWatches();
  }

  isDown(server: Server, actor: Actor): boolean {
    return !this.#bystanders.has(actor) && this.#downUntil[server] > this.loop.elapsed;
  }

  /** Watches of this kind bring this process nothing new for a while. */
  hold(actor: Actor, plural: string, milliseconds: number): void {
    this.#held.set(`${actor.name}/${plural}`, this.loop.elapsed + milliseconds);
  }

  heldUntil(actor: Actor, plural: string): number {
    return this.#held.get(`${actor.name}/${plural}`) ?? 0;
  }

  /** From now on everything gets through. */
  heal(): void {
    this.#downUntil.kubernetes = 0;
    this.#downUntil.azure = 0;
    this.#held.clear();
    this.#mires.clear();
  }

  opened(stream: Stream): () => void {
    this.#streams.add(stream);
    return () => this.#streams.delete(stream);
  }

  /** Breaks open watches of one process, or of all; of one kind, or of all. */
  cutWatches(actor?: Actor, plural?: string): void {
    for (const stream of [...this.#streams]) {
      if (actor && stream.actor !== actor) continue;
      if (plural && stream.plural !== plural) continue;
      stream.cut();
    }
  }

  forget(actor: Actor): void {
    for (const stream of [...this.#streams]) if (stream.actor === actor) stream.cut();
  }
}

export interface Stream {
  readonly actor: Actor;
  readonly plural: string;
  cut(): void;
}
