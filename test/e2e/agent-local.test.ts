// A directory of the node, watched by the agent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GIBIBYTE, makeFilesystem, runOf } from '../../src/local/hosts/index.ts';
import { blankDisk, World } from './agent-world.ts';

async function aWorld(options: ConstructorParameters<typeof World>[0] = {}) {
  const world = new World(options);
  await world.prepare();
  world.startAgent();
  return world;
}

const branch = (path: string): object => ({ type: 'local', local: { path } });

test('a directory that is there is measured; deletion leaves it and its content alone', async () => {
  const world = await aWorld();
  await world.host.makeDirectory('/mnt/data');
  await world.host.writeFile('/mnt/data/file', 'mine');
  await world.createAny('data-node-1', branch('/mnt/data'));
  const mount = await world.untilPhase('Mounted');
  assert.equal(world.condition(mount, 'Ready')?.message, 'The directory /mnt/data is there.');
  assert.equal(mount.status?.mountPath, '/mnt/data');
  assert.ok((mount.status?.sizeBytes ?? 0) > GIBIBYTE);
  assert.ok(mount.status?.firstMountedAt);
  await world.deleteMount();
  await world.untilPhase('Released');
  assert.equal(await world.host.readFile('/mnt/data/file'), 'mine');
  const changing = world.host.commands.filter(({ argv }) =>
    /^(mkdir|rmdir|mount|umount|chattr)$/.test(argv[0] ?? ''),
  );
  assert.deepEqual(changing, []);
  await world.stop();
});

test('one that is missing is not made: it says what to do, and goes on once it is there', async () => {
  const world = await aWorld();
  await world.createAny('data-node-1', branch('/mnt/data'));
  const mount = await world.untilPhase('Failed');
  const stalled = world.condition(mount, 'Stalled');
  assert.equal(stalled?.reason, 'DirectoryNotFound');
  assert.match(stalled?.message ?? '', /no directory \/mnt\/data on the node: make it there/);
  assert.equal(await world.host.listDirectory('/mnt/data'), undefined);
  await world.host.makeDirectory('/mnt/data');
  await world.untilPhase('Mounted');
  await world.stop();
});

describe('what is refused', () => {
  const cases: Record<string, { path: string; prepare?: (world: World) => void; want: RegExp }> = {
    'a directory of the system': {
      path: '/etc/kubernetes',
      want: /belongs to the operating system/,
    },
    'a link to the system': {
      path: '/mnt/link',
      prepare: ({ host }) => {
        host.machine.root.makeDirectory('/etc/kubernetes');
        host.machine.links.set('/mnt/link', '/etc/kubernetes');
      },
      want: /leads to \/etc\/kubernetes, which belongs to the operating system/,
    },
    'a file': {
      path: '/mnt/file',
      prepare: ({ host }) => host.machine.root.write('/mnt/file', 'text'),
      want: /is no directory/,
    },
    "another pool's mount": {
      path: '/var/lib/poolkeeper/mounts/default/other',
      prepare: ({ host }) =>
        host.machine.root.makeDirectory('/var/lib/poolkeeper/mounts/default/other'),
      want: /where storage pools have their mounts/,
    },
    "the agent's own records": {
      path: '/var/lib/poolkeeper/journal',
      want: /where the agent keeps its records/,
    },
    'the directory above them': {
      path: '/var/lib/poolkeeper',
      want: /where the agent keeps its records/,
    },
    'the mounts of all pools': {
      path: '/var/lib/poolkeeper/mounts',
      prepare: ({ host }) => host.machine.root.makeDirectory('/var/lib/poolkeeper/mounts'),
      want: /where the agent keeps its records/,
    },
    'where containers have their files': {
      path: '/var/lib/rancher/k3s',
      want: /belongs to the operating system/,
    },
  };
  for (const [title, { path, prepare, want }] of Object.entries(cases))
    test(title, async () => {
      const world = await aWorld();
      prepare?.(world);
      await world.createAny('data-node-1', branch(path));
      const mount = await world.untilPhase('Failed');
      assert.match(world.condition(mount, 'Stalled')?.message ?? '', want);
      await world.stop();
    });
});

test('when its filesystem is unmounted, the empty directory below is not taken for it', async () => {
  const disk = blankDisk('data');
  makeFilesystem(disk, 'ext4', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00');
  const world = await aWorld({ disks: [disk] });
  const { machine } = world.host;
  const node = machine.blocks.nodes().find((one) => one.disk === disk)!;
  const mountIt = () => {
    machine.root.makeDirectory('/mnt/data');
    machine.addMount({
      node,
      source: node.path,
      target: '/mnt/data',
      filesystem: 'ext4',
      options: ['rw'],
    });
  };
  mountIt();
  await world.createAny('data-node-1', branch('/mnt/data'));
  await world.untilPhase('Mounted');
  machine.mounts.pop();
  const mount = await world.untilPhase('Failed');
  assert.equal(world.condition(mount, 'Stalled')?.reason, 'MountLost');
  assert.match(
    world.condition(mount, 'Stalled')?.message ?? '',
    /filesystem at \/ now.*\/mnt\/data/,
  );
  mountIt();
  await world.untilPhase('Mounted');
  await world.stop();
});

test('a directory that does not answer is Unknown', async () => {
  const world = await aWorld();
  await world.host.makeDirectory('/mnt/data');
  await world.createAny('data-node-1', branch('/mnt/data'));
  await world.untilPhase('Mounted');
  world.host.faults.add({ matches: runOf('readlink'), effect: { type: 'stuck' }, times: 1000 });
  const mount = await world.untilPhase('Unknown');
  assert.match(world.condition(mount, 'Ready')?.message ?? '', /has not answered since/);
  await world.deleteMount();
  await world.untilPhase('Released');
  await world.stop();
});

test('two pools that watch the same directory do not take it for silent', async () => {
  const world = await aWorld();
  await world.host.makeDirectory('/mnt/data');
  await world.createAny('data-node-1', branch('/mnt/data'));
  const other = { poolRef: { name: 'other', uid: 'other-pool' } };
  await world.createAny('other-node-1', { ...branch('/mnt/data'), ...other });
  const phases = new Set<string>();
  await world.until('both', async () => {
    const both = [await world.mount(), await world.mount('other-node-1')];
    for (const mount of both) phases.add(mount?.status?.phase ?? '');
    return both.every((mount) => mount?.status?.phase === 'Mounted');
  });
  assert.ok(!phases.has('Unknown'), [...phases].join());
  await world.stop();
});

test('an error of its filesystem is not taken for a directory that is gone', async () => {
  const world = await aWorld();
  await world.host.makeDirectory('/mnt/data');
  await world.createAny('data-node-1', branch('/mnt/data'));
  await world.untilPhase('Mounted');
  const stderr = 'readlink: /mnt/data: Stale file handle\n';
  const effect = { type: 'fail', exitCode: 1, stderr } as const;
  world.host.faults.add({ matches: runOf('readlink'), effect, times: 1000 });
  const mount = await world.untilPhase('Unknown');
  assert.match(
    world.condition(mount, 'Ready')?.message ?? '',
    /can't be used: .*Stale file handle/,
  );
  world.host.faults.clear();
  await world.untilPhase('Mounted');
  await world.stop();
});
