// Pools that are offered to pods: PersistentVolumes, their StorageClass, and what protects them.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { nodes, persistentVolumes, storageClasses } from '../../src/api/built-in.ts';
import { GIBIBYTE } from '../../src/local/hosts/index.ts';
import { NodesWorld } from './storage-nodes-world.ts';

let world: NodesWorld;

beforeEach(() => {
  world = new NodesWorld();
  world.network.addNfsServer('nfs.example', { '/data': { sizeBytes: 500 * GIBIBYTE } });
});

afterEach(() => world.end());

const expose = { storageClassName: 'fast-local' };
const localPool = { type: 'local', local: { path: '/mnt/data' }, expose };
const nfsPool = { type: 'nfs', nfs: { server: 'nfs.example', exportPath: '/data' }, expose };

const volumes = () => world.user.client.list(persistentVolumes);
const storageClass = (name = 'fast-local') => world.user.client.get(storageClasses, { name });

async function twoNodes(): Promise<void> {
  await world.begin(['node-1', 'node-2']);
  for (const host of world.hosts.values()) await host.makeDirectory('/mnt/data');
}

/** What Kubernetes' own binder does. */
async function bind(name: string, claim = 'app-data'): Promise<void> {
  const spec = { claimRef: { namespace: 'default', name: claim, uid: 'claim-uid' } };
  await world.user.client.mergePatch(persistentVolumes, { name }, { spec });
  const status = { phase: 'Bound' };
  await world.user.client.mergePatch(
    persistentVolumes,
    { name },
    { status },
    { subresource: 'status' },
  );
}

async function release(name: string): Promise<void> {
  await world.user.client.mergePatch(
    persistentVolumes,
    { name },
    { status: { phase: 'Released' } },
    { subresource: 'status' },
  );
}

test('a local pool is one volume per node, only for pods of that node', async () => {
  await twoNodes();
  const pool = await world.createPool(localPool);
  await world.untilSays('Exposed', /^2 PersistentVolumes of class fast-local, 0 in use$/);
  const [one] = (await volumes()).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  assert.match(one?.metadata.name ?? '', /^default-data-node-1-[0-9a-f]{10}$/);
  assert.equal(one?.metadata.labels?.['poolkeeper.dev/pool-uid'], pool.metadata.uid);
  assert.equal(one?.spec?.local?.path, '/mnt/data');
  assert.equal(one?.spec?.persistentVolumeReclaimPolicy, 'Retain');
  assert.match(one?.spec?.capacity?.storage ?? '', /^\d+Mi$/);
  const [term] = one?.spec?.nodeAffinity?.required.nodeSelectorTerms ?? [];
  assert.deepEqual(term?.matchExpressions, [
    { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] },
  ]);
  const made = await storageClass();
  assert.equal(made?.provisioner, 'kubernetes.io/no-provisioner');
  assert.equal(made?.volumeBindingMode, 'WaitForFirstConsumer');
});

test('an export is one volume that every node can mount', async () => {
  await twoNodes();
  await world.createPool({ ...nfsPool, nfs: { ...nfsPool.nfs, options: ['nconnect=4'] } });
  await world.untilSays('Exposed', /^1 PersistentVolume of class fast-local/);
  const [volume] = await volumes();
  assert.deepEqual(volume?.spec?.nfs, { server: 'nfs.example', path: '/data' });
  assert.deepEqual(volume?.spec?.mountOptions, ['nfsvers=4.1', 'nconnect=4', 'nosuid', 'nodev']);
  assert.ok(volume?.spec?.accessModes?.includes('ReadWriteMany'));
});

test('it writes nothing once all is there, also when nobody has bound anything', async () => {
  await twoNodes();
  await world.createPool(localPool);
  await world.untilSays('Exposed', /^2 /);
  await world.world.clock.advance(60_000);
  world.operator.writes.length = 0;
  await world.world.clock.advance(300_000);
  assert.equal(world.operator.writes.join(', '), '');
});

describe('what a claim holds is protected', () => {
  test('deleting the pool waits, naming the claim, and nothing is unmounted', async () => {
    await twoNodes();
    await world.createPool(nfsPool);
    await world.untilSays('Exposed', /^1 /);
    const [volume] = await volumes();
    await bind(volume!.metadata.name);
    await world.deletePool();
    await world.untilSays('Deleting', /is bound to claim default\/app-data/);
    assert.equal((await world.condition('Stalled'))?.reason, 'VolumesBound');
    await world.world.settle(120);
    const mountPath = '/var/lib/poolkeeper/mounts/default/data';
    assert.ok(world.hosts.get('node-1')!.machine.mountAt(mountPath), 'still mounted');
    assert.equal((await volumes()).length, 1);
    await release(volume!.metadata.name);
    await world.until('gone', async () => (await world.pool()) === undefined);
    assert.deepEqual(await volumes(), []);
    assert.equal(await storageClass(), undefined);
  });

  test('a node that leaves the selector keeps its volume and mount until then', async () => {
    await twoNodes();
    await world.user.client.mergePatch(
      nodes,
      { name: 'node-2' },
      { metadata: { labels: { old: 'yes' } } },
    );
    await world.createPool(localPool);
    await world.untilSays('Exposed', /^2 /);
    const second = (await volumes()).find(({ metadata }) => metadata.name.includes('node-2'))!;
    await bind(second.metadata.name);
    for (const name of ['node-1'])
      await world.user.client.mergePatch(nodes, { name }, { metadata: { labels: { old: 'no' } } });
    await world.changePool({ nodeSelector: { old: 'no' } });
    await world.untilSays('Exposed', /is bound to claim default\/app-data/);
    assert.equal((await world.mounts()).length, 2);
    await release(second.metadata.name);
    await world.until('one mount', async () => (await world.mounts()).length === 1);
    assert.equal((await volumes()).length, 1);
  });
});

