// What the pure decisions cost with ten thousand members: serving one claim, and a pool's full plan.
//
//   node test/bench/plan.ts [members=10000]
//
// Budgets: 50 µs to allocate, 5 ms for a full plan.
import type { PoolInstance } from '../../src/api/pool-instance.ts';
import { StoreIndex } from '../../src/kube/store-index.ts';
import { allocate } from '../../src/plan/allocation.ts';
import { planInstancePool, templateRevision } from '../../src/plan/instance-pool.ts';
import { longestFreeFirst, shelfOfInstance } from '../../src/plan/stock.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { anInstanceClaim, aPoolInstance } from '../builders/members.ts';
import { timeAt } from '../builders/metadata.ts';
import { anInstancePool } from '../builders/pools.ts';

const count = Number(process.argv[2] ?? 10_000);
const ROUNDS = 200;

const members = Array.from({ length: count }, (_, ordinal) =>
  aPoolInstance({ ordinal, status: { freeSince: timeAt((ordinal * 7919) % count) } }),
);
const shelves = new StoreIndex<PoolInstance>(
  (instance) => [shelfOfInstance(instance) ?? 'none'],
  longestFreeFirst,
);
for (const member of members) shelves.add(member.metadata.name, member);

const claim = anInstanceClaim();
report('allocate one claim', 1000, (round) => {
  // As after each binding: one member left its shelf, so that this is listed anew.
  const taken = members[(round * 31) % count]!;
  shelves.remove(taken.metadata.name, taken);
  const bindings = allocate({
    claims: [{ claim, instance: undefined }],
    freeInstances: (shelf) => shelves.find(shelf),
    freshVolumes: () => [],
    volumeNamed: () => undefined,
    heldBy: () => [],
  });
  shelves.add(taken.metadata.name, taken);
  if (bindings.length !== 1) throw new Error('nothing was allocated');
});

const scaling = { minFree: count, maxFree: count, maxTotal: count };
const pool = anInstancePool({ scaling });
const revision = templateRevision(pool.spec.template);
const current = members.map((member) => ({
  ...member,
  spec: { ...member.spec, templateRevision: revision },
}));
const plan = (of: readonly PoolInstance[]) => (): void => {
  const snapshot = { pool, members: of, waitingClaims: 0, prewarmVolumes: [], defaults: {} };
  const discovery = { state: 'complete', wasComplete: true, missing: [] };
  planInstancePool({ ...snapshot, discovery } as never, Date.parse(timeAt(7200)));
};
report('plan a whole pool at rest', 1000, plan(current));
report('plan a whole pool whose template changed', 1000, plan(members));

function report(what: string, microsecondsEach: number, run: (round: number) => void): void {
  for (let round = 0; round < ROUNDS; round++) run(round);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const from = systemClock.monotonic();
    run(round);
    times.push((systemClock.monotonic() - from) * microsecondsEach);
  }
  times.sort((one, other) => one - other);
  const at = (share: number): string => times[Math.floor(ROUNDS * share)]!.toFixed(0);
  console.log(`${what} among ${count}: p50 ${at(0.5)} µs, p90 ${at(0.9)} µs`);
}
