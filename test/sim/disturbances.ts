// What goes wrong by the clock rather than by the call: processes that stop and go on, watches that
// fall behind, servers that are away for a while, a cloud that has its moods.
import type { FaultOrder } from '../../src/local/azure/index.ts';
import type { Random } from '../../src/runtime/random.ts';
import type { World } from './world.ts';

type Disturbance = (world: World, random: Random) => string;

const PLURALS = [
  'instanceclaims',
  'instancepools',
  'poolinstances',
  'poolvolumes',
  'volumepools',
] as const;

export interface DisturbanceOptions {
  readonly random: Random;
  readonly count: number;
  /** They happen within so long from the start. */
  readonly withinMilliseconds: number;
  readonly onNote?: (note: string) => void;
}

/** Draws so many disturbances and arranges for them to happen. */
export function disturb(options: DisturbanceOptions) {
  return (world: World, isCalm: () => boolean): void => {
    const { random, count, withinMilliseconds, onNote } = options;
    for (let turn = 0; turn < count; turn++) {
      const happening = pick(random, DISTURBANCES);
      world.loop.after(random.next() * withinMilliseconds, () => {
        if (isCalm()) return;
        const note = happening(world, random);
        onNote?.(`${(world.loop.elapsed / 1000).toFixed(1)} s: ${note}`);
      });
    }
  };
}

const DISTURBANCES: readonly Disturbance[] = [
  (world, random) => {
    const place = anyPlace(world, random);
    world.crash(place);
    return `operator ${place} crashes`;
  },
  (world, random) => {
    const operator = world.operators[anyPlace(world, random)]!;
    const seconds = 1 + random.next() * 40;
    operator.stoppedUntil = world.loop.elapsed + seconds * 1000;
    return `${operator.name} stops for ${seconds.toFixed(1)} s`;
  },
  (world, random) => {
    const operator = world.operators[anyPlace(world, random)]!;
    const plural = pick(random, PLURALS);
    const seconds = 0.5 + random.next() * 60;
    world.network.hold(operator, plural, seconds * 1000);
    return `${operator.name} hears nothing of ${plural} for ${seconds.toFixed(1)} s`;
  },
  (world, random) => {
    const operator = world.operators[anyPlace(world, random)]!;
    for (const plural of PLURALS) world.network.hold(operator, plural, 15_000);
    return `${operator.name} hears nothing for 15 s`;
  },
  (world) => {
    world.network.cutWatches();
    return 'all watches break';
  },
  (world) => {
    world.network.cutWatches();
    world.server.compact();
    return 'all watches break and their history is gone';
  },
  (world, random) => {
    const seconds = 1 + random.next() * 70;
    world.network.takeDown('kubernetes', seconds * 1000);
    return `the API server is away for ${seconds.toFixed(1)} s`;
  },
  (world, random) => {
    const seconds = 1 + random.next() * 120;
    world.network.takeDown('azure', seconds * 1000);
    return `Azure is away for ${seconds.toFixed(1)} s`;
  },
  (world, random) => {
    // What becomes of one record is told late, whoever tells it; what is bound to it goes on.
    const name = pick(random, ['poolinstances/boxes', 'poolvolumes/disks']);
    const what = `PATCH ${name}-${Math.floor(random.next() * 3)}/status`;
    const seconds = 5 + random.next() * 150;
    world.network.mire(what, seconds * 1000);
    return `${what} is under way for ${seconds.toFixed(1)} s`;
  },
  (world, random) => orderFault(world, pick(random, cloudFaults(random))),
  (world, random) => orderFault(world, pick(random, cloudFaults(random))),
];

function cloudFaults(random: Random): FaultOrder[] {
  const seconds = 1 + Math.round(random.next() * 60);
  const machine = { operation: 'virtualMachines.createOrUpdate' };
  const update = { operation: 'virtualMachines.update' };
  const once = { times: 1 };
  return [
    { match: machine, effect: { type: 'failOperation', code: 'InternalExecutionError' }, ...once },
    { match: machine, effect: { type: 'failOperation', code: 'AllocationFailed' }, ...once },
    {
      match: update,
      effect: { type: 'failOperation', code: 'AttachDiskWhileBeingDetached' },
      ...once,
    },
    { match: { operation: '*createOrUpdate' }, effect: { type: 'loseOperation' }, ...once },
    { match: { operation: '*delete' }, effect: { type: 'loseOperation' }, ...once },
    { match: update, effect: { type: 'loseOperation' }, ...once },
    { match: { operation: '*' }, effect: { type: 'slowOperation', factor: 8 }, times: 3 },
    {
      match: { operation: '*createOrUpdate' },
      effect: { type: 'hideAfterCreate', forSeconds: seconds },
      ...once,
    },
    {
      match: { operation: '*delete' },
      effect: { type: 'lingerAfterDelete', forSeconds: seconds },
      ...once,
    },
    {
      match: { operation: 'resourceGraph.index' },
      effect: { type: 'graphLag', seconds: 3 * seconds },
      times: 8,
    },
    {
      match: { operation: 'resourceGraph.resources' },
      effect: { type: 'graphBackwards', windowSeconds: 2 * seconds },
      times: 3,
    },
    {
      match: { operation: 'resourceGraph.resources' },
      effect: { type: 'graphShortPage', rows: 2 },
      ...once,
    },
    {
      match: { operation: '*' },
      effect: { type: 'error', status: 429, code: 'TooManyRequests', retryAfterSeconds: seconds },
      times: 4,
    },
  ];
}

function orderFault(world: World, order: FaultOrder): string {
  world.azure.faults.add({ ...order, forSeconds: 300 });
  return `Azure, ${order.match.operation}: ${JSON.stringify(order.effect)}`;
}

function anyPlace(world: World, random: Random): number {
  return Math.floor(random.next() * world.operators.length);
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random.next() * from.length)]!;
}
