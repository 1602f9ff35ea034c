// How fast a pool of 100 machines fills within Azure's real budgets, and what becomes of it when Azure
// misbehaves: the operator, the API server and the cloud in one process, over real sockets.
//
//   node test/bench/fill.ts [machines=100]
//
// Operations take a fiftieth of their real time; the token buckets refill in real time and hold what
// Azure's hold, so the operator must pace itself fifty times as hard as it ever would have to.
//   calm    not one 429 in the cloud's log.
//   faulty  every seventh creation is throttled, fails or is applied without an answer, zone 1 has no
//           room, Resource Graph is two minutes late: the pool fills all the same, there are never more
//           machines than `maxTotal`, and every resource belongs to a record.
// Afterwards the pool is deleted and the cloud must be empty.
//
// Measured on two busy cores: calm 100 machines in 14 s without a 429; 2 reads of the machine, 1 of its
// network interface and 1 to 2 polls each (10 reads and 4 polls before only the operation was asked while
// it is under way, which took 88 s).
import { instancePools } from '../../src/api/resources.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { PoolsWorld } from '../e2e/pools-world.ts';

const count = Number(process.argv[2] ?? 100);
const maxTotal = Math.ceil(count * 1.1);
const SPEED = 50;
const SAMPLE_MILLISECONDS = 20;
const PATIENCE_SECONDS = 300;

const problems: string[] = [];
await run('calm', () => {});
await run('faulty', misbehave);
for (const problem of problems) console.log(`PROBLEM ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);

async function run(name: string, prepare: (world: PoolsWorld) => void): Promise<void> {
  const world = await PoolsWorld.start({
    speed: SPEED,
    azure: { throttling: { scale: 1 }, quota: { cores: 10 * count } },
  });
  const { clock } = world.runtime;
  prepare(world);
  const sampler = new AbortController();
  let most = 0;
  const sampling = (async () => {
    while (!sampler.signal.aborted) {
      most = Math.max(most, world.running.azure.cloud.resources.ofKind('virtualMachine').length);
      await sleep(clock, SAMPLE_MILLISECONDS);
    }
  })();
  const startedAt = clock.monotonic();
  await world.createInstancePool('boxes', {
    scaling: { minFree: count, maxFree: count, maxTotal, discoveryInterval: '5s' },
    azure: { zones: ['1', '2', '3'] },
  });
  const patience = { withinSeconds: PATIENCE_SECONDS };
  await world.untilFree('boxes', count, 'stories', patience);
  const filledIn = (clock.monotonic() - startedAt) / 1000;
  await world.untilAccounted(patience);
  if (most > maxTotal) problems.push(`${name}: ${most} machines at once, allowed are ${maxTotal}`);
  const throttled = world.running.azure.requests().filter(({ status }) => status === 429);
  if (name === 'calm' && throttled.length > 0)
    problems.push(`${name}: ${throttled.length} calls were throttled: ${throttled[0]?.operation}`);
  const zones = Object.groupBy(
    world.running.azure.cloud.resources.ofKind('virtualMachine'),
    (machine) => machine.zones?.[0] ?? 'none',
  );
  console.log(
    `${name}: ${count} machines in ${filledIn.toFixed(1)} s, at most ${most} at once, ` +
      `${throttled.length} calls refused with 429; per zone ` +
      Object.entries(zones)
        .map(([zone, machines]) => `${zone}: ${machines?.length}`)
        .join(', '),
  );
  console.log(`  calls ${JSON.stringify(world.running.azure.counts())}`);
  await empty(world, name);
  sampler.abort();
  await sampling;
  problems.push(...world.watch.violations.splice(0).map((violation) => `${name}: ${violation}`));
  await world.stop();
}

function misbehave(world: PoolsWorld): void {
  const match = { operation: 'virtualMachines.createOrUpdate' };
  for (let at = 0; at < count; at += 7) {
    world.fault({
      match,
      skip: at,
      times: 1,
      effect: { type: 'error', status: 429, retryAfterSeconds: 1 },
    });
    world.fault({ match, skip: at + 2, times: 1, effect: { type: 'error', status: 500 } });
    world.fault({ match, skip: at + 4, times: 1, effect: { type: 'timeout', applied: true } });
  }
  world.fault({
    match: { operation: 'resourceGraph.index' },
    effect: { type: 'graphLag', seconds: 120 },
  });
  world.running.azure.capacity.setLimits([{ zone: '1', machines: 0 }]);
}

async function empty(world: PoolsWorld, name: string): Promise<void> {
  const { clock } = world.runtime;
  const startedAt = clock.monotonic();
  const key = { namespace: 'stories', name: 'boxes' };
  await world.client.delete(instancePools, key);
  const deadline = startedAt + PATIENCE_SECONDS * 1000;
  while (await world.client.get(instancePools, key)) {
    if (clock.monotonic() > deadline) {
      problems.push(`${name}: the pool is not gone after ${PATIENCE_SECONDS} s`);
      return;
    }
    await sleep(clock, SAMPLE_MILLISECONDS);
  }
  const left = world.running.azure.resources().filter(({ kind }) => kind !== 'snapshot');
  if (left.length > 0) problems.push(`${name}: ${left.length} resources left, ${left[0]?.name}`);
  console.log(`  emptied in ${((clock.monotonic() - startedAt) / 1000).toFixed(1)} s`);
}
