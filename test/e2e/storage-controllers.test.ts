// StoragePools from the wish to the mounted array and back, with a real agent on a simulated node and
// the API server's own rules: schemas, finalizers, owner references. Time is the test's.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { nodes } from '../../src/api/built-in.ts';
import type { Condition } from '../../src/api/object.ts';
import { nodeMounts, storagePools } from '../../src/api/resources.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { GIBIBYTE, type SimulatedDisk, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import { blankDisk, hasBlankEnds, World } from './agent-world.ts';
import { StorageOperator } from './storage-operator.ts';

let operator: StorageOperator;
let world: World;
let disk: SimulatedDisk;

async function begin(
  options: { withAgent?: boolean; network?: SimulatedNetwork } = {},
): Promise<void> {
  disk = blankDisk('one');
  const { network } = options;
  world = new World({ disks: [disk, blankDisk('two')], ...(network && { network }) });
  await world.prepare();
  await world.user.client.create(nodes, { metadata: { name: 'node-1' } });
  if (options.withAgent !== false) world.startAgent();
  operator = new StorageOperator();
  await operator.start(world);
  await world.settle();
}

afterEach(async () => {
  await operator.stop();
  await world.stop();
});

const raid1 = {
  type: 'mdadm',
  mdadm: {
    nodeName: 'node-1',
    level: 1,
    source: { type: 'Devices', devices: [{ serial: 'one' }, { serial: 'two' }] },
  },
};

async function createPool(spec: object = raid1): Promise<StoragePool> {
  return world.user.client.create(storagePools, {
    metadata: { name: 'data', namespace: 'default' },
    spec,
  } as never);
}

const reference = { namespace: 'default', name: 'data' };

function pool(): Promise<StoragePool | undefined> {
  return world.user.client.get(storagePools, reference);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let second = 0; second < 300; second++) {
    if (await holds()) return;
    await world.clock.advance(1000);
  }
  assert.fail(`never: ${what}\n${JSON.stringify((await pool())?.status, null, 1)}`);
}

const untilPhase = (phase: string) =>
  until(`phase ${phase}`, async () => (await pool())?.status?.phase === phase);

function find(object: { status?: { conditions: Condition[] } } | undefined, type: string) {
  return object?.status?.conditions.find((condition) => condition.type === type);
}

