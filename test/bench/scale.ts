// The operator with ten thousand objects: how soon it works after its start, whether it is silent then, and
// what it costs to be there. The objects are claims that wait for pools which do not exist: an operator tells
// each of them so, ends, and the next one is measured.
//
//   node test/bench/scale.ts [objects=10000] [seconds at rest=30]
//
// Budgets: 3 s from the start to the first reconcile, the event loop never blocked for more than 50 ms; at
// rest no writes, less than 1 % of a core, 180 MB. OPERATOR=dist/poolkeeper.mjs measures the bundle.
import { instanceClaims } from '../../src/api/resources.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { eventually } from '../builders/eventually.ts';
import { costOf, namespace } from './load.ts';
import { startStage, sumOf } from './stage.ts';

const count = Number(process.argv[2] ?? 10_000);
const restSeconds = Number(process.argv[3] ?? 30);
const PARALLEL = 16;
const SETTLE_MILLISECONDS = 15_000;

const stage = await startStage({ speed: 1 });
const { client } = stage.kubernetes;
const { clock } = stage.runtime;
let made = 0;
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    while (made < count) await createClaim(made++);
  }),
);
console.log(`${count} claims written`);
const former = await stage.startOperator('--leader-elect=false');
await eventually(
  'every claim says why it waits',
  async () => {
    const claims = await client.list(instanceClaims, { namespace });
    return claims.every(({ status }) => status?.phase === 'Pending');
  },
  { withinSeconds: 600 },
);
await former.end();

const startedAt = clock.monotonic();
const operator = await stage.startOperator('--leader-elect=false');
const processAt = clock.monotonic();
while (sumOf(await operator.metrics(), 'controller_runtime_reconcile_total') === 0)
  await sleep(clock, 20);
const seconds = (since: number): string => ((clock.monotonic() - since) / 1000).toFixed(2);
console.log(
  `first reconcile ${seconds(startedAt)} s after the start of the process, ` +
    `${seconds(processAt)} s after it had loaded its code`,
);
await sleep(clock, SETTLE_MILLISECONDS);
const stall = sumOf(await operator.metrics(), 'nodejs_eventloop_lag_max_seconds');
const before = await costOf(stage, operator);
await sleep(clock, restSeconds * 1000);
const after = await costOf(stage, operator);
const share = (after.operatorMilliseconds - before.operatorMilliseconds) / (restSeconds * 10);
console.log(
  `at rest for ${restSeconds} s: ${after.writes - before.writes} writes, ${share.toFixed(2)} % of a core, ` +
    `${operator.residentMegabytes().toFixed(0)} MB resident; longest stall of the event loop ` +
    `since the start ${(stall * 1000).toFixed(0)} ms`,
);
await stage.close();
process.exit(0);

async function createClaim(number: number): Promise<void> {
  await client.create(instanceClaims, {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'InstanceClaim',
    metadata: { name: `claim-${number}`, namespace },
    spec: { instancePoolRef: { name: `pool-${number % 100}` }, ttl: '8h' },
  } as object);
}
