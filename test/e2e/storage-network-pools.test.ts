// Pools of network storage on several nodes: per-node state, backends, credentials, moving a unit.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { nodes, persistentVolumes, secrets } from '../../src/api/built-in.ts';
import { storageBackends, storagePools } from '../../src/api/resources.ts';
import {
  GIBIBYTE,
  makeFilesystem,
  type NfsServer,
  runOf,
  SimulatedDisk,
} from '../../src/local/hosts/index.ts';
import { NodesWorld, poolReference } from './storage-nodes-world.ts';

let world: NodesWorld;
let nfs: NfsServer;

beforeEach(() => {
  world = new NodesWorld();
  nfs = world.network.addNfsServer('nfs.example', {
    '/data': { sizeBytes: 500 * GIBIBYTE, usedBytes: 100 * GIBIBYTE },
  });
});

afterEach(() => world.end());

const nfsPool = { type: 'nfs', nfs: { server: 'nfs.example', exportPath: '/data' } };

describe('on every matching node', () => {
  test('each node is counted, and a failure on all of them is told once', async () => {
    nfs.exports.get('/data')!.denied = true;
    await world.begin(['node-1', 'node-2', 'node-3']);
    await world.createPool(nfsPool);
    await world.untilPhase('Failed');
    const ready = await world.condition('Ready');
    assert.match(
      ready?.message ?? '',
      /^failed on all 3 nodes: NFS mount failed: access denied by server; check the export's client list/,
    );
    const { status } = (await world.pool())!;
    assert.deepEqual(
      status?.nodes?.failed.map(({ name }) => name),
      ['node-1', 'node-2', 'node-3'],
    );
    assert.match(status?.nodes?.failed[2]?.message ?? '', /failed on node-3: access denied/);
    nfs.exports.get('/data')!.denied = false;
    await world.untilPhase('Active');
    assert.equal((await world.pool())?.status?.summary?.node, '3/3');
  });

  test('one that fails is named, the others are used', async () => {
    await world.begin(['node-1', 'node-2']);
    world.hosts.get('node-2')!.machine.missingPrograms.add('mount.nfs');
    await world.createPool(nfsPool);
    await world.untilPhase('Degraded');
    await world.untilSays('Ready', /failed on 1 of 2 nodes: node-2: /);
  });

  test('no node matches; one joins; one leaves', async () => {
    await world.begin(['node-1', 'node-2']);
    await world.createPool({ ...nfsPool, nodeSelector: { storage: 'yes' } });
    await world.untilSays('Ready', /^no ready agents match the node selector$/);
    const label = (name: string, storage: string | null) =>
      world.user.client.mergePatch(nodes, { name }, { metadata: { labels: { storage } } });
    await label('node-2', 'yes');
    await world.untilPhase('Active');
    assert.equal((await world.pool())?.status?.summary?.node, '1/1');
    await label('node-1', 'yes');
    await world.until('on both', async () => (await world.pool())?.status?.summary?.node === '2/2');
    await label('node-2', null);
    await world.until('on one', async () => (await world.mounts()).length === 1);
    assert.equal(await world.hosts.get('node-2')!.machine.mountAt(mountPath), undefined);
    await world.changePool({ nodeSelector: null });
    await world.until('on both', async () => (await world.pool())?.status?.summary?.node === '2/2');
    await world.deletePool();
    await world.until('gone', async () => (await world.pool()) === undefined);
    assert.deepEqual(await world.mounts(), []);
  });

  test('a node that leaves and can not let go is named', async () => {
    await world.begin(['node-1', 'node-2'], { storage: 'yes' });
    await world.createPool({ ...nfsPool, nodeSelector: { storage: 'yes' } });
    await world.untilPhase('Active');
    const busy = { type: 'fail', exitCode: 32, stderr: 'umount: target is busy.' } as const;
    const { faults } = world.hosts.get('node-2')!;
    faults.add({ matches: runOf('umount'), effect: busy, times: 1000 });
    await world.user.client.mergePatch(
      nodes,
      { name: 'node-2' },
      { metadata: { labels: { storage: null } } },
    );
    await world.untilSays('Stalled', /^not asked for any more on node-2: .*can't be unmounted/);
    assert.equal((await world.condition('Stalled'))?.reason, 'CleanupBlocked');
    assert.equal((await world.condition('Ready'))?.status, 'True');
    faults.clear();
    await world.until('let go', async () => (await world.mounts()).length === 1);
    await world.until('said', async () => (await world.condition('Stalled')) === undefined);
  });

  test('a node that leaves while its agent is silent is named, and can be given up', async () => {
    await world.begin(['node-1', 'node-2'], { storage: 'yes' });
    await world.createPool({ ...nfsPool, nodeSelector: { storage: 'yes' } });
    await world.untilPhase('Active');
    await world.silence('node-2');
    await world.untilPhase('Degraded');
    await world.user.client.mergePatch(
      nodes,
      { name: 'node-2' },
      { metadata: { labels: { storage: null } } },
    );
    await world.untilSays(
      'Reconciling',
      /^not asked for any more on node-2: waits for the agent of node-2, silent since/,
    );
    await world.user.client.mergePatch(storagePools, poolReference, {
      metadata: { annotations: { 'poolkeeper.dev/forget-node': 'node-2' } },
    });
    await world.until('let go', async () => (await world.mounts()).length === 1);
    assert.match((await world.pool())?.status?.leftBehind.join() ?? '', /node-2: export/);
  });

  test('a server whose size changes with every write is not written about at every look', async () => {
    await world.begin(['node-1']);
    await world.createPool(nfsPool);
    await world.untilPhase('Active');
    await world.world.clock.advance(60_000);
    const version = async () => (await world.mounts())[0]?.metadata.resourceVersion;
    const before = await version();
    const data = nfs.exports.get('/data')! as { sizeBytes: number };
    for (let round = 0; round < 5; round++) {
      data.sizeBytes += GIBIBYTE / 8;
      await world.world.clock.advance(60_000);
    }
    assert.equal(await version(), before);
    data.sizeBytes += 20 * GIBIBYTE;
    await world.until('published', async () => (await version()) !== before);
  });

  test('a server that falls silent makes the pool Unknown on all nodes', async () => {
    await world.begin(['node-1', 'node-2']);
    await world.createPool(nfsPool);
    await world.untilPhase('Active');
    for (const host of world.hosts.values()) host.machine.speed = 1;
    nfs.state = 'hung';
    await world.untilPhase('Unknown');
    assert.equal((await world.condition('Mounted'))?.status, 'Unknown');
    nfs.state = 'up';
    await world.untilPhase('Active');
  });

  test('a local directory is watched where it is, and said where it is missing', async () => {
    await world.begin(['node-1', 'node-2']);
    await world.hosts.get('node-1')!.makeDirectory('/mnt/data');
    await world.createPool({ type: 'local', local: { path: '/mnt/data' } });
    await world.untilSays(
      'Ready',
      /failed on 1 of 2 nodes: node-2: There is no directory \/mnt\/data/,
    );
    await world.hosts.get('node-2')!.makeDirectory('/mnt/data');
    await world.untilPhase('Active');
    await world.deletePool();
    await world.until('gone', async () => (await world.pool()) === undefined);
  });

  test('the pool writes nothing once it is settled', async () => {
    await world.begin(['node-1', 'node-2']);
    await world.createPool(nfsPool);
    await world.untilPhase('Active');
    await world.world.clock.advance(120_000);
    world.operator.writes.length = 0;
    await world.world.clock.advance(600_000);
    assert.equal(world.operator.writes.join(', '), '');
  });
});

const mountPath = '/var/lib/poolkeeper/mounts/default/data';

describe('storage that a backend describes', () => {
  const backend = (spec: object) =>
    world.user.client.create(storageBackends, {
      metadata: { name: 'nas', namespace: 'default' },
      spec,
    } as never);
  const poolSpec = {
    type: 'nfs',
    nfs: { backendRef: { name: 'nas' }, options: ['noatime', 'nconnect=4'] },
  };

  test('is waited for, then mounted as the backend says, with the options of both', async () => {
    await world.begin(['node-1']);
    await world.createPool(poolSpec);
    await world.untilSays('Stalled', /spec\.nfs\.backendRef\.name: no StorageBackend nas/);
    assert.equal((await world.condition('Stalled'))?.reason, 'ReferenceNotFound');
    const options = ['nconnect=4', 'soft'];
    await backend({
      type: 'nfs',
      nfs: { server: 'nfs.example', exportPath: '/data', version: '4.2', options },
    });
    await world.untilPhase('Active');
    const mounted = world.hosts.get('node-1')!.machine.mountAt(mountPath);
    assert.equal(mounted?.source, 'nfs.example:/data');
    for (const option of ['nfsvers=4.2', 'nconnect=4', 'soft', 'noatime'])
      assert.ok(mounted?.options.includes(option), option);
  });

  test('of another type is refused in words', async () => {
    await world.begin(['node-1']);
    await backend({ type: 'http', http: { baseURL: 'http://files.example/' } });
    await world.createPool(poolSpec);
    await world.untilSays('Stalled', /StorageBackend nas is of type http, not nfs/);
  });

  test('that is changed is mounted anew', async () => {
    await world.begin(['node-1']);
    const shared = { server: 'nfs.example', exportPath: '/data' };
    await backend({ type: 'nfs', nfs: shared });
    await world.createPool(poolSpec);
    await world.untilPhase('Active');
    await world.user.client.mergePatch(
      storageBackends,
      { namespace: 'default', name: 'nas' },
      { spec: { nfs: { options: ['actimeo=5'] } } },
    );
    const { machine } = world.hosts.get('node-1')!;
    await world.until(
      'with the new option',
      async () => machine.mountAt(mountPath)?.options.includes('actimeo=5') === true,
    );
    await world.untilPhase('Active');
  });
});

describe('a logical unit', () => {
  const target = 'iqn.2026-01.com.example:data';
  const unit = { portal: '10.0.0.5:3260', target, lun: 0 };
  const iscsiPool = (nodeName: string, more: object = {}) => ({
    type: 'iscsi',
    iscsi: { nodeName, ...unit, ...more },
  });

  function aTarget(chap?: { username: string; password: string }) {
    const units = [{ number: 0, sizeBytes: 2 * GIBIBYTE, serial: 'lun-0' }];
    return world.network.addIscsiTarget(unit.portal, target, units, chap);
  }

  test('moves with its bytes: the new node waits until the old one has logged out', async () => {
    const { initiators } = aTarget();
    await world.begin(['node-1', 'node-2']);
    await world.createPool(iscsiPool('node-1'));
    await world.untilPhase('Active');
    const [one, two] = ['node-1', 'node-2'].map((name) => world.hosts.get(name)!);
    await one!.writeFile(`${mountPath}/precious.txt`, 'keep me');
    let both = 0;
    world.world.runtime.clock.schedule(0, function look() {
      if (initiators.size > 1) both++;
      world.world.runtime.clock.schedule(100, look);
    });
    await world.changePool({ iscsi: { nodeName: 'node-2' } });
    await world.until(
      'there',
      async () => (await two!.readFile(`${mountPath}/precious.txt`)) === 'keep me',
    );
    await world.untilPhase('Active');
    assert.deepEqual([...initiators], ['node-2']);
    assert.equal(both, 0, 'never on both nodes');
    assert.equal((await world.mounts()).length, 1);
  });

  test('of a backend with mutual CHAP is not logged in to by half of the credentials', async () => {
    const chap = { username: 'initiator', password: 'correct-horse' };
    const { initiators } = aTarget(chap);
    await world.begin(['node-1']);
    await world.user.client.create(secrets, {
      metadata: { name: 'chap', namespace: 'default' },
      stringData: chap,
    } as never);
    await world.user.client.create(storageBackends, {
      metadata: { name: 'san', namespace: 'default' },
      spec: {
        type: 'iscsi',
        iscsi: { ...unit, authentication: 'MutualCHAP' },
        credentialsSecretRef: { name: 'chap' },
      },
    } as never);
    const iscsi = { nodeName: 'node-1', backendRef: { name: 'san' } };
    await world.createPool({ type: 'iscsi', iscsi });
    await world.untilSays('Stalled', /Secret chap lacks the key mutualUsername and mutualPassword/);
    assert.deepEqual(await world.mounts(), []);
    assert.equal(initiators.size, 0);
  });

  test('stays where it is while a claim holds its volume, and says which', async () => {
    const { initiators } = aTarget();
    await world.begin(['node-1', 'node-2']);
    await world.createPool({ ...iscsiPool('node-1'), expose: { storageClassName: 'unit' } });
    await world.untilSays('Exposed', /^1 PersistentVolume /);
    const { client } = world.user;
    const { name } = (await client.list(persistentVolumes))[0]!.metadata;
    const claimRef = { namespace: 'default', name: 'app-data', uid: 'claim-uid' };
    await client.mergePatch(persistentVolumes, { name }, { spec: { claimRef } });
    await world.changePool({ iscsi: { nodeName: 'node-2' } });
    await world.untilSays(
      'Stalled',
      /^node-1 has it still: PersistentVolume .* is bound to claim default\/app-data/,
    );
    assert.equal((await world.condition('Stalled'))?.reason, 'VolumesBound');
    assert.deepEqual([...initiators], ['node-1']);
    await client.mergePatch(persistentVolumes, { name }, { spec: { claimRef: null } });
    await world.until('moved', async () => [...initiators].join() === 'node-2');
    await world.untilPhase('Active');
    await world.untilSays('Exposed', /^1 PersistentVolume /);
    const [volume] = await client.list(persistentVolumes);
    assert.match(volume?.metadata.name ?? '', /node-2/);
  });

  test('stays where it is while the new node is not there', async () => {
    aTarget();
    await world.begin(['node-1']);
    await world.createPool(iscsiPool('node-1'));
    await world.untilPhase('Active');
    await world.changePool({ iscsi: { nodeName: 'nod-2' } });
    await world.untilSays('Stalled', /no node nod-2 with an agent; until then it stays on node-1/);
    assert.ok(world.hosts.get('node-1')!.machine.mountAt(mountPath), 'still mounted');
    await world.changePool({ iscsi: { nodeName: 'node-1' } });
    await world.untilPhase('Active');
  });

  test('does not move because a Node object is gone: the machine may still write', async () => {
    const { initiators } = aTarget();
    await world.begin(['node-1', 'node-2']);
    await world.createPool(iscsiPool('node-1'));
    await world.untilPhase('Active');
    await world.silence('node-1');
    await world.user.client.delete(nodes, { name: 'node-1' });
    await world.changePool({ iscsi: { nodeName: 'node-2' } });
    await world.untilSays('Stalled', /does not prove that the machine is off/);
    await world.world.settle(300);
    assert.deepEqual([...initiators], ['node-1'], 'nobody else');
    const annotations = { 'poolkeeper.dev/forget-node': 'node-1' };
    await world.user.client.mergePatch(storagePools, poolReference, { metadata: { annotations } });
    await world.until('on the other node', async () => initiators.has('node-2'));
    await world.untilPhase('Active');
    const { status } = (await world.pool())!;
    assert.match(status?.leftBehind.join() ?? '', /node-1: a session to logical unit 0 of iqn/);
  });

  test('of two pools that name it the first has it, and the other is told who', async () => {
    const { initiators } = aTarget();
    await world.begin(['node-1', 'node-2']);
    await world.createPool(iscsiPool('node-1'));
    await world.untilPhase('Active');
    await world.createPool(iscsiPool('node-2'), 'other');
    await world.untilSays('Stalled', /belongs to StoragePool default\/data on node-1/, 'other');
    await world.world.settle(120);
    assert.deepEqual([...initiators], ['node-1']);
    await world.deletePool();
    await world.untilPhase('Active', 'other');
    assert.deepEqual([...initiators], ['node-2']);
  });

  test('that was never let go of says whose it is, and how to take it', async () => {
    const { logicalUnits } = aTarget();
    const bytes = logicalUnits[0]!.bytes;
    const disk = new SimulatedDisk({ sizeBytes: bytes.sizeBytes, transport: 'iscsi' }, bytes);
    const marker = JSON.stringify({ poolUid: 'of-another-cluster' });
    const uuid = '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00';
    makeFilesystem(disk, 'ext4', uuid, { '/.poolkeeper.json': marker });
    await world.begin(['node-1']);
    await world.createPool(iscsiPool('node-1'));
    await world.untilSays('Stalled', /pool with uid of-another-cluster.*remove .*poolkeeper\.json/);
    await world.hosts.get('node-1')!.removeFile(`${mountPath}/.poolkeeper.json`);
    await world.untilPhase('Active');
  });

  test('is logged in to with what the Secret holds, also when that changes', async () => {
    const chap = { username: 'initiator', password: 'correct-horse-battery' };
    const made = aTarget(chap);
    await world.begin(['node-1']);
    await world.createPool(iscsiPool('node-1', { credentialsSecretRef: { name: 'chap' } }));
    await world.untilSays('Stalled', /credentialsSecretRef\.name: no Secret chap/);
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    await world.user.client.create(secrets, {
      metadata: { name: 'chap', namespace: 'default' },
      data: { username: encode('initiator') },
    });
    await world.untilSays('Stalled', /Secret chap lacks the key password/);
    const reference = { namespace: 'default', name: 'chap' };
    const setPassword = async (password: string) => {
      Object.assign(world.credentials, { username: 'initiator', password });
      const data = { password: encode(password) };
      await world.user.client.mergePatch(secrets, reference, { data });
    };
    await setPassword('correct-horse-battery');
    await world.untilPhase('Active');
    made.chap = { username: 'initiator', password: 'another-secret-now' };
    await setPassword('another-secret-now');
    const logins = (): number =>
      world.hosts
        .get('node-1')!
        .commands.filter(({ argv, exitCode }) => argv.includes('--login') && exitCode === 0).length;
    await world.until('logged in anew', async () => logins() === 2);
    await world.untilPhase('Active');
    const everything = JSON.stringify([
      await world.user.client.list(storagePools),
      await world.mounts(),
    ]);
    assert.doesNotMatch(everything, /correct-horse-battery|another-secret-now/);
  });
});
