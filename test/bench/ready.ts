// From a claim for a fresh disk to Ready, at Azure's real speed: how much later than the end of Azure's own
// attach. Takes a minute.
//
//   node test/bench/ready.ts [claims=4]
//
// Budget: ≤ 1.5 s (p50) beyond the end of the attach.
import { volumePools } from '../../src/api/resources.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { eventually } from '../builders/eventually.ts';
import { goldenSnapshotId } from '../builders/pools.ts';
import { describe, Load, namespace } from './load.ts';
import { startStage } from './stage.ts';

const count = Number(process.argv[2] ?? 4);
const stage = await startStage({ speed: 1 });
await stage.startOperator('--leader-elect=false');
const load = new Load(stage);
await load.ready();
const { clock } = stage.runtime;
const { client } = stage.kubernetes;
await client.create(volumePools, {
  apiVersion: 'poolkeeper.dev/v1alpha1',
  kind: 'VolumePool',
  metadata: { name: 'disks', namespace },
  spec: {
    volume: { sizeGiB: 32 },
    goldenSnapshot: { type: 'Existing', existing: { id: goldenSnapshotId } },
    scaling: { minFree: count, maxFree: count, maxTotal: 4 * count },
  },
} as object);
const startedAt = clock.monotonic();
await load.createPool('boxes', count);
console.log(
  `${count} machines free after ${((clock.monotonic() - startedAt) / 1000).toFixed(1)} s`,
);
await load.pause('boxes');

const attachedAt = new Map<string, number>();
let watching = true;
const looking = watchAttaches();
const volume = { type: 'New', new: { poolRef: { name: 'disks' } } };
for (let number = 0; number < count; number++) {
  await load.claim(`claim-${number}`, 'boxes', { volume });
  await sleep(clock, 700);
}
await load.untilAll('readyAt', { withinSeconds: 120 });
watching = false;
await looking;
const claims = [...load.times.values()];
const ends = [...attachedAt.values()].sort((one, other) => one - other);
const readies = claims.map((one) => one.readyAt!).sort((one, other) => one - other);
describe(
  'asked → Ready',
  claims.map((one) => one.readyAt! - one.askedAt),
);
describe(
  'end of the attach → Ready',
  readies.map((ready, number) => ready - ends[number]!),
);
await load.stop();
await stage.close();
process.exit(0);

interface SimulatedResource {
  readonly name: string;
  readonly properties: {
    readonly provisioningState: string;
    readonly storageProfile?: { readonly dataDisks?: readonly unknown[] };
  };
}

/** When the simulated cloud ends each attach; looked at all the time. */
async function watchAttaches(): Promise<void> {
  await eventually(
    'attaches ended',
    async () => {
      const answer = await fetch(`${stage.azureUrl}/_sim/resources`);
      const { resources } = (await answer.json()) as { resources: SimulatedResource[] };
      for (const { name, properties } of resources) {
        const isDone = (properties.storageProfile?.dataDisks?.length ?? 0) > 0;
        if (isDone && properties.provisioningState === 'Succeeded' && !attachedAt.has(name))
          attachedAt.set(name, clock.monotonic());
      }
      await sleep(clock, 30);
      return !watching;
    },
    { withinSeconds: 300 },
  );
}
