// StoragePools from the wish to the mounted array and back, with a real agent on a simulated node and
// the API server's own rules: schemas, finalizers, owner references. And backends, told when there is
// news. Time is the test's.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { nodes, secrets } from '../../src/api/built-in.ts';
import type { Condition } from '../../src/api/object.ts';
import { nodeMounts, storageBackends, storagePools } from '../../src/api/resources.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import type { AzureCloud } from '../../src/azure/port.ts';
import type { HttpProbeRequest } from '../../src/backends/index.ts';
import type { ControllerContext } from '../../src/controllers/context.ts';
import type { Discovery } from '../../src/controllers/discovery/memory.ts';
import {
  type BackendProber,
  PROBE_WORKERS,
  reconcileStorageBackend,
  watchStorageBackends,
} from '../../src/controllers/storage-backend/index.ts';
import {
  reconcileStoragePool,
  trackAgents,
  watchStoragePools,
} from '../../src/controllers/storage-pool/index.ts';
import { createSources, viewsOf } from '../../src/controllers/stores.ts';
import { fixedTenancy } from '../../src/controllers/tenancy.ts';
import {
  connectKubernetes,
  createEventRecorder,
  runController,
  type Transport,
} from '../../src/kube/index.ts';
import { GIBIBYTE, type SimulatedDisk, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import type { Probed } from '../../src/plan/probe-observation.ts';
import { blankDisk, hasBlankEnds, transportTo, World } from './agent-world.ts';

const answered: Probed = {
  type: 'probed',
  endpoint: 'http://files.example/',
  passed: [],
  totalMilliseconds: 12,
  outcome: { type: 'answered', method: 'HEAD', isRange: false, statusCode: 200 },
};

/** The two controllers beside a world's agent, with every write they make on record. */
class Operator {
  readonly writes: string[] = [];
  readonly probes: HttpProbeRequest[] = [];
  observation: Probed = answered;
  readonly #stops: (() => unknown)[] = [];

  async start({ runtime, server }: World): Promise<void> {
    const to = recording(transportTo(server, 'controller'), this.writes);
    const kubernetes = connectKubernetes({ runtime, to, component: 'controller' });
    const { client, caches } = kubernetes;
    const sources = createSources(caches);
    const context: ControllerContext = {
      runtime,
      client,
      stores: viewsOf(sources),
      cloud: undefined as unknown as AzureCloud,
      discovery: undefined as unknown as Discovery,
      events: createEventRecorder({
        runtime,
        client,
        reportingController: 'poolkeeper.dev/controller',
        reportingInstance: 'test',
      }),
      namespace: 'poolkeeper-system',
      installation: 'test',
      defaults: { subscriptionId: 's', resourceGroup: 'r', location: 'l' },
      tenancy: fixedTenancy({ defaults: {}, namespaces: {} }),
      pollPace: 1,
    };
    const stopping = new AbortController();
    void caches.start(stopping.signal).catch(() => {});
    const startWhen = caches.whenSynced();
    const agents = trackAgents(sources.leases, runtime.clock);
    const pools = runController({
      name: 'storage-pool',
      runtime,
      startWhen,
      reconcile: reconcileStoragePool(context, agents),
    });
    const unwatch = watchStoragePools(sources, agents, pools.queue);
    const prober: BackendProber = {
      http: async (request) => {
        this.probes.push(request);
        return this.observation;
      },
      s3: async () => this.observation,
    };
    const backends = runController({
      name: 'storage-backend',
      runtime,
      startWhen,
      workers: PROBE_WORKERS,
      reconcile: reconcileStorageBackend({ context, prober, agents }),
    });
    const unwatchBackends = watchStorageBackends(sources, agents, backends.queue);
    this.#stops.push(
      () => unwatch(),
      () => unwatchBackends(),
      () => agents.stop(),
      () => pools.stop(),
      () => backends.stop(),
      () => stopping.abort(),
    );
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
  }
}

function recording(transport: Transport, writes: string[]): Transport {
  return {
    ...transport,
    stream: (wire) => transport.stream(wire),
    close: () => transport.close(),
    request(wire) {
      if (wire.method !== 'GET') writes.push(`${wire.method} ${wire.path.split('?')[0]}`);
      return transport.request(wire);
    },
  };
}

let operator: Operator;
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
  operator = new Operator();
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

describe('a storage backend', () => {
  const name = { namespace: 'default', name: 'files' };

  async function createBackend(spec: object = {}): Promise<void> {
    await world.user.client.create(storageBackends, {
      metadata: { ...name },
      spec: { type: 'http', http: { baseURL: 'http://files.example/' }, ...spec },
    } as never);
    await world.settle();
  }

  const backend = () => world.user.client.get(storageBackends, name);

  test('is probed every minute and written about only when there is news', async () => {
    await begin({ withAgent: false });
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
    await begin({ withAgent: false });
    await createBackend({ probeInterval: '24h' });
    operator.probes.length = 0;
    const request = { metadata: { annotations: { 'poolkeeper.dev/probe-requested-at': 'now' } } };
    await world.user.client.mergePatch(storageBackends, name, request);
    await world.settle();
    assert.equal(operator.probes.length, 1);
    assert.equal((await backend())?.status?.lastProbeRequest, 'now');
  });

  test('reads its credentials for every probe and shows them nowhere', async () => {
    await begin({ withAgent: false });
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

  test('a bundle that holds no certificates is refused before anything is sent', async () => {
    await begin({ withAgent: false });
    await world.user.client.create(secrets, {
      metadata: { namespace: 'default', name: 'ca' },
      data: { 'ca.crt': Buffer.from('not a certificate').toString('base64') },
    });
    await createBackend({ caBundle: { type: 'Secret', secret: { name: 'ca' } } });
    assert.deepEqual(operator.probes, []);
    assert.match(find(await backend(), 'Stalled')!.message, /does not hold certificates in PEM/);
  });

  test('suspended, it is left alone', async () => {
    await begin({ withAgent: false });
    await createBackend({ suspend: true });
    assert.equal(find(await backend(), 'Ready')?.reason, 'Suspended');
    await world.clock.advance(300_000);
    assert.deepEqual(operator.probes, []);
  });
});
