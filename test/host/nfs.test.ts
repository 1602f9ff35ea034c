// NFS pools against a real server and the real client: mounted, refused in words, and a server that
// dies while it is in use.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conditionOf, HostWorld, nodeName } from './world.ts';

const server = '10.77.0.1';
let world: HostWorld;
before(async () => {
  world = await HostWorld.boot();
  await world.server('nfs', 'up');
  await world.server('nfs', 'export', 'data', 'rw');
  await world.server('nfs', 'deny', 'private');
  await world.startAgent();
});
after(() => world?.close());

function nfs(exportPath: string, more: object = {}): object {
  const nodeSelector = { 'kubernetes.io/hostname': nodeName };
  return { type: 'nfs', nfs: { server, exportPath, ...more }, nodeSelector };
}

test('an export is mounted, measured, and let go of again', async () => {
  await world.create('data', nfs('/srv/data'));
  const { status } = await world.untilPhase('data', 'Active');
  assert.ok(status!.sizeBytes! > 0 && status!.availableBytes! > 0);
  const { machine } = world;
  const found = await machine.run(`findmnt -n -o FSTYPE,SOURCE,OPTIONS ${status!.mountPath}`);
  assert.match(found, /^nfs4 +10\.77\.0\.1:\/srv\/data .*nosuid,nodev.*vers=4\.1.*hard/);
  await machine.run(`echo precious > ${status!.mountPath}/file`);
  await world.remove('data');
  assert.equal((await machine.try(`findmnt ${status!.mountPath}`)).status, 1);
  assert.equal(await machine.run('cat /srv/nfs-root/srv/data/file'), 'precious\n');
});

const failures: Record<string, { spec: object; reason: string; says: RegExp }> = {
  'a path that is not exported': {
    spec: nfs('/srv/wrong'),
    reason: 'NotExported',
    says: /NFS mount failed on node-1: the server does not export this path to this node.*No such file or directory/,
  },
  // The server of NFS 4 hides from a client what it may not see, as long as it may see anything.
  'an export for other clients': {
    spec: nfs('/srv/private'),
    reason: 'NotExported',
    says: /does not export this path to this node; check the path, the exports and their client lists/,
  },
  // Version 3 asks the port mapper first, and servers of version 4 have none.
  'a version that the server does not speak': {
    spec: nfs('/srv/data', { version: '3', options: ['nolock'] }),
    reason: 'ConnectionRefused',
    says: /the server refused the connection/,
  },
  'an address where nothing listens': {
    spec: nfs('/srv/data', { server: '127.0.0.9', options: ['port=2050'] }),
    reason: 'ConnectionRefused',
    says: /refused the connection/,
  },
  'an address to which no route leads': {
    spec: nfs('/srv/data', { server: '192.0.2.1' }),
    reason: 'HostUnreachable',
    says: /no route leads to the server/,
  },
  "a name that can't be resolved": {
    spec: nfs('/srv/data', { server: 'nowhere.invalid' }),
    reason: 'NameNotResolved',
    says: /name can't be resolved/,
  },
};

describe('refused in words', () => {
  for (const [sentence, { spec, reason, says }] of Object.entries(failures))
    test(sentence, async () => {
      const name = `refused-${reason.toLowerCase()}-${Object.keys(failures).indexOf(sentence)}`;
      await world.create(name, spec);
      const message = await world.untilRefused(name, reason);
      assert.match(message, says);
      await world.remove(name);
    });

  test('a server that has nothing at all for this client', async () => {
    await world.server('nfs', 'deny', 'data');
    await world.create('denied', nfs('/srv/data'));
    const message = await world.untilRefused('denied', 'AccessDenied');
    assert.match(
      message,
      /NFS mount failed on node-1: access denied by server; check the export's client list/,
    );
    await world.server('nfs', 'export', 'data', 'rw');
    await world.untilPhase('denied', 'Active');
    await world.remove('denied');
  });
});

test('once the server lets it in, it is mounted without anybody doing anything', async () => {
  await world.create('late', nfs('/srv/private'));
  await world.untilRefused('late', 'NotExported');
  await world.server('nfs', 'export', 'private', 'rw');
  await world.untilPhase('late', 'Active');
  await world.remove('late');
});

test('a server that dies while it is mounted: Unknown, the agent lives, and it is back with it', async () => {
  await world.create('data', nfs('/srv/data'));
  await world.untilPhase('data', 'Active');
  await world.server('nfs', 'kill');
  const pool = await world.untilPhase('data', 'Unknown');
  assert.equal(conditionOf(pool, 'Ready')?.status, 'Unknown');
  // The agent itself isn't caught by the dead mount: it still does other work.
  await world.create('refused', nfs('/srv/data', { server: '192.0.2.1' }));
  await world.untilRefused('refused', 'HostUnreachable');
  await world.remove('refused');
  await world.server('nfs', 'revive');
  await world.untilPhase('data', 'Active');
});

test('deleted while its server is dead: unmounted all the same', async () => {
  const { status } = await world.untilPhase('data', 'Active');
  await world.server('nfs', 'kill');
  await world.untilPhase('data', 'Unknown');
  await world.remove('data');
  assert.equal((await world.machine.try(`findmnt ${status!.mountPath}`)).status, 1);
});
