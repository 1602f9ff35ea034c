// An NFS export on a node, through the agent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeMounts } from '../../src/api/resources.ts';
import { GIBIBYTE, runOf, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import { mountPath, World } from './agent-world.ts';

async function aWorld() {
  const network = new SimulatedNetwork();
  const server = network.addNfsServer('nfs.example', {
    '/data': { sizeBytes: 500 * GIBIBYTE, usedBytes: 100 * GIBIBYTE },
    '/private': { sizeBytes: GIBIBYTE, denied: true },
  });
  network.addNfsServer('old.example', { '/data': { sizeBytes: GIBIBYTE } }, ['3']);
  const world = new World({ network });
  await world.prepare();
  world.startAgent();
  return { world, network, server };
}

const umounts = (world: World): (readonly string[])[] =>
  world.host.commands
    .filter(({ argv }) => argv[0] === 'umount')
    .map(({ argv }) => argv.slice(1, -1));

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

test('version 3 is mounted as such', async () => {
  const { world } = await aWorld();
  const nfs = { server: 'old.example', exportPath: '/data', version: '3', options: ['nolock'] };
  await world.createAny('data-node-1', { type: 'nfs', nfs });
  const mount = await world.untilPhase('Mounted');
  assert.equal(mount.status?.filesystem?.type, 'nfs');
  const command = mount.status?.commands.find((one) => one.command.startsWith('mount '));
  assert.match(command?.command ?? '', /nfsvers=3,.*nolock,nosuid,nodev/);
  await world.stop();
});

describe('every failure is translated, and the tool quoted', () => {
  const cases: Record<string, { says: string; exitCode?: number; want: string; message: RegExp }> =
    {
      'a client that is not on the list': {
        says: 'mount.nfs: access denied by server while mounting nfs.example:/data',
        want: 'AccessDenied',
        message:
          /NFS mount failed on node-1: access denied by server; check the export's client list/,
      },
      'a path that is not exported': {
        says: 'mount.nfs: mounting nfs.example:/data failed, reason given by server: No such file or directory',
        want: 'NotExported',
        message: /does not export this path/,
      },
      'a server without the version': {
        says: 'mount.nfs: Protocol not supported for nfs.example:/data on /x',
        want: 'VersionUnsupported',
        message: /spec\.nfs\.version/,
      },
      'a newer way to say the same': {
        says: 'mount.nfs: requested NFS version or transport protocol is not supported for /x',
        want: 'VersionUnsupported',
        message: /spec\.nfs\.version/,
      },
      'a server that is down': {
        says: 'mount.nfs: Connection refused for nfs.example:/data on /x',
        want: 'ConnectionRefused',
        message: /refused the connection/,
      },
      'a firewall': {
        says: 'mount.nfs: Connection timed out for nfs.example:/data on /x',
        want: 'ConnectionTimedOut',
        message: /did not answer in time/,
      },
      'no route': {
        says: 'mount.nfs: No route to host for nfs.example:/data on /x',
        want: 'HostUnreachable',
        message: /routes and firewalls/,
      },
      'a name without an address': {
        says: 'mount.nfs: Failed to resolve server nfs.example: Name or service not known',
        want: 'NameNotResolved',
        message: /DNS/,
      },
      'a node without rpc.statd': {
        says: "mount.nfs: rpc.statd is not running but is required for remote locking.\nmount.nfs: Either use '-o nolock' to keep locks local, or start statd.\nmount.nfs: Operation not permitted for nfs.example:/data on /x",
        want: 'PrerequisitesMissing',
        message: /rpc\.statd; start it on the node/,
      },
      'a node without the helper': {
        says: 'mount: /x: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.',
        want: 'PrerequisitesMissing',
        message: /install nfs-common/,
      },
      'an option that nobody knows': {
        says: 'mount.nfs: an incorrect mount option was specified for /x',
        want: 'InvalidSpec',
        message: /spec\.nfs\.options/,
      },
      'words that nobody knows': {
        says: 'mount.nfs: the moon is in the wrong house',
        want: 'MountFailed',
        message:
          /NFS mount failed on node-1: `mount .*` failed with exit code 32: mount\.nfs: the moon/,
      },
      'no words at all': { says: '', want: 'MountFailed', message: /no output/ },
    };
  for (const [title, { says, want, message }] of Object.entries(cases))
    test(title, async () => {
      const { world } = await aWorld();
      const effect = { type: 'fail', exitCode: 32, stderr: `${says}\n` } as const;
      world.host.faults.add({ matches: runOf('mount', 'nfs'), effect, times: 1000 });
      await world.createNfsMount('/data');
      const mount = await world.untilPhase('Failed');
      const ready = world.condition(mount, 'Ready');
      assert.match(ready?.message ?? '', message);
      assert.equal(ready?.reason, want);
      assert.equal(world.condition(mount, 'Mounted')?.reason, 'MountFailed');
      assert.ok((mount.status?.attempts ?? 0) >= 3, 'it is tried again');
      await world.stop();
    });
});

test('a refused export is mounted once the server lets the node in', async () => {
  const { world, server } = await aWorld();
  await world.createNfsMount('/private');
  await world.untilPhase('Failed');
  server.exports.get('/private')!.denied = false;
  await world.untilPhase('Mounted');
  await world.stop();
});

describe('a server that goes away', () => {
  test('makes it Unknown with the time, is not asked twice at once, and is back when it answers', async () => {
    const { world, server } = await aWorld();
    world.host.machine.speed = 1;
    await world.createNfsMount('/data');
    await world.untilPhase('Mounted');
    server.state = 'hung';
    const mount = await world.untilPhase('Unknown');
    const ready = world.condition(mount, 'Ready');
    assert.equal(ready?.status, 'Unknown');
    assert.equal(ready?.reason, 'ServerNotResponding');
    assert.match(ready?.message ?? '', /has not answered since 2026-/);
    assert.equal(world.condition(mount, 'Mounted')?.status, 'Unknown');
    const { resourceVersion } = mount.metadata;
    await world.settle(300);
    assert.equal((await world.mount())?.metadata.resourceVersion, resourceVersion, 'said once');
    server.state = 'up';
    await world.untilPhase('Mounted');
    await world.stop();
  });

  test('a question that not even a kill ends is the only one', async () => {
    const { world } = await aWorld();
    await world.createNfsMount('/data');
    await world.untilPhase('Mounted');
    const effect = { type: 'stuck' } as const;
    world.host.faults.add({ matches: runOf('stat', '-f'), effect, times: 1000 });
    await world.untilPhase('Unknown');
    const asked = (): number => world.host.commands.filter(({ argv }) => argv[0] === 'stat').length;
    const before = asked();
    await world.settle(600);
    assert.equal(asked(), before);
    await world.stop();
  });

  test('blocks neither the agent nor the deletion', async () => {
    const { world, server } = await aWorld();
    await world.createNfsMount('/data');
    await world.untilPhase('Mounted');
    server.state = 'hung';
    world.host.machine.speed = 1;
    await world.settle(120);
    await world.deleteMount();
    await world.untilPhase('Released');
    assert.deepEqual(umounts(world), [[], ['-f']]);
    await world.stop();
  });

  test('is detached at last, which is recorded', async () => {
    const { world, server } = await aWorld();
    await world.createNfsMount('/data');
    await world.untilPhase('Mounted');
    server.state = 'hung';
    world.host.machine.speed = 1;
    world.host.machine.busyTargets.add(mountPath);
    await world.deleteMount();
    const mount = await world.untilPhase('Released');
    assert.deepEqual(umounts(world), [[], ['-f'], ['-l']]);
    assert.match(mount.status?.leftBehind.join() ?? '', /detached although its server/);
    await world.stop();
  });
});

test('a server that answers is not torn from its users: deletion waits and names them', async () => {
  const { world } = await aWorld();
  await world.createNfsMount('/data');
  await world.untilPhase('Mounted');
  world.host.machine.busyTargets.add(mountPath);
  await world.deleteMount();
  await world.until('it says who', async () => {
    const done = world.condition(await world.mount(), 'CleanedUp');
    return /used by .*4242.*bash/.test(done?.message ?? '');
  });
  assert.equal(world.condition(await world.mount(), 'CleanedUp')?.reason, 'CleanupBlocked');
  assert.ok(
    umounts(world).every((flags) => flags.length === 0),
    'never by force',
  );
  world.host.machine.busyTargets.clear();
  await world.untilPhase('Released');
  await world.stop();
});

test('an export that was made anew is mounted anew', async () => {
  const { world, server } = await aWorld();
  await world.createNfsMount('/data');
  await world.untilPhase('Mounted');
  server.exports.get('/data')!.generation++;
  const mounted = (): number =>
    world.host.commands.filter(({ argv, exitCode }) => argv[0] === 'mount' && exitCode === 0)
      .length;
  await world.until('mounted again', () => mounted() === 2);
  await world.untilPhase('Mounted');
  await world.stop();
});

describe('changed options', () => {
  const change = (world: World) =>
    world.user.client.mergePatch(
      nodeMounts,
      { namespace: 'default', name: 'data-node-1' },
      { spec: { nfs: { options: ['nconnect=4'] } } },
    );

  test('count after mounting anew', async () => {
    const { world } = await aWorld();
    await world.createNfsMount('/data');
    await world.untilPhase('Mounted');
    await change(world);
    await world.until(
      'mounted with them',
      () => world.host.machine.mountAt(mountPath)?.options.includes('nconnect=4') === true,
    );
    await world.untilPhase('Mounted');
    await world.stop();
  });

  test('wait while a process uses the mount, which stays Ready', async () => {
    const { world } = await aWorld();
    await world.createNfsMount('/data');
    await world.untilPhase('Mounted');
    world.host.machine.busyTargets.add(mountPath);
    await change(world);
    await world.until('it says so', async () => {
      const ready = world.condition(await world.mount(), 'Ready');
      return ready?.reason === 'RemountPending';
    });
    const mount = await world.mount();
    assert.equal(mount?.status?.phase, 'Mounted');
    assert.equal(world.condition(mount, 'Ready')?.status, 'True');
    assert.match(world.condition(mount, 'Ready')?.message ?? '', /4242.*bash/);
    world.host.machine.busyTargets.clear();
    await world.until(
      'mounted with them',
      () => world.host.machine.mountAt(mountPath)?.options.includes('nconnect=4') === true,
    );
    await world.stop();
  });
});
