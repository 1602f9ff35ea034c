// Storage backends from the wish to the verdict: told when there is news, held while they are used, and
// probed by the agent of a node where only nodes can. Time is the test's.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { nodes, secrets } from '../../src/api/built-in.ts';
import type { Condition } from '../../src/api/object.ts';
import { backendProbes, storageBackends, storagePools } from '../../src/api/resources.ts';
import { GIBIBYTE, runOf, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import { World } from './agent-world.ts';
import { answered, StorageOperator } from './storage-operator.ts';

let operator: StorageOperator;
let world: World;
let network: SimulatedNetwork;

async function begin({
  withAgent = false,
  credentials = {} as Record<string, string>,
} = {}): Promise<void> {
  network = new SimulatedNetwork();
  world = new World({ network });
  world.credentials = credentials;
  await world.prepare();
  await world.user.client.create(nodes, { metadata: { name: 'node-1' } });
  if (withAgent) world.startAgent();
  operator = new StorageOperator();
  await operator.start(world);
  await world.settle();
}

afterEach(async () => {
  await operator.stop();
  await world.stop();
});

const name = { namespace: 'default', name: 'files' };

async function createBackend(spec: object = {}): Promise<void> {
  await world.user.client.create(storageBackends, {
    metadata: { ...name },
    spec: { type: 'http', http: { baseURL: 'http://files.example/' }, ...spec },
  } as never);
  await world.settle();
}

const backend = () => world.user.client.get(storageBackends, name);

function find(object: { status?: { conditions: Condition[] } } | undefined, type: string) {
  return object?.status?.conditions.find((condition) => condition.type === type);
}

async function ask(value: string): Promise<void> {
  const request = { metadata: { annotations: { 'poolkeeper.dev/probe-requested-at': value } } };
  await world.user.client.mergePatch(storageBackends, name, request);
  await world.settle();
}

describe('a storage backend that the operator probes', () => {
  test('is probed every minute and written about only when there is news', async () => {
    await begin();
    await createBackend();
    assert.equal((await backend())?.status?.phase, 'Online');
    operator.writes.length = 0;
    operator.probes.length = 0;
    await world.clock.advance(5 * 60_000);
    assert.ok(operator.probes.length >= 4, `${operator.probes.length} probes`);
    assert.equal(operator.writes.join(', '), '');
    await world.clock.advance(6 * 60_000);
    const written = operator.writes.filter((write) => write.includes('/storagebackends/'));
    assert.equal(written.length, 1, 'the age of the last probe, every ten minutes');
    const message = 'files.example:80 refused the connection';
    const outcome = { type: 'failed', check: 'TCP', code: 'ECONNREFUSED', message } as const;
    operator.observation = { ...answered, outcome };
    await world.clock.advance(70_000);
    assert.equal((await backend())?.status?.phase, 'Offline');
    operator.observation = answered;
    await world.clock.advance(65_000);
    assert.equal((await backend())?.status?.phase, 'Online', 'looked at soon after a failure');
  });

  test('is probed at once when somebody asks, and says that it was', async () => {
    await begin();
    await createBackend({ probeInterval: '24h' });
    operator.probes.length = 0;
    const request = { metadata: { annotations: { 'poolkeeper.dev/probe-requested-at': 'now' } } };
    await world.user.client.mergePatch(storageBackends, name, request);
    await world.settle();
    assert.equal(operator.probes.length, 1);
    assert.equal((await backend())?.status?.lastProbeRequest, 'now');
  });

  test('reads its credentials for every probe and shows them nowhere', async () => {
    await begin();
    const http = { baseURL: 'http://files.example/', authentication: 'Bearer' };
    await createBackend({ http, credentialsSecretRef: { name: 'key' } });
    assert.equal(find(await backend(), 'Ready')?.reason, 'SecretNotFound');
    assert.equal(find(await backend(), 'Stalled')?.status, 'True');
    const token = Buffer.from('hush\n').toString('base64');
    await world.user.client.create(secrets, {
      metadata: { namespace: 'default', name: 'key' },
      data: { token },
    });
    await world.clock.advance(20_000);
    assert.equal((await backend())?.status?.phase, 'Online');
    assert.equal(operator.probes.at(-1)?.authorization, 'Bearer hush');
    assert.ok(!JSON.stringify(await backend()).includes('hush'));
  });

  test('is probed within seconds when its Secret changes, however long its interval', async () => {
    await begin();
    const secret = { namespace: 'default', name: 'key' };
    const data = (token: string) => ({ data: { token: Buffer.from(token).toString('base64') } });
    await world.user.client.create(secrets, { metadata: secret, ...data('old') });
    const http = { baseURL: 'http://files.example/', authentication: 'Bearer' };
    await createBackend({ http, credentialsSecretRef: { name: 'key' }, probeInterval: '24h' });
    operator.probes.length = 0;
    await world.clock.advance(60_000);
    assert.equal(operator.probes.length, 0, 'nothing has changed');
    await world.user.client.mergePatch(secrets, secret, data('new'));
    await world.clock.advance(6_000);
    assert.deepEqual(
      operator.probes.map(({ authorization }) => authorization),
      ['Bearer new'],
    );
    await world.user.client.delete(secrets, secret);
    await world.clock.advance(6_000);
    assert.equal(find(await backend(), 'Ready')?.reason, 'SecretNotFound');
  });

  test('a bundle that holds no certificates is refused before anything is sent', async () => {
    await begin();
    await world.user.client.create(secrets, {
      metadata: { namespace: 'default', name: 'ca' },
      data: { 'ca.crt': Buffer.from('not a certificate').toString('base64') },
    });
    await createBackend({ caBundle: { type: 'Secret', secret: { name: 'ca' } } });
    assert.deepEqual(operator.probes, []);
    assert.match(find(await backend(), 'Stalled')!.message, /does not hold certificates in PEM/);
  });

  test('an address that nothing can have is told, and probed no further', async () => {
    await begin();
    await createBackend({ http: { baseURL: 'http://256.1.1.1/' } });
    assert.deepEqual(operator.probes, []);
    assert.match(
      find(await backend(), 'Stalled')!.message,
      /spec.http.baseURL: http:\/\/256.1.1.1\/ is not the address of anything/,
    );
  });

  test('suspended, it is left alone', async () => {
    await begin();
    await createBackend({ suspend: true });
    assert.equal(find(await backend(), 'Ready')?.reason, 'Suspended');
    await world.clock.advance(300_000);
    assert.deepEqual(operator.probes, []);
  });
});

describe('a storage backend that a node probes', () => {
  const nfs = { server: 'nfs.example', exportPath: '/data' };
  const exported = { '/data': { sizeBytes: 100 * GIBIBYTE, usedBytes: 25 * GIBIBYTE } };
  const phase = async () => (await backend())?.status?.phase;

  test('is mounted for a moment, measured, and nothing is left of it', async () => {
    await begin({ withAgent: true });
    network.addNfsServer('nfs.example', exported);
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.until('Online', async () => (await phase()) === 'Online');
    const status = (await backend())?.status;
    assert.equal(status?.node, 'node-1');
    assert.equal(status?.totalBytes, 100 * GIBIBYTE);
    assert.equal(status?.summary?.used, '25 GiB (25%)');
    assert.deepEqual(
      status?.checks.map(({ name: check, result }) => `${check} ${result}`),
      ['DNS Passed', 'TCP Passed', 'Protocol Passed', 'Mount Passed', 'Capacity Passed'],
    );
    assert.deepEqual(
      world.host.machine.mounts.filter(({ target }) => target.includes('/probes/')),
      [],
    );
  });

  test('is written about only when there is news', async () => {
    await begin({ withAgent: true });
    network.addNfsServer('nfs.example', exported);
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.until('Online', async () => (await phase()) === 'Online');
    const before = await world.user.client.get(backendProbes, name);
    await world.clock.advance(5 * 60_000);
    const after = await world.user.client.get(backendProbes, name);
    assert.equal(after?.metadata.resourceVersion, before?.metadata.resourceVersion);
  });

  test('says what is wrong, and recovers by itself', async () => {
    await begin({ withAgent: true });
    const server = network.addNfsServer('nfs.example', {
      '/data': { sizeBytes: GIBIBYTE, denied: true },
    });
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.until('Error', async () => (await phase()) === 'Error');
    assert.equal(find(await backend(), 'Ready')?.reason, 'AccessDenied');
    assert.match(
      find(await backend(), 'Stalled')?.message ?? '',
      /node-1 can't mount it: access denied by server; check the export's client list/,
    );
    server.exports.get('/data')!.denied = false;
    await ask('mended');
    await world.until('Online', async () => (await phase()) === 'Online');
    assert.equal((await backend())?.status?.lastProbeRequest, 'mended');
  });

  test('of which the server falls silent is Offline, and its agent lives', async () => {
    await begin({ withAgent: true });
    const server = network.addNfsServer('nfs.example', exported);
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.until('Online', async () => (await phase()) === 'Online');
    server.state = 'hung';
    await world.until('Offline', async () => (await phase()) === 'Offline');
    assert.equal((await backend())?.status?.totalBytes, undefined, 'old numbers are not shown');
    server.state = 'up';
    await world.until('Online', async () => (await phase()) === 'Online');
  });

  test('is Unknown without a node that can', async () => {
    await begin();
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.settle();
    assert.equal(await phase(), 'Unknown');
    assert.equal(find(await backend(), 'Ready')?.reason, 'NoProber');
    assert.match(find(await backend(), 'Ready')?.message ?? '', /only nodes probe nfs/);
  });

  test('is Unknown when the node it names is not there, and says so', async () => {
    await begin({ withAgent: true });
    await createBackend({ type: 'nfs', http: undefined, nfs, nodeName: 'node-9' });
    await world.settle();
    assert.match(
      find(await backend(), 'Ready')?.message ?? '',
      /spec.nodeName names node-9, which is not in the cluster/,
    );
  });

  test('does not stay green when its agent dies', async () => {
    await begin({ withAgent: true });
    network.addNfsServer('nfs.example', exported);
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.until('Online', async () => (await phase()) === 'Online');
    world.killAgent();
    await world.until('Unknown', async () => (await phase()) === 'Unknown');
    assert.equal(find(await backend(), 'Ready')?.reason, 'NoProber');
    world.startAgent();
    await world.until('Online', async () => (await phase()) === 'Online');
  });

  test('a trial mount that a killed agent left is undone by the next', async () => {
    await begin({ withAgent: true });
    network.addNfsServer('nfs.example', exported);
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.until('Online', async () => (await phase()) === 'Online');
    world.killAgent();
    const left = '/var/lib/poolkeeper/probes/left';
    await world.host.makeDirectory(left);
    const argv = ['mount', '-t', 'nfs', '-o', 'ro', 'nfs.example:/data', left];
    const mounting = world.host.run({ argv });
    await world.clock.advance(1000);
    assert.equal((await mounting).exitCode, 0);
    world.startAgent();
    await world.until(
      'it is gone',
      () => !world.host.machine.mounts.some(({ target }) => target === left),
    );
  });

  test('of which a mount can not even be killed is Offline, and nothing else is begun', async () => {
    await begin({ withAgent: true });
    network.addNfsServer('nfs.example', exported);
    world.host.faults.add({ matches: runOf('mount'), effect: { type: 'stuck' } });
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.until('Offline', async () => (await phase()) === 'Offline');
    assert.equal(find(await backend(), 'Ready')?.reason, 'ServerNotResponding');
    await world.clock.advance(5 * 60_000);
    const mounts = world.host.commands.filter(({ argv }) => argv[0] === 'mount');
    assert.equal(mounts.length, 1);
  });

  test('credentials come from the controller and are shown nowhere', async () => {
    await begin({ withAgent: true, credentials: { key: 'wrong-key' } });
    network.addCephCluster(
      ['10.0.0.1:3300'],
      { reader: 'right-key' },
      { cephfs: { sizeBytes: GIBIBYTE } },
    );
    const cephfs = { monitors: ['10.0.0.1'], user: 'reader' };
    const credentialsSecretRef = { name: 'ceph' };
    await createBackend({ type: 'cephfs', http: undefined, cephfs, credentialsSecretRef });
    await world.until('Error', async () => (await phase()) === 'Error');
    assert.equal(find(await backend(), 'Ready')?.reason, 'AuthenticationFailed');
    // Nobody asks: the operator sees the Secret of another version, and tells the node.
    world.credentials = { key: 'right-key' };
    await world.user.client.create(secrets, {
      metadata: { namespace: 'default', name: 'ceph' },
      data: { key: Buffer.from('right-key').toString('base64') },
    });
    await world.clock.advance(6_000);
    await world.until('Online', async () => (await phase()) === 'Online');
    const record = await world.user.client.get(backendProbes, name);
    assert.ok(record?.spec.credentialsVersion, 'that is how the node heard of it');
    const shown = JSON.stringify([await backend(), record, world.host.commands]);
    assert.ok(!shown.includes('right-key') && !shown.includes('wrong-key'));
  });

  test('an iSCSI unit is looked at without becoming a disk of the node', async () => {
    const chap = { username: 'joe', password: 'secretsecret' };
    await begin({ withAgent: true, credentials: chap });
    const target = 'iqn.2026-01.com.example:data';
    const unit = { number: 1, sizeBytes: 8 * GIBIBYTE, serial: 'lun-1' };
    network.addIscsiTarget('10.0.0.5:3260', target, [unit], chap);
    const iscsi = { portal: '10.0.0.5:3260', target, lun: 1, authentication: 'CHAP' };
    const credentialsSecretRef = { name: 'chap' };
    await createBackend({ type: 'iscsi', http: undefined, iscsi, credentialsSecretRef });
    await world.until('Online', async () => (await phase()) === 'Online');
    assert.equal((await backend())?.status?.summary?.capacity, '8.0 GiB');
    assert.ok(!world.host.commands.some(({ argv }) => argv.includes('--login')));
  });
});

describe('a storage backend that a pool uses', () => {
  const nfs = { server: 'nfs.example', exportPath: '/data' };

  test('stays until the pool is gone, and says for whom', async () => {
    await begin();
    await createBackend({ type: 'nfs', http: undefined, nfs });
    await world.user.client.create(storagePools, {
      metadata: { namespace: 'default', name: 'data' },
      spec: { type: 'nfs', nfs: { backendRef: { name: 'files' } } },
    } as never);
    await world.settle();
    assert.deepEqual((await backend())?.status?.users, ['StoragePool data']);
    await world.user.client.delete(storageBackends, name);
    await world.settle();
    assert.match(find(await backend(), 'Deleting')?.message ?? '', /used by StoragePool data$/);
    await world.user.client.delete(storagePools, { namespace: 'default', name: 'data' });
    await world.until('the backend is gone', async () => (await backend()) === undefined);
    const record = await world.user.client.get(backendProbes, name);
    assert.equal(record, undefined);
  });
});
