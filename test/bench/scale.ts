// The operator with ten thousand objects: how soon it works after its start, whether it is silent then, and
// what it costs to be there. The objects are written straight into the embedded API, as left behind by an
// operator that made them: every machine is free, and Azure is never asked about them.
//
//   node test/bench/scale.ts [objects=10000] [seconds at rest=30]
//
// Budgets: 3 s from the start to the first reconcile; at rest no writes, less than 1 % of a core, 180 MB.
// OPERATOR=dist/poolkeeper.mjs measures the bundle.
import { ownerReferenceTo } from '../../src/api/object.ts';
import { instancePools, poolInstances } from '../../src/api/resources.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { aPoolInstance } from '../builders/members.ts';
import { instanceTemplate } from '../builders/pools.ts';
import { costOf, namespace } from './load.ts';
import { startStage, sumOf } from './stage.ts';

const count = Number(process.argv[2] ?? 10_000);
const restSeconds = Number(process.argv[3] ?? 30);
const PARALLEL = 16;
const POOL_SIZE = 1000;

const stage = await startStage({ speed: 1 });
const { client } = stage.kubernetes;
const { clock } = stage.runtime;
const apiVersion = 'poolkeeper.dev/v1alpha1';
const pools = Math.ceil(count / POOL_SIZE);
let made = 0;
const poolObjects = await Promise.all(
  Array.from({ length: pools }, (_, number) =>
    client.create(instancePools, {
      apiVersion,
      kind: 'InstancePool',
      metadata: { name: `pool-${number}`, namespace },
      // Paused: what is measured is being there, not reconciling with an empty cloud.
      spec: { template: instanceTemplate, paused: true, scaling: sizes() },
    } as object),
  ),
);
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    while (made < count) await writeMember(made++);
  }),
);
console.log(`${count} machines on record in ${pools} pools`);

const startedAt = clock.monotonic();
const operator = await stage.startOperator('--leader-elect=false');
while (sumOf(await operator.metrics(), 'controller_runtime_reconcile_total') === 0)
  await sleep(clock, 50);
console.log(
  `first reconcile ${((clock.monotonic() - startedAt) / 1000).toFixed(2)} s after the start of the process`,
);
await sleep(clock, 20_000);
const before = await costOf(stage, operator);
await sleep(clock, restSeconds * 1000);
const after = await costOf(stage, operator);
const metrics = await operator.metrics();
const share = (after.operatorMilliseconds - before.operatorMilliseconds) / (restSeconds * 10);
console.log(
  `at rest for ${restSeconds} s: ${after.writes - before.writes} writes, ` +
    `${after.azureCalls - before.azureCalls} calls to Azure, ${share.toFixed(2)} % of a core, ` +
    `${operator.residentMegabytes().toFixed(0)} MB resident, ` +
    `heap ${(sumOf(metrics, 'nodejs_heap_size_used_bytes') / 2 ** 20).toFixed(0)} MB, longest stall of the ` +
    `event loop ${(sumOf(metrics, 'nodejs_eventloop_lag_max_seconds') * 1000).toFixed(0)} ms`,
);
await stage.close();
process.exit(0);

function sizes() {
  return { minFree: POOL_SIZE, maxFree: POOL_SIZE, maxTotal: POOL_SIZE };
}

async function writeMember(number: number): Promise<void> {
  const pool = poolObjects[Math.floor(number / POOL_SIZE)]!;
  const ordinal = number % POOL_SIZE;
  const { metadata, spec, status } = aPoolInstance({ ordinal, pool: pool.metadata.name } as never);
  const name = `${pool.metadata.name}-${ordinal}`;
  const { labels, finalizers = [] } = metadata;
  const poolRef = { name: pool.metadata.name, uid: pool.metadata.uid };
  const owners = [ownerReferenceTo(pool)];
  await client.create(poolInstances, {
    apiVersion,
    kind: 'PoolInstance',
    metadata: { name, namespace, labels, finalizers, ownerReferences: owners },
    spec: { ...spec, poolRef },
  } as object);
  await client.mergePatch(
    poolInstances,
    { namespace, name },
    { status },
    { subresource: 'status' },
  );
}
