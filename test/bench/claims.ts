// A burst of claims on a warm pool: how fast they are bound and Ready, and what one costs. The server,
// the operator and the load are processes of their own; KUBECONFIG measures on a real API server.
//
//   node test/bench/claims.ts [claims=300]
//
// Budgets: 300 claims/s on the embedded API; 2 writes to Bound and 6 in all; 3 ms of the operator's
// processor time per claim, bind and release together. See docs/benchmarks.md for what was measured.
import { costOf, describe, Load, reportCost } from './load.ts';
import { startStage } from './stage.ts';

const count = Number(process.argv[2] ?? 300);
const stage = await startStage({ speed: 1000 });
const operator = await stage.startOperator('--leader-elect=false');
const load = new Load(stage);
await load.ready();
const { clock } = stage.runtime;

const filledFrom = clock.monotonic();
await load.createPool('boxes', count);
console.log(
  `${count} machines free after ${((clock.monotonic() - filledFrom) / 1000).toFixed(1)} s`,
);
await load.pause('boxes');
// The Events of the filling are sent one after another: they are no part of what claims cost.
await settled();

const before = await costOf(stage, operator);
const names = Array.from({ length: count }, (_, number) => `claim-${number}`);
await Promise.all(names.map((name) => load.claim(name, 'boxes')));
await load.untilAll('boundAt');
const bound = await costOf(stage, operator);
await load.untilAll('readyAt');
await settled();
const ready = await costOf(stage, operator);

const times = [...load.times.values()];
const first = Math.min(...times.map(({ askedAt }) => askedAt));
const last = (moment: 'createdAt' | 'boundAt' | 'readyAt'): number =>
  (Math.max(...times.map((one) => one[moment]!)) - first) / 1000;
console.log(
  `${count} claims created in ${last('createdAt').toFixed(2)} s, bound in ${last('boundAt').toFixed(2)} s ` +
    `(${(count / last('boundAt')).toFixed(0)}/s), Ready in ${last('readyAt').toFixed(2)} s`,
);
describe(
  'created → bound, as a client sees it',
  times.map((one) => one.boundAt! - one.createdAt!),
);
describe(
  'asked → bound',
  times.map((one) => one.boundAt! - one.askedAt),
);
describe(
  'asked → Ready',
  times.map((one) => one.readyAt! - one.askedAt),
);
reportCost('to Bound', before, bound, count);
reportCost('until settled', before, ready, count);

await Promise.all(names.map((name) => load.release(name)));
await load.untilAll('goneAt');
await settled();
const released = await costOf(stage, operator);
reportCost('release', ready, released, count);
reportCost('bind and release', before, released, count);
const distinct = new Set(times.map(({ instance }) => instance)).size;
console.log(
  `distinct instances ${distinct}; operator's memory ${operator.residentMegabytes().toFixed(0)} MB`,
);
await load.stop();
await stage.close();
process.exit(distinct === count ? 0 : 1);

/** Until the operator has been quiet for a second. */
async function settled(): Promise<void> {
  for (let last = -1, quiet = 0; quiet < 4; ) {
    const { writes, azureCalls } = await costOf(stage, operator);
    quiet = writes + azureCalls === last ? quiet + 1 : 0;
    last = writes + azureCalls;
    await new Promise<void>((resolve) => clock.schedule(250, resolve));
  }
}
