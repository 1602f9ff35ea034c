// An NFS export on a node, through the agent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIBIBYTE, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import { mountPath, World } from './agent-world.ts';

async function aWorld(): Promise<{ world: World; network: SimulatedNetwork }> {
  const network = new SimulatedNetwork();
  network.addNfsServer('nfs.example', {
    '/data': { sizeBytes: 500 * GIBIBYTE, usedBytes: 100 * GIBIBYTE },
    '/private': { sizeBytes: GIBIBYTE, denied: true },
  });
  const world = new World({ network });
  await world.prepare();
  world.startAgent();
  return { world, network };
}

test('an export is mounted, measured, and unmounted again', async () => {
  const { world } = await aWorld();
  await world.createNfsMount('/data');
  const mount = await world.untilPhase('Mounted');
  assert.equal(mount.status?.filesystem?.source, 'nfs.example:/data');
  assert.equal(mount.status?.sizeBytes, 500 * GIBIBYTE);
  await world.deleteMount();
  await world.untilPhase('Released');
  assert.equal(await world.host.listDirectory(mountPath), undefined);
  await world.stop();
});

test('a refused export says so in the words of the server, and is tried again', async () => {
  const { world } = await aWorld();
  await world.createNfsMount('/private');
  const mount = await world.untilPhase('Failed');
  assert.match(world.condition(mount, 'Ready')?.message ?? '', /exit code 32.*access denied/);
  assert.equal(world.condition(mount, 'Mounted')?.reason, 'MountFailed');
  assert.ok((mount.status?.attempts ?? 0) >= 3);
  await world.stop();
});

test('a server that went away blocks neither the agent nor the deletion', async () => {
  const { world, network } = await aWorld();
  await world.createNfsMount('/data');
  await world.untilPhase('Mounted');
  network.nfsServers.get('nfs.example')!.state = 'hung';
  world.host.machine.speed = 1;
  await world.settle(120);
  await world.deleteMount();
  await world.untilPhase('Released');
  const ways = world.host.commands.filter(({ argv }) => argv[0] === 'umount');
  assert.deepEqual(
    ways.map(({ argv }) => argv.slice(1, -1)),
    [[], ['-f']],
  );
  await world.stop();
});
