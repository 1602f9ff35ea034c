// A cluster, a cloud, operators and people, all in one process and in simulated time. One seed
// decides everything that is left to chance.
import { namespaces } from '../../src/api/built-in.ts';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import { connectKubernetes, type KubeClient } from '../../src/kube/index.ts';
import { type SettingsOverrides, SimulatedAzure } from '../../src/local/azure/index.ts';
import { KubernetesServer } from '../../src/local/kubernetes/index.ts';
import { createRuntime, type Runtime } from '../../src/runtime/index.ts';
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import { goldenSnapshotId } from '../builders/pools.ts';
import { type FaultPlan, noFaults } from './calls.ts';
import { KubernetesWire } from './kubernetes-wire.ts';
import { Laws } from './laws.ts';
import { ServiceLaws } from './laws-of-service.ts';
import { type Actor, Loop } from './loop.ts';
import { Network } from './network.ts';
import { OperatorProcess } from './operator-process.ts';
import { ProcessClock } from './process-clock.ts';
import { Strangers } from './strangers.ts';
import { Truth } from './truth.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly plan?: FaultPlan;
  /** How many operators take part in the election. */
  readonly operators?: number;
  /** False: the only operator acts at once. Default true. */
  readonly elects?: boolean;
  /** How wrong the wall clock of each operator may be. */
  readonly skewMilliseconds?: number;
  /** How much earlier somebody must have come to be served first: more where views lag. */
  readonly patienceMilliseconds?: number;
  readonly azure?: SettingsOverrides;
  readonly onLogLine?: (line: string) => void;
}

/** Made once: deriving them from the schemas takes longer than many a run. */
const definitions = customResourceDefinitions().map((definition) => JSON.stringify(definition));

/** From the death of an operator until its successor starts. */
const RESTART_MILLISECONDS = 1000;
const INSTALLATION = 'test';

export class World {
  readonly seed: number;
  readonly loop = new Loop();
  readonly random: Random;
  readonly server: KubernetesServer;
  readonly azure: SimulatedAzure;
  readonly network: Network;
  readonly truth: Truth;
  readonly laws: Laws;
  readonly serviceLaws: ServiceLaws;
  readonly strangers: Strangers;
  /** The people's. */
  readonly client: KubeClient;
  /** One per place in the election; a dead one's successor takes its place. */
  readonly operators: OperatorProcess[] = [];
  restarts = 0;
  readonly #options: WorldOptions;
  readonly #runtime: Runtime;

  private constructor(options: WorldOptions) {
    const { seed } = options;
    this.#options = options;
    this.seed = seed;
    this.random = seededRandom(seed);
    this.#runtime = createRuntime({
      clock: new ProcessClock(this.loop),
      random: seededRandom(seed ^ 0x5eed),
    });
    this.server = new KubernetesServer(this.#runtime);
    this.azure = new SimulatedAzure(this.#runtime, {
      snapshots: [{ id: goldenSnapshotId, sizeGigabytes: 32, content: 'golden-v1' }],
      ...options.azure,
    });
    this.azure.seed();
    this.strangers = new Strangers(this.azure);
    this.truth = new Truth(this.server, this.azure);
    this.laws = new Laws({
      truth: this.truth,
      installation: INSTALLATION,
      elapsed: () => this.loop.elapsed,
    });
    this.serviceLaws = new ServiceLaws({
      truth: this.truth,
      broken: (law) => this.laws.broken(law),
      patienceMilliseconds: options.patienceMilliseconds ?? 0,
    });
    this.network = new Network({
      loop: this.loop,
      random: this.random,
      plan: options.plan ?? noFaults,
      kill: (actor) => this.#kill(actor),
    });
    this.client = this.#peoplesClient();
  }

  static async create(options: WorldOptions): Promise<World> {
    const world = new World(options);
    await world.#install();
    return world;
  }

  startOperators(): void {
    const { operators = 1 } = this.#options;
    for (let place = 0; place < operators; place++) this.#start(place);
  }

  /** Kills whoever is at this place; a successor starts a second later. */
  crash(place: number): void {
    const operator = this.operators[place];
    if (operator?.isAlive) this.#kill(operator);
  }

  /** Nothing new goes wrong; what is on its way, or stopped for a while, still takes its time. */
  heal(): void {
    this.network.heal();
    this.azure.faults.clear();
  }

  crashAll(): void {
    for (const place of this.operators.keys()) this.crash(place);
  }

  close(): void {
    for (const operator of this.operators) operator.isAlive = false;
    this.network.cutWatches();
    this.server.close();
  }

  #start(place: number): void {
    const { skewMilliseconds = 0, onLogLine } = this.#options;
    const life = this.restarts;
    const name = `operator-${place}.${life}`;
    this.operators[place] = new OperatorProcess({
      name,
      seed: this.seed * 1000 + life * 10 + place,
      network: this.network,
      server: this.server,
      azure: this.azure,
      installation: INSTALLATION,
      elects: this.#options.elects ?? true,
      skewMilliseconds: place === 0 ? 0 : skewMilliseconds,
      onEnded: () => {},
      ...(onLogLine && { onLogLine }),
    });
  }

  #kill(actor: Actor): void {
    const place = this.operators.indexOf(actor as OperatorProcess);
    if (place < 0 || !actor.isAlive) return;
    actor.isAlive = false;
    this.network.forget(actor);
    this.restarts++;
    this.loop.after(RESTART_MILLISECONDS, () => this.#start(place));
  }

  #peoplesClient(): KubeClient {
    const people: Actor = { name: 'people', isAlive: true, stoppedUntil: 0 };
    this.network.addBystander(people);
    const wire = new KubernetesWire({
      network: this.network,
      actor: people,
      server: this.server,
      token: this.server.authenticator.issue({ username: 'people', groups: [] }),
    });
    return connectKubernetes({ runtime: this.#runtime, to: wire, component: 'people' }).client;
  }

  async #install(): Promise<void> {
    const token = this.server.authenticator.issue({
      username: 'admin',
      groups: ['system:masters'],
    });
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    for (const body of definitions) {
      const answer = await this.server.handle({ method: 'POST', path, headers, body });
      if (answer.status >= 300) throw new Error(`a definition was refused: ${answer.body}`);
    }
    const setUp = Promise.all(
      ['poolkeeper-system', 'stories'].map((name) =>
        this.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
      ),
    );
    await this.loop.run(100);
    await setUp;
  }
}
