// A Ceph filesystem on a node, through the agent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeMounts } from '../../src/api/resources.ts';
import { GIBIBYTE, runOf, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import { mountPath, World } from './agent-world.ts';

const key = 'AQDc1nVlAAAAABAAq3X2Zy9nQy0N1oYJ3bX0hA==';

async function aWorld(credentials: Record<string, string> = { key }) {
  const network = new SimulatedNetwork();
  network.monitorNames.set('mon.example', '10.0.0.1');
  const cluster = network.addCephCluster(
    ['10.0.0.1:3300', '10.0.0.2:3300'],
    { app: key },
    { cephfs: { sizeBytes: 900 * GIBIBYTE, usedBytes: 90 * GIBIBYTE, paths: ['/team'] } },
  );
  const world = new World({ network, credentials });
  await world.prepare();
  world.startAgent();
  return { world, cluster };
}

const branch = (cephfs: object = {}): object => ({
  type: 'cephfs',
  cephfs: {
    monitors: ['10.0.0.1', '10.0.0.2'],
    path: '/team',
    user: 'app',
    credentialsSecretRef: { name: 'ceph' },
    credentialsVersion: '1',
    ...cephfs,
  },
});

test('it is mounted with the key in a file of its own, which is gone afterwards', async () => {
  const { world } = await aWorld();
  const written: string[] = [];
  world.host.faults.add({
    matches: ({ operation, path }) => {
      if (operation === 'writeFile') written.push(path);
      return false;
    },
    effect: { type: 'hang' },
  });
  await world.createAny('data-node-1', branch());
  const mount = await world.untilPhase('Mounted');
  assert.equal(mount.status?.sizeBytes, 900 * GIBIBYTE);
  assert.equal(mount.status?.filesystem?.source, '10.0.0.1:3300,10.0.0.2:3300:/team');
  const command = mount.status?.commands.find((one) => one.command.startsWith('mount '))?.command;
  assert.match(command ?? '', /name=app,fs=cephfs,ms_mode=prefer-crc,recover_session=clean/);
  assert.match(command ?? '', /nosuid,nodev,secretfile=\/run\/poolkeeper\//);
  const file = written.find((path) => path.startsWith('/run/poolkeeper/'))!;
  assert.equal(world.host.machine.fileModes.get(file), 0o600);
  assert.deepEqual(await world.host.listDirectory('/run/poolkeeper'), []);
  for (const text of world.host.machine.root.files.values()) assert.ok(!text.includes(key));
  assert.ok(!JSON.stringify(mount).includes(key));
  assert.ok(world.host.commands.every(({ argv }) => !argv.join(' ').includes(key)));
  await world.deleteMount();
  await world.untilPhase('Released');
  await world.stop();
});

test('monitors may be named: the kernel shows their addresses, and the mount is known for ours', async () => {
  const { world } = await aWorld();
  await world.createAny('data-node-1', branch({ monitors: ['mon.example'] }));
  const mount = await world.untilPhase('Mounted');
  assert.equal(mount.status?.filesystem?.source, '10.0.0.1:3300:/team');
  await world.deleteMount();
  await world.untilPhase('Released');
  assert.equal(await world.host.listDirectory(mountPath), undefined);
  await world.stop();
});

test('a key that an agent left behind when it was killed goes when the next one starts', async () => {
  const { world } = await aWorld();
  const killed = { type: 'lose-agent', moment: 'before' } as const;
  world.host.faults.add({ matches: runOf('mount', '-t'), effect: killed });
  await world.createAny('data-node-1', branch());
  await world.until('killed', () => !world.isAgentAlive);
  assert.equal((await world.host.listDirectory('/run/poolkeeper'))?.length, 1);
  await world.deleteMount();
  world.startAgent();
  await world.untilPhase('Released');
  assert.deepEqual(await world.host.listDirectory('/run/poolkeeper'), []);
  await world.stop();
});

test('an umount that not even SIGKILL ends does not keep it from being detached', async () => {
  const { world, cluster } = await aWorld();
  await world.createAny('data-node-1', branch());
  await world.untilPhase('Mounted');
  world.host.machine.speed = 1;
  cluster.state = 'hung';
  await world.untilPhase('Unknown');
  world.host.faults.add({ matches: runOf('umount', mountPath), effect: { type: 'stuck' } });
  world.host.faults.add({ matches: runOf('umount', '-f'), effect: { type: 'stuck' } });
  await world.deleteMount();
  const mount = await world.untilPhase('Released');
  assert.match(mount.status?.leftBehind.join() ?? '', /was detached although its server did not/);
  const said = mount.status?.commands.find((one) => one.command === `umount ${mountPath}`)?.output;
  assert.match(said ?? '', /does not end although it was killed, and is left behind/);
  await world.stop();
});

describe('what goes wrong is said', () => {
  const cases: Record<
    string,
    { cephfs?: object; credentials?: Record<string, string>; want: string; message: RegExp }
  > = {
    'a wrong key': {
      credentials: { key: 'AQDwrongwrongwrongwrong==' },
      want: 'AuthenticationFailed',
      message:
        /CephFS mount failed on node-1: the cluster refused user or key.*; the kernel: libceph: auth/s,
    },
    'a path that is not there': {
      cephfs: { path: '/nowhere' },
      want: 'NotExported',
      message: /no such path/,
    },
    'a filesystem that is not there': {
      cephfs: { filesystemName: 'other' },
      want: 'ConnectionRefused',
      message: /no metadata server/,
    },
    'monitors that are not there': {
      cephfs: { monitors: ['10.9.9.9'] },
      want: 'ConnectionTimedOut',
      message: /no monitor answered/,
    },
    'a Secret without the key': {
      credentials: { password: 'something' },
      want: 'SecretNotFound',
      message: /lacks key/,
    },
  };
  for (const [title, { cephfs, credentials, want, message }] of Object.entries(cases))
    test(title, async () => {
      const { world } = await aWorld(credentials);
      await world.createAny('data-node-1', branch(cephfs));
      const mount = await world.untilPhase('Failed');
      const ready = world.condition(mount, 'Ready');
      assert.equal(ready?.reason, want);
      assert.match(ready?.message ?? '', message);
      for (const value of Object.values(credentials ?? {}))
        assert.ok(!JSON.stringify(mount).includes(value));
      assert.deepEqual((await world.host.listDirectory('/run/poolkeeper')) ?? [], []);
      await world.stop();
    });
});

test('a new key counts after mounting anew', async () => {
  const { world, cluster } = await aWorld();
  await world.createAny('data-node-1', branch());
  await world.untilPhase('Mounted');
  cluster.users.set('app', 'AQDanotherkeyanotherkey==');
  world.credentials = { key: 'AQDanotherkeyanotherkey==' };
  await world.user.client.mergePatch(
    nodeMounts,
    { namespace: 'default', name: 'data-node-1' },
    { spec: { cephfs: { credentialsVersion: '2' } } },
  );
  const mounted = (): number =>
    world.host.commands.filter(({ argv, exitCode }) => argv[0] === 'mount' && exitCode === 0)
      .length;
  await world.until('mounted again', () => mounted() === 2);
  await world.untilPhase('Mounted');
  await world.stop();
});

test('nothing is unmounted for a new key that can not be had', async () => {
  const { world } = await aWorld();
  await world.createAny('data-node-1', branch());
  await world.untilPhase('Mounted');
  world.credentials = undefined;
  await world.user.client.mergePatch(
    nodeMounts,
    { namespace: 'default', name: 'data-node-1' },
    { spec: { cephfs: { credentialsVersion: '2' } } },
  );
  await world.until('it says so', async () => {
    const ready = world.condition(await world.mount(), 'Ready');
    return ready?.reason === 'RemountPending' && /Nobody could be asked/.test(ready.message);
  });
  assert.equal(world.condition(await world.mount(), 'Ready')?.status, 'True');
  assert.ok(world.host.machine.mountAt(mountPath), 'still mounted');
  world.credentials = { key };
  const mounted = (): number =>
    world.host.commands.filter(({ argv, exitCode }) => argv[0] === 'mount' && exitCode === 0)
      .length;
  await world.until('mounted again', () => mounted() === 2);
  await world.stop();
});

test('a cluster that falls silent makes it Unknown, and it can be deleted', async () => {
  const { world, cluster } = await aWorld();
  world.host.machine.speed = 1;
  await world.createAny('data-node-1', branch());
  await world.untilPhase('Mounted');
  cluster.state = 'hung';
  await world.untilPhase('Unknown');
  await world.deleteMount();
  await world.untilPhase('Released');
  assert.equal(await world.host.listDirectory(mountPath), undefined);
  await world.stop();
});