describe('a storage pool', () => {
  test('becomes an array that is mounted, and everything about it is in its status', async () => {
    await begin();
    await createPool();
    await untilPhase('Active');
    await until('redundant', async () => find(await pool(), 'ArrayHealthy')?.status === 'True');
    const { metadata, status } = (await pool())!;
    assert.deepEqual(metadata.finalizers, ['poolkeeper.dev/children']);
    assert.equal(find({ status: status! }, 'Ready')?.status, 'True');
    assert.equal(status?.mountPath, '/var/lib/poolkeeper/mounts/default/data');
    assert.equal(status?.summary?.node, 'node-1');
    assert.match(status!.summary!.size!, /MiB|GiB/);
    assert.deepEqual(
      status?.drives.map(({ serial }) => serial),
      ['one', 'two'],
    );
    assert.ok(status?.commands.some(({ command }) => command.includes('mdadm --create')));
    assert.ok(status?.activeSince);
    const mount = await world.user.client.get(nodeMounts, { ...reference, name: 'data.node-1' });
    assert.equal(mount?.spec.holdsData, true);
    assert.equal(mount?.metadata.ownerReferences?.[0]?.uid, metadata.uid);
    assert.equal(mount?.metadata.labels?.['poolkeeper.dev/pool'], 'data');
  });

  test('writes nothing once it is settled', async () => {
    await begin();
    await createPool();
    await untilPhase('Active');
    await world.clock.advance(120_000);
    operator.writes.length = 0;
    await world.clock.advance(600_000);
    assert.equal(operator.writes.join(', '), '');
  });

  test('retained, it leaves its bytes; the pool goes only after the node is clean', async () => {
    await begin();
    await createPool();
    await untilPhase('Active');
    await world.user.client.delete(storagePools, reference);
    await until('gone', async () => (await pool()) === undefined);
    assert.deepEqual(await world.user.client.list(nodeMounts), []);
    assert.ok(!hasBlankEnds(disk));
  });

  test('destroyed, it leaves blank disks', async () => {
    await begin();
    await createPool({ ...raid1, deletionPolicy: 'Destroy', confirmDestroy: 'data' });
    await untilPhase('Active');
    await world.user.client.delete(storagePools, reference);
    await until('gone', async () => (await pool()) === undefined);
    assert.ok(hasBlankEnds(disk));
  });

  test('deleted the moment it was made, it goes and leaves nothing', async () => {
    await begin();
    await createPool();
    await world.user.client.delete(storagePools, reference);
    await until('gone', async () => (await pool()) === undefined);
    await until('no mount', async () => (await world.user.client.list(nodeMounts)).length === 0);
    assert.ok(hasBlankEnds(disk));
  });

  test('a mount that somebody deleted is made again and finds its bytes', async () => {
    await begin();
    await createPool({ ...raid1, deletionPolicy: 'Retain' });
    await untilPhase('Active');
    const before = await world.user.client.get(nodeMounts, { ...reference, name: 'data.node-1' });
    await world.user.client.delete(nodeMounts, { ...reference, name: 'data.node-1' });
    await until('another mount', async () => {
      const mount = await world.user.client.get(nodeMounts, { ...reference, name: 'data.node-1' });
      return mount !== undefined && mount.metadata.uid !== before?.metadata.uid;
    });
    await untilPhase('Active');
    assert.equal((await pool())?.status?.array?.uuid, before?.status?.array?.uuid);
  });

  test('with a silent agent it is unknown; heard again, it is what it was', async () => {
    await begin();
    await createPool();
    await untilPhase('Active');
    world.killAgent();
    await untilPhase('Unknown');
    assert.equal(find(await pool(), 'Ready')?.reason, 'AgentNotReady');
    assert.equal(find(await pool(), 'Mounted')?.status, 'Unknown');
    world.startAgent();
    await untilPhase('Active');
  });

  test('its node gone for good, it can be deleted, and what was left behind is told', async () => {
    await begin();
    await createPool();
    await untilPhase('Active');
    world.killAgent();
    await untilPhase('Unknown');
    await world.user.client.delete(storagePools, reference);
    await until('waiting', async () => find(await pool(), 'Deleting')?.reason === 'AgentNotReady');
    await world.user.client.delete(nodes, { name: 'node-1' });
    await until('gone', async () => (await pool()) === undefined);
    await world.settle();
    const events = await world.user.client.list<{ reason: string; note?: string } & StoragePool>({
      ...storagePools,
      group: 'events.k8s.io',
      version: 'v1',
      plural: 'events',
      kind: 'Event',
    } as never);
    const left = events.find(({ reason }) => reason === 'LeftBehind');
    assert.match(
      left!.note!,
      /node node-1 left the cluster; left: node-1: array .* on disks one, two/,
    );
  });

  test('what one pool retained another adopts, with its bytes', async () => {
    await begin();
    await createPool();
    await untilPhase('Active');
    const arrayUUID = (await pool())!.status!.array!.uuid;
    await world.user.client.delete(storagePools, reference);
    await until('gone', async () => (await pool()) === undefined);
    const source = { type: 'Adopt', adopt: { arrayUUID } };
    await createPool({ type: 'mdadm', mdadm: { ...raid1.mdadm, source } });
    await untilPhase('Active');
    const adopted = (await pool())!.status!;
    assert.equal(adopted.array?.uuid, arrayUUID);
    assert.ok(!adopted.commands.some(({ command }) => /--create|mkfs/.test(command)));
  });

  test('an export is mounted on every node, and what denies it is told', async () => {
    const network = new SimulatedNetwork();
    const server = network.addNfsServer('nfs.example', { '/data': { sizeBytes: GIBIBYTE } });
    server.exports.get('/data')!.denied = true;
    await begin({ network });
    await createPool({ type: 'nfs', nfs: { server: 'nfs.example', exportPath: '/data' } });
    await untilPhase('Failed');
    const { message } = find(await pool(), 'Ready')!;
    assert.match(
      message,
      /^NFS mount failed on node-1: access denied by server; check the export's/,
    );
    assert.match(message, /`mount .*` failed with exit code 32: .*access denied/s);
    server.exports.get('/data')!.denied = false;
    await untilPhase('Active');
    assert.equal((await pool())?.status?.summary?.node, '1/1');
    await world.user.client.delete(storagePools, reference);
    await until('gone', async () => (await pool()) === undefined);
  });

  test('what it cannot do it refuses, and goes when it is deleted', async () => {
    await begin();
    await createPool({ type: 'local', local: { path: '/etc/ssl' } });
    await untilPhase('Failed');
    assert.equal(
      find(await pool(), 'Stalled')?.message,
      'spec.local.path: /etc/ssl belongs to the operating system',
    );
    await world.user.client.delete(storagePools, reference);
    await until('gone', async () => (await pool()) === undefined);
  });

  test('a node that does not exist is waited for', async () => {
    await begin({ withAgent: false });
    await createPool();
    await untilPhase('Pending');
    assert.equal(find(await pool(), 'Ready')?.reason, 'AgentNotReady');
    world.startAgent();
    await untilPhase('Active');
  });
});
