// One run: people do what the scenario says while things go wrong; then nothing goes wrong any more,
// and everything must come to rest, stay there, and stay silent.
import { createHash } from 'node:crypto';
import { findCondition } from '../../src/api/conditions.ts';
import type { SettingsOverrides } from '../../src/local/azure/index.ts';
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import { DELIVERED, type FaultPlan } from './calls.ts';
import type { RecordedCall } from './network.ts';
import { unrest } from './peace.ts';
import { People } from './people.ts';
import { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** What it is about, for people. */
  readonly story: string;
  readonly operators?: number;
  readonly azure?: SettingsOverrides;
  readonly play: (people: People, random: Random) => Promise<void>;
}

export interface Run {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly plan?: FaultPlan;
  readonly operators?: number;
  readonly elects?: boolean;
  readonly skewMilliseconds?: number;
  /** Arranges what goes wrong by the clock; nothing may begin once `isCalm`. */
  readonly disturb?: (world: World, isCalm: () => boolean) => void;
  readonly onLogLine?: (line: string) => void;
}

/** A change of an object that an operator watches. */
export interface Commit {
  /** Simulated milliseconds since the start. */
  readonly at: number;
  readonly plural: string;
  readonly name: string;
  readonly change: string;
}

export interface Outcome {
  readonly violations: readonly string[];
  readonly calls: readonly RecordedCall[];
  /** What people, the cloud's doings and the operators wrote into the API server. */
  readonly commits: readonly Commit[];
  /** The same for two runs exactly if they did the same. */
  readonly fingerprint: string;
  /** Simulated milliseconds until nothing went wrong any more. */
  readonly calmAt: number;
  /** Simulated time until everything was at rest. */
  readonly restedAtSeconds: number;
  /** How everything stood at the end, an object a line. */
  readonly picture: string;
  readonly events: number;
  readonly restarts: number;
}

/** Of what an operator sees and does, when watches fall behind, servers are away, processes stop. */
const LONGEST_LAG = 5 * 60_000;
const LONGEST_PLAY = 4 * 3600_000;
/** Back-offs, memories of what Azure refused, two sightings of garbage: all end well before. */
const LONGEST_UNREST = 2 * 3600_000;
/** Things still go wrong while what people began comes to its end. */
const AFTERMATH = 90_000;
const LOOK_EVERY = 5_000;
/** What was seen before the calm is looked at again: stopped processes, failed looks at Azure. */
const SETTLING = 90_000;
/** Several looks at Azure, so that whatever they would lead to shows. */
const WATCHED_SILENCE = 6 * 60_000;

export async function simulate(run: Run): Promise<Outcome> {
  const { scenario, seed, skewMilliseconds = 0, onLogLine } = run;
  const operators = run.operators ?? scenario.operators ?? 1;
  let isCalm = false;
  const plan: FaultPlan = {
    fateOf: (call) => (isCalm ? DELIVERED : (run.plan?.fateOf(call) ?? DELIVERED)),
  };
  const world = await World.create({
    seed,
    plan,
    skewMilliseconds,
    patienceMilliseconds: run.plan || run.disturb || operators > 1 ? LONGEST_LAG : 0,
    operators,
    elects: run.elects ?? operators > 1,
    ...(scenario.azure && { azure: scenario.azure }),
    ...(onLogLine && { onLogLine }),
  });
  try {
    const commits = recordCommits(world);
    world.startOperators();
    run.disturb?.(world, () => isCalm);
    await play(world, scenario);
    await world.loop.run(AFTERMATH);
    isCalm = true;
    world.heal();
    const calmAt = world.loop.elapsed;
    const restedAtSeconds = await rest(world);
    if (restedAtSeconds >= 0) await silence(world);
    return { ...outcomeOf(world), commits, calmAt, restedAtSeconds };
  } finally {
    world.close();
  }
}

function recordCommits({ server, loop }: World): Commit[] {
  const commits: Commit[] = [];
  server.store.onCommit((shelf, { type, object }) => {
    const [group, plural = ''] = shelf.split('/');
    if (group !== 'poolkeeper.dev') return;
    const { status } = object as { status?: { phase?: string } };
    const change = `${type} ${status?.phase ?? ''}`;
    commits.push({ at: loop.elapsed, plural, name: object.metadata.name, change });
  });
  return commits;
}

