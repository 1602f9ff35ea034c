// Claims that arrive at random, so many a second, on a warm pool; and, on the same server in the same run,
// how fast plain merge patches are: what is measured is the operator and not the machine.
//
//   node test/bench/poisson.ts [claims a second=75] [seconds=10]
//
// Budgets: p50 ≤ 50 ms and p99 ≤ 300 ms to Bound at 75/s on a machine of one's own; below saturation p50
// and p99 ≤ 4 times those of a single patch; sustained binds ≥ 0.8 × (patches per second ÷ 3).
import { instanceClaims } from '../../src/api/resources.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { costOf, describe, Load, namespace, reportCost } from './load.ts';
import { startStage } from './stage.ts';

const rate = Number(process.argv[2] ?? 75);
const seconds = Number(process.argv[3] ?? 10);
const count = Math.round(rate * seconds);
const PATCHES = 2000;
const PARALLEL_PATCHES = 32;
const WARM_UP_CLAIMS = 100;

const stage = await startStage({ speed: 1000 });
const operator = await stage.startOperator('--leader-elect=false');
const load = new Load(stage);
await load.ready();
const { clock } = stage.runtime;
const random = seededRandom(1);
await load.createPool('boxes', count + WARM_UP_CLAIMS);
await load.pause('boxes');
// The first hundred only warm up the compilers of three processes.
for (let number = 0; number < WARM_UP_CLAIMS; number++) await load.claim(`warm-${number}`, 'boxes');
await load.untilAll('readyAt');

const before = await costOf(stage, operator);
const startedAt = clock.monotonic();
const asked: Promise<void>[] = [];
let nextAt = startedAt;
for (let number = 0; number < count; number++) {
  nextAt += (-Math.log(1 - random.next()) * 1000) / rate;
  const wait = nextAt - clock.monotonic();
  if (wait > 0) await sleep(clock, wait);
  asked.push(load.claim(`claim-${number}`, 'boxes'));
}
await Promise.all(asked);
await load.untilAll('boundAt');
const took = (clock.monotonic() - startedAt) / 1000;
const after = await costOf(stage, operator);
const times = [...load.times].filter(([name]) => name.startsWith('claim')).map(([, one]) => one);
console.log(`${count} claims at ${rate}/s: the last bound after ${took.toFixed(1)} s`);
describe(
  'created → bound',
  times.map((one) => Math.max(0, one.boundAt! - one.createdAt!)),
);
describe(
  'asked → bound',
  times.map((one) => one.boundAt! - one.askedAt),
);
reportCost('each', before, after, count);
await operator.end();
await patchAlone();
await load.stop();
await stage.close();
process.exit(0);

/** What the server does when nobody else wants anything of it. */
async function patchAlone(): Promise<void> {
  const { client } = stage.kubernetes;
  const names = [...load.times.keys()];
  const latencies: number[] = [];
  let sent = 0;
  const patch = async (): Promise<void> => {
    while (sent < PATCHES) {
      const number = sent++;
      const name = names[number % names.length]!;
      const annotations = { 'bench.poolkeeper.dev/number': String(number) };
      const from = clock.monotonic();
      await client.mergePatch(instanceClaims, { namespace, name }, { metadata: { annotations } });
      latencies.push(clock.monotonic() - from);
    }
  };
  const from = clock.monotonic();
  await Promise.all(Array.from({ length: PARALLEL_PATCHES }, patch));
  const perSecond = PATCHES / ((clock.monotonic() - from) / 1000);
  console.log(
    `plain merge patches: ${perSecond.toFixed(0)}/s with ${PARALLEL_PATCHES} at a time; ` +
      `a third of that is ${(perSecond / 3).toFixed(0)}/s`,
  );
  latencies.splice(0);
  sent = PATCHES - 300;
  await patch();
  describe('a single patch', latencies);
}
