import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  anInstanceClaim,
  aPoolInstance,
  aPoolVolume,
  claimRefTo,
} from '../../../test/builders/members.ts';
import { timeAt } from '../../../test/builders/metadata.ts';
import { anInstancePool, aVolumePool, instanceTemplate } from '../../../test/builders/pools.ts';
import type { AnyObject, Resource } from '../../api/object.ts';
import type { CacheOptions, Caches } from '../../kube/index.ts';
import { ObjectStore } from '../../kube/object-store.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';
import { createRuntime } from '../../runtime/index.ts';
import { claimLatencies } from '../instance-claim/latencies.ts';
import { poolActions } from '../report-actions.ts';
import { createSources, viewsOf } from '../stores.ts';
import { createDiscoveryMetrics } from './discovery-metrics.ts';
import { exposePoolMetrics } from './pool-metrics.ts';
import { reportPools } from './pool-report.ts';

/** Caches that hold what they are given. */
function aWorld(...objects: AnyObject[]) {
  const clock = new FakeClock(Date.parse(timeAt(600)));
  const runtime = createRuntime({ clock });
  const stores = new Map<string, ObjectStore<AnyObject>>();
  const caches = {
    add: (resource: Resource<AnyObject>, options: CacheOptions<AnyObject> = {}) => {
      const store = new ObjectStore({ resource, runtime, indexes: options.indexes });
      stores.set(resource.kind, store);
      return store;
    },
  } as unknown as Caches;
  const sources = createSources(caches);
  for (const object of objects) stores.get(object.kind)!.take('ADDED', object);
  const context = { runtime, stores: viewsOf(sources) };
  let working = true;
  exposePoolMetrics({ context, sources, isWorking: () => working });
  return {
    clock,
    runtime,
    stores: context.stores,
    remove: (object: AnyObject) => stores.get(object.kind)!.take('DELETED', object),
    standBy: () => {
      working = false;
    },
    scrape: async (name: string) =>
      (await runtime.metrics.expose())
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`))
        .map((line) => line.slice(name.length)),
  };
}

const pool = anInstancePool({ scaling: { minFree: 2, maxFree: 4, maxTotal: 10 } });
const claim = anInstanceClaim({ name: 'served' });
const members = [
  aPoolInstance({ ordinal: 0 }),
  aPoolInstance({ ordinal: 1 }),
  aPoolInstance({
    ordinal: 2,
    spec: { claimRef: claimRefTo(claim) },
    status: { phase: 'Claimed' },
  }),
  aPoolInstance({
    ordinal: 3,
    status: {
      phase: 'Creating',
      attempts: 2,
      lastError: { code: 'AllocationFailed', message: 'no capacity', time: timeAt(500) },
      operation: { type: 'Create', url: 'https://x/1', startedAt: timeAt(480) },
      history: [{ time: timeAt(480), from: 'Pending', to: 'Creating', because: 'wanted' }],
    },
  }),
];

describe('the metrics of the pools', () => {
  it('count members by state, zeros included', async () => {
    const { scrape } = aWorld(pool, claim, ...members, aVolumePool(), aPoolVolume());
    const lines = await scrape('poolkeeper_pool_members');
    const labels = 'kind="InstancePool",namespace="stories",pool="boxes"';
    assert.ok(lines.includes(`{${labels},state="free"} 2`));
    assert.ok(lines.includes(`{${labels},state="claimed"} 1`));
    assert.ok(lines.includes(`{${labels},state="creating"} 1`));
    assert.ok(lines.includes(`{${labels},state="failed"} 0`));
    assert.ok(lines.some((line) => line.includes('VolumePool') && line.endsWith('"free"} 1')));
  });

  it('tell limits, waiting claims and how long the first has waited', async () => {
    const early = anInstanceClaim({ name: 'b', metadata: { creationTimestamp: timeAt(0) } });
    const late = anInstanceClaim({ name: 'a', metadata: { creationTimestamp: timeAt(300) } });
    const { scrape } = aWorld(pool, claim, late, early, ...members);
    assert.ok((await scrape('poolkeeper_pool_limits')).some((l) => l.includes('"maxTotal"} 10')));
    assert.match((await scrape('poolkeeper_pool_waiting_claims')).join(), /} 2$/);
    assert.match((await scrape('poolkeeper_pool_longest_wait_seconds')).join(), /} 600$/);
  });

  it('of a deleted pool vanish, whatever kind of metric they are', async () => {
    const { scrape, remove, runtime } = aWorld(pool, ...members);
    const labels = { kind: 'InstancePool', namespace: 'stories', pool: 'boxes' };
    poolActions(runtime.metrics).increment({ ...labels, action: 'Create' });
    const { namespace } = labels;
    claimLatencies(runtime.metrics).bind.observe(1, { namespace, pool: 'boxes', start: 'warm' });
    assert.equal((await scrape('poolkeeper_pool_ready')).length, 1);
    remove(pool);
    for (const name of [
      'poolkeeper_pool_members',
      'poolkeeper_pool_ready',
      'poolkeeper_pool_actions_total',
      'poolkeeper_claim_bind_duration_seconds_count',
    ]) {
      assert.deepEqual(await scrape(name), [], name);
    }
  });

  it('are silent on a standby, so that sums over replicas are right', async () => {
    const { scrape, standBy } = aWorld(pool, ...members);
    standBy();
    assert.deepEqual(await scrape('poolkeeper_pool_members'), []);
  });
});

describe('the report of the pools', () => {
  it('shows configuration, states with ages, waiting claims in order, operations and failures', () => {
    const waiting = anInstanceClaim({ name: 'bob', metadata: { creationTimestamp: timeAt(540) } });
    const { stores, clock } = aWorld(pool, claim, waiting, ...members);
    const [report] = reportPools(stores, {}, clock.now()) as Record<string, never>[];
    const { configuration, members: states, waitingClaims, operations, failures } = report!;
    assert.partialDeepStrictEqual(configuration, {
      azure: { location: 'westeurope' },
      scaling: { minFree: 2, maxTotal: 10 },
      warmState: 'Running',
      template: { vmSizes: ['Standard_D2s_v5'] },
    });
    assert.partialDeepStrictEqual(states, {
      total: 4,
      free: { count: 2 },
      creating: { count: 1, oldestSeconds: 120 },
      failed: { count: 0 },
    });
    assert.partialDeepStrictEqual(waitingClaims, [
      { position: 1, name: 'stories/bob', waitsForSeconds: 60 },
    ]);
    assert.partialDeepStrictEqual(operations, [
      { name: 'boxes-3', operation: { type: 'Create', runsForSeconds: 120 } },
    ]);
    assert.partialDeepStrictEqual(failures, {
      members: [{ name: 'boxes-3', attempts: 2, lastError: { code: 'AllocationFailed' } }],
    });
  });

  it('lists members one by one for the pool that was asked for', () => {
    const { stores, clock } = aWorld(pool, anInstancePool({ name: 'other' }), ...members);
    const found = reportPools(stores, { namespace: 'stories', name: 'boxes' }, clock.now());
    assert.equal(found.length, 1);
    assert.equal((found[0] as { list: unknown[] }).list.length, 4);
    const all = reportPools(stores, {}, clock.now());
    assert.equal(all.length, 2);
    assert.ok(!('list' in all[0]!));
    assert.deepEqual(reportPools(stores, { namespace: 'elsewhere' }, clock.now()), []);
  });

  it('shows no script, no user data and no key', () => {
    const secretive = anInstancePool({
      spec: {
        template: {
          ...instanceTemplate,
          adminUsername: 'hunter2',
          userData: { type: 'Inline', inline: { text: 'password: hunter2' } },
          tags: { note: 'hunter2' },
        },
        hooks: { onClaim: { script: 'echo hunter2' } },
      },
    });
    const { stores, clock } = aWorld(secretive, ...members);
    const shown = JSON.stringify(reportPools(stores, { name: 'boxes' }, clock.now()));
    assert.doesNotMatch(shown, /hunter2|ssh-ed25519/);
    assert.match(shown, /"userData":"Inline"/);
    assert.match(shown, /"onClaim":true/);
  });
});

describe('the metrics of discovery', () => {
  it('tell the age of the last complete pass and the lag of what is new', async () => {
    const { runtime, clock, scrape } = aWorld();
    const metrics = createDiscoveryMetrics(runtime, (uid) =>
      uid === 'b' ? timeAt(650) : timeAt(0),
    );
    const pass = { subscriptionId: 'sub', durationSeconds: 1 };
    metrics.passEnded({ ...pass, uids: ['a'] });
    await clock.advance(60_000);
    metrics.passEnded({ ...pass, uids: ['a', 'b'] });
    await clock.advance(60_000);
    metrics.passEnded({ ...pass, uids: [], error: 'Unavailable' });
    assert.deepEqual(await scrape('poolkeeper_discovery_age_seconds'), ['{subscription="sub"} 60']);
    assert.deepEqual(await scrape('poolkeeper_resource_graph_lag_seconds_count'), [
      '{subscription="sub"} 1',
    ]);
    assert.deepEqual(await scrape('poolkeeper_resource_graph_lag_seconds_sum'), [
      '{subscription="sub"} 10',
    ]);
    assert.deepEqual(await scrape('poolkeeper_discovery_passes_total'), [
      '{subscription="sub",result="complete"} 2',
      '{subscription="sub",result="failed"} 1',
    ]);
  });
});
