// 300 claims at once on a pool of 300 warm machines, with Azure's real budgets: the operator, the API
// server and the cloud in one process, over real sockets.
//
//   node test/bench/burst.ts [claims=300] [budgets=1] [refused]
//
// Operations take a fiftieth of their real time, the token buckets refill in real time. Every claim
// must get a machine of its own, and none may wait for a write to Azure: with `refused` as third
// argument every write to a machine fails until all claims are Ready. Prints the latencies that the
// operator reports and those that a client sees, from its request to the commit of Ready.
//
// Measured on two cores, everything in one process: 300 of 300 Ready within 2.9 s (budgets=1; reported
// p50 2.1 s, p99 2.5 s) and 3.9 s (budgets=50; p50 1.2 s, p99 2.4 s), 300 distinct machines. Warming
// 300 machines takes 393 s with budgets=1, bound by the budget for reads, and 8 s with budgets=50.
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import { instanceClaims, instancePools } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from '../e2e/pools-world.ts';

const count = Number(process.argv[2] ?? 300);
/** How many times Azure's real budgets: 50 suits the speed, and fills the pool in a tenth of the time. */
const budgets = Number(process.argv[3] ?? 1);
const SPEED = 50;
const PATIENCE_SECONDS = 500;

const world = await PoolsWorld.start({
  speed: SPEED,
  azure: { throttling: { scale: budgets }, quota: { cores: 10 * count } },
});
const { clock } = world.runtime;
const { azure } = world.running;
const readAt = new Map<string, number>();
world.kubernetes.server.store.onCommit((shelf, { object }) => {
  if (shelf !== 'poolkeeper.dev/instanceclaims') return;
  const claim = object as unknown as InstanceClaim;
  const { name } = claim.metadata;
  if (claim.status?.phase === 'Ready' && !readAt.has(name)) readAt.set(name, clock.monotonic());
});

let startedAt = clock.monotonic();
await world.createInstancePool('boxes', {
  scaling: { minFree: count, maxFree: count, maxTotal: 2 * count },
});
await world.untilFree('boxes', count, 'stories', { withinSeconds: PATIENCE_SECONDS });
console.log(`${count} machines warm after ${seconds(startedAt)} s`);

startedAt = clock.monotonic();
if (process.argv[4] === 'refused')
  world.fault({
    match: { operation: 'virtualMachines.update' },
    effect: { type: 'error', status: 500 },
  });
const burstAt = clock.now();
const askedAt = new Map<string, number>();
const names = Array.from({ length: count }, (_, index) => `claim-${index}`);
await Promise.all(
  names.map((name) => {
    askedAt.set(name, clock.monotonic());
    return world.claim(name);
  }),
);
const created = seconds(startedAt);
await eventually('all are Ready', () => readAt.size === count, {
  withinSeconds: PATIENCE_SECONDS,
  because: async () => (await world.client.get(instancePools, pool()))?.status,
});
const elapsed = Number(seconds(startedAt));
const claims = await world.client.list(instanceClaims, { namespace: 'stories' });
const machines = new Set(claims.map(({ status }) => status?.instance?.resourceId));
const refused = azure.requests().filter(({ at, status }) => at >= burstAt && status === 429);

console.log(`${count} claims created in ${created} s, all Ready after ${elapsed.toFixed(2)} s`);
print(
  'bound, as reported',
  claims.map(({ status }) => status?.bindLatencyMilliseconds ?? 0),
);
print(
  'Ready, as reported',
  claims.map(({ status }) => status?.readyLatencyMilliseconds ?? 0),
);
print(
  'Ready, as seen',
  names.map((name) => (readAt.get(name) ?? 0) - (askedAt.get(name) ?? 0)),
);
console.log(`distinct machines ${machines.size}`);
console.log(`calls refused with 429 since the burst ${refused.length}`);
const failed = machines.size !== count || world.watch.violations.length > 0;
for (const line of world.watch.violations) console.log(`PROBLEM ${line}`);
world.watch.violations.splice(0);
await world.stop();
process.exit(failed ? 1 : 0);

function pool() {
  return { namespace: 'stories', name: 'boxes' };
}

function print(what: string, milliseconds: number[]): void {
  const sorted = milliseconds.sort((left, right) => left - right);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
  console.log(`${what}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`);
}

function seconds(since: number): string {
  return ((clock.monotonic() - since) / 1000).toFixed(2);
}