async function play(world: World, scenario: Scenario): Promise<void> {
  let isOver = false;
  let failure: unknown;
  const random = seededRandom(world.seed ^ 0x9e37);
  scenario
    .play(new People(world), random)
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => {
      isOver = true;
    });
  const ended = await world.loop.run(LONGEST_PLAY, () => isOver);
  if (failure !== undefined) throw failure;
  if (!ended) world.laws.broken('the scenario did not come to its end');
}

/** Returns when it was, in seconds; -1 when there was no rest. */
async function rest(world: World): Promise<number> {
  const end = world.loop.elapsed + LONGEST_UNREST;
  let wants = unrest(world.truth);
  while (wants.length > 0 && world.loop.elapsed < end) {
    await world.loop.run(LOOK_EVERY);
    wants = unrest(world.truth);
  }
  for (const want of wants.slice(0, 10)) world.laws.broken(`no rest: ${want}`);
  return wants.length === 0 ? Math.round(world.loop.elapsed / 1000) : -1;
}

/** At rest nothing is written, neither by who is there nor by a successor. */
async function silence(world: World): Promise<void> {
  await world.loop.run(SETTLING);
  for (const occasion of ['at rest', 'after a restart']) {
    if (occasion === 'after a restart') world.crashAll();
    const before = world.network.calls.length;
    await world.loop.run(WATCHED_SILENCE);
    const written = world.network.calls
      .slice(before)
      .filter(({ isWrite, isBackground }) => isWrite && !isBackground);
    for (const { what, body } of written.slice(0, 5))
      world.laws.broken(`${occasion}: ${what} ${body.slice(0, 300)}`);
    for (const want of unrest(world.truth).slice(0, 5))
      world.laws.broken(`${occasion}, no rest any more: ${want}`);
    const harm = world.strangers.harm();
    if (harm) world.laws.broken(harm);
  }
}

function outcomeOf(world: World): Omit<Outcome, 'commits' | 'calmAt' | 'restedAtSeconds'> {
  const { calls } = world.network;
  const hash = createHash('sha256');
  for (const { at, what, actor, fate } of calls)
    hash.update(`${at} ${actor.name} ${what} ${fate}\n`);
  return {
    violations: world.laws.violations,
    calls,
    fingerprint: hash.digest('hex').slice(0, 16),
    picture: picture(world),
    events: world.loop.events,
    restarts: world.restarts,
  };
}

function picture({ truth }: World): string {
  const lines = [
    ...truth.pools().map(({ kind, metadata, spec, status }) => {
      const { minFree, maxFree, maxTotal } = spec.scaling;
      const ready = findCondition(status?.conditions, 'Ready');
      const said = `${status?.free} free, ${status?.total} in total`;
      return `${kind} ${metadata.name} ${minFree}/${maxFree}/${maxTotal}: ${said}; ${ready?.message}`;
    }),
    ...truth.members().map(({ kind, metadata, spec, status }) => {
      const held = 'instanceRef' in spec && spec.instanceRef ? ` in ${spec.instanceRef.name}` : '';
      const claim = spec.claimRef ? ` of ${spec.claimRef.name}` : '';
      const last = spec.lastClaimRef ? ` last ${spec.lastClaimRef.name}` : '';
      const error = status?.lastError ? `; ${status.lastError.code}` : '';
      const going = metadata.deletionTimestamp ? ' (going)' : '';
      const what = `${metadata.name} ${status?.phase}${claim}${held}${last}${going}${error}`;
      return `${kind} ${what} ${metadata.uid}`;
    }),
    ...truth.claims().map(({ metadata, spec, status }) => {
      const ready = findCondition(status?.conditions, 'Ready');
      const volume = spec.volume ? ` ${JSON.stringify(spec.volume)}` : '';
      const what = `${metadata.name}${volume} ${status?.phase}`;
      return `InstanceClaim ${what}: ${ready?.reason}: ${ready?.message}`;
    }),
    ...[...truth.machines(), ...truth.disks(), ...truth.interfaces()].map(({ name, tags }) => {
      const { 'poolkeeper:status': status, 'poolkeeper:claim-name': claim } = tags;
      return `in the cloud: ${name} ${status} ${claim}`;
    }),
  ];
  return lines.join('\n');
}
