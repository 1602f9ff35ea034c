// Pools under Azure's real budgets, in small; `test/bench/fill.ts` and `burst.ts` do it in large.
// Operations take a fiftieth of their real time while the token buckets refill in real time: an
// operator that paces itself here does so anywhere.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { instanceClaims } from '../../src/api/resources.ts';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from './pools-world.ts';

const COUNT = 15;
const patience = { withinSeconds: 60 };

let world: PoolsWorld;
afterEach(() => world.stop());

async function begin(): Promise<void> {
  world = await PoolsWorld.start({ speed: 50, azure: { throttling: { scale: 1 } } });
}

function machines() {
  return world.running.azure.cloud.resources.ofKind('virtualMachine');
}

test('a pool fills within the budgets, and a burst of claims waits for no write to Azure', async () => {
  await begin();
  const { azure } = world.running;
  await world.createInstancePool('boxes', {
    scaling: { minFree: COUNT, maxFree: COUNT, maxTotal: 2 * COUNT },
  });
  await world.untilFree('boxes', COUNT, 'stories', patience);
  assert.deepEqual(
    azure.requests().filter(({ status }) => status === 429),
    [],
  );

  // Machines are tagged with whose they are, in the end; nobody waits for that.
  world.fault({
    match: { operation: 'virtualMachines.update' },
    effect: { type: 'error', status: 500 },
  });
  await Promise.all(Array.from({ length: COUNT }, (_, index) => world.claim(`claim-${index}`)));
  const claims = await eventually(
    'all claims are Ready',
    async () => {
      const found = await world.client.list(instanceClaims, { namespace: 'stories' });
      return found.every(({ status }) => status?.phase === 'Ready') && found;
    },
    { ...patience, because: () => world.picture() },
  );
  const given = claims.map(({ status }) => status?.instance?.resourceId?.split('/').at(-1) ?? '');
  assert.equal(new Set(given).size, COUNT, 'every claim has a machine of its own');
  azure.faults.clear();
  await eventually(
    'every machine says whose it is',
    () => {
      const owners = new Set(machines().map(({ tags }) => tags['poolkeeper:claim-uid']));
      return claims.every(({ metadata }) => owners.has(metadata.uid));
    },
    patience,
  );
});

test('a misbehaving Azure neither makes a pool too large nor leaves anything behind', async () => {
  await begin();
  const { azure } = world.running;
  const match = { operation: 'virtualMachines.createOrUpdate' };
  const throttled = { type: 'error', status: 429, retryAfterSeconds: 1 } as const;
  world.fault({ match, skip: 1, times: 1, effect: throttled });
  world.fault({ match, skip: 3, times: 2, effect: { type: 'error', status: 500 } });
  world.fault({ match, skip: 6, times: 2, effect: { type: 'timeout', applied: true } });
  const late = { type: 'graphLag', seconds: 120 } as const;
  world.fault({ match: { operation: 'resourceGraph.index' }, effect: late });
  azure.capacity.setLimits([{ zone: '1', machines: 0 }]);
  const maxTotal = COUNT + 2;
  const handle = azure.handle.bind(azure);
  let most = 0;
  azure.handle = (request) => {
    const answer = handle(request);
    most = Math.max(most, machines().length);
    return answer;
  };
  await world.createInstancePool('boxes', {
    scaling: { minFree: COUNT, maxFree: COUNT, maxTotal, discoveryInterval: '5s' },
    azure: { zones: ['1', '2', '3'] },
  });
  await world.untilFree('boxes', COUNT, 'stories', patience);
  await world.untilAccounted(patience);
  assert.ok(most <= maxTotal, `${most} machines at once, ${maxTotal} are allowed`);
  assert.ok(machines().every(({ zones }) => zones?.[0] !== '1'));
});
