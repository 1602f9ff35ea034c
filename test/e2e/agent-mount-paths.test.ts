// Two pools of a node that want the same path, or one above the other: one has it, the other is told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GIBIBYTE, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import { World } from './agent-world.ts';

const root = '/var/lib/poolkeeper/mounts';

async function aWorld() {
  const network = new SimulatedNetwork();
  network.addNfsServer('nfs.example', { '/data': { sizeBytes: 100 * GIBIBYTE } });
  const world = new World({ network });
  await world.prepare();
  world.startAgent();
  return world;
}

const branch = (pool: string, mountPath?: string): object => ({
  type: 'nfs',
  nfs: { server: 'nfs.example', exportPath: '/data' },
  poolRef: { name: pool, uid: `uid-of-${pool}` },
  ...(mountPath !== undefined && { mountPath }),
});

describe('the second pool is refused, and its deletion takes nothing from the first', () => {
  const cases: Record<string, { first?: string; second?: string; at: string }> = {
    'the same path': { first: `${root}/same`, second: `${root}/same`, at: `${root}/same` },
    'below the other': { first: `${root}/a`, second: `${root}/a/b`, at: `${root}/a` },
    'above the other': { first: `${root}/a/b`, second: `${root}/a`, at: `${root}/a/b` },
    'where another is by default': {
      second: `${root}/default/one`,
      at: `${root}/default/one`,
    },
  };
  for (const [title, { first, second, at }] of Object.entries(cases))
    test(title, async () => {
      const world = await aWorld();
      await world.createAny('one-node-1', branch('one', first));
      await world.untilPhase('Mounted', 'one-node-1');
      await world.createAny('two-node-1', branch('two', second));
      const refused = await world.untilPhase('Failed', 'two-node-1');
      const stalled = world.condition(refused, 'Stalled');
      assert.equal(stalled?.reason, 'MountPathInUse');
      assert.ok(stalled?.message.includes(`belongs to StoragePool default/one at ${at},`));
      await world.deleteMount('two-node-1');
      await world.untilPhase('Released', 'two-node-1');
      await world.settle(60);
      assert.ok(world.host.machine.mountAt(at), 'the first is mounted still');
      assert.equal((await world.mount('one-node-1'))?.status?.phase, 'Mounted');
      await world.stop();
    });
});

test('made at the same moment, the older has it; when that goes, the other is mounted', async () => {
  const world = await aWorld();
  await world.createAny('one-node-1', branch('one', `${root}/same`));
  await world.createAny('two-node-1', branch('two', `${root}/same`));
  const phases = async (): Promise<string[]> => {
    const both = [await world.mount('one-node-1'), await world.mount('two-node-1')];
    return both.map((mount) => mount?.status?.phase ?? '');
  };
  await world.until('one of them', async () => (await phases()).sort().join() === 'Failed,Mounted');
  const [first, second] = (await phases())[0] === 'Mounted' ? ['one', 'two'] : ['two', 'one'];
  await world.deleteMount(`${first}-node-1`);
  await world.untilPhase('Released', `${first}-node-1`);
  await world.releaseCleanedUp(`${first}-node-1`);
  await world.untilPhase('Mounted', `${second}-node-1`);
  await world.stop();
});