test('a volume that somebody deleted is offered again', async () => {
  await twoNodes();
  await world.createPool(nfsPool);
  await world.untilSays('Exposed', /^1 /);
  const [volume] = await volumes();
  await world.user.client.delete(persistentVolumes, { name: volume!.metadata.name });
  await world.until('there again', async () => (await volumes()).length === 1);
  assert.notEqual((await volumes())[0]?.metadata.uid, volume?.metadata.uid);
});

describe('a StorageClass', () => {
  test('of somebody else is used when it fits, and stays', async () => {
    await twoNodes();
    await world.user.client.create(storageClasses, {
      metadata: { name: 'fast-local' },
      provisioner: 'kubernetes.io/no-provisioner',
    });
    await world.createPool(nfsPool);
    await world.untilSays('Exposed', /^1 /);
    await world.deletePool();
    await world.until('gone', async () => (await world.pool()) === undefined);
    assert.ok(await storageClass());
  });

  test('that is made for something else is not abused', async () => {
    await twoNodes();
    await world.user.client.create(storageClasses, {
      metadata: { name: 'fast-local' },
      provisioner: 'disk.csi.azure.com',
    });
    await world.createPool(nfsPool);
    await world.untilSays(
      'Stalled',
      /StorageClass fast-local is there and makes volumes with disk/,
    );
    assert.deepEqual(await volumes(), []);
  });

  test('that two pools share goes with the second', async () => {
    await twoNodes();
    await world.createPool(nfsPool);
    await world.createPool(localPool, 'scratch');
    await world.untilSays('Exposed', /^1 /);
    await world.untilSays('Exposed', /^2 /, 'scratch');
    await world.deletePool();
    await world.until('gone', async () => (await world.pool()) === undefined);
    assert.ok(await storageClass());
    await world.deletePool('scratch');
    await world.until('gone', async () => (await world.pool('scratch')) === undefined);
    assert.equal(await storageClass(), undefined);
  });
});

test('what is not offered any more is taken back', async () => {
  await twoNodes();
  await world.createPool(nfsPool);
  await world.untilSays('Exposed', /^1 /);
  await world.changePool({ expose: null });
  await world.until('taken back', async () => (await volumes()).length === 0);
  await world.until('without the class', async () => (await storageClass()) === undefined);
  await world.untilPhase('Active');
  assert.equal(await world.condition('Exposed'), undefined);
});

test('edited mount options reach the volume that is there', async () => {
  await twoNodes();
  await world.createPool(nfsPool);
  await world.untilSays('Exposed', /^1 /);
  await world.changePool({ nfs: { version: '4.2', options: ['nconnect=8'] } });
  await world.until('changed', async () => {
    const [volume] = await volumes();
    return volume?.spec?.mountOptions?.join() === 'nfsvers=4.2,nconnect=8,nosuid,nodev';
  });
});

test('a volume that something else holds is named, and by what it is held', async () => {
  await twoNodes();
  await world.createPool(nfsPool);
  await world.untilSays('Exposed', /^1 /);
  const { name } = (await volumes())[0]!.metadata;
  const hold = (finalizers: string[] | null) =>
    world.user.client.mergePatch(persistentVolumes, { name }, { metadata: { finalizers } });
  await hold(['kubernetes.io/pv-protection']);
  await world.deletePool();
  await world.untilSays(
    'Deleting',
    new RegExp(`^waits for PersistentVolume ${name}, which kubernetes.io/pv-protection holds`),
  );
  await hold(null);
  await world.until('gone', async () => (await world.pool()) === undefined);
});

test('one directory is offered to pods by one pool only', async () => {
  await twoNodes();
  await world.createPool(localPool);
  await world.untilSays('Exposed', /^2 /);
  await world.hosts.get('node-1')!.makeDirectory('/mnt/data/below');
  await world.hosts.get('node-2')!.makeDirectory('/mnt/data/below');
  await world.createPool({ ...localPool, local: { path: '/mnt/data/below' } }, 'second');
  await world.untilSays(
    'Stalled',
    /^\/mnt\/data\/below of node-1 is offered to pods already, as \/mnt\/data by PersistentVolume/,
    'second',
  );
  assert.equal((await volumes()).length, 2);
  await world.deletePool();
  await world.untilSays('Exposed', /^2 /, 'second');
});

test('a node that leaves lets go of an export that pods may go on using', async () => {
  await twoNodes();
  const label = (storage: string | null) =>
    world.user.client.mergePatch(nodes, { name: 'node-2' }, { metadata: { labels: { storage } } });
  await label('no');
  await world.createPool(nfsPool);
  await world.untilSays('Exposed', /^1 /);
  const { name } = (await volumes())[0]!.metadata;
  await bind(name);
  await world.user.client.mergePatch(
    nodes,
    { name: 'node-1' },
    { metadata: { labels: { storage: 'yes' } } },
  );
  await world.changePool({ nodeSelector: { storage: 'yes' } });
  await world.until('let go', async () => (await world.mounts()).length === 1);
  assert.equal((await volumes())[0]?.metadata.name, name);
  await world.untilSays('Exposed', /^1 PersistentVolume of class fast-local, 1 in use$/);
});
