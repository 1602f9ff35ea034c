// A person with `kubectl poolkeeper` in front of the embedded API: what each command prints and how
// it ends. The statuses are written by hand; the operator's own are seen in the other stories.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { annotations } from '../../src/api/names.ts';
import type { AnyObject, Resource } from '../../src/api/object.ts';
import {
  instanceClaims,
  instancePools,
  storageBackends,
  storageNodes,
  storagePools,
} from '../../src/api/resources.ts';
import { connectKubernetes, fromKubeconfig, type KubeClient } from '../../src/kube/index.ts';
import { startEmbeddedKubernetes } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { eventually } from '../builders/eventually.ts';

interface Output {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface World {
  readonly client: KubeClient;
  readonly kubeconfig: string;
  plugin(...argv: string[]): Promise<Output>;
}

const ROOT = join(import.meta.dirname, '../..');
const PLUGIN = join(ROOT, 'src/kubectl/index.ts');
const NOW = '2026-01-31T12:00:00Z';

function condition(type: string, status: string, reason: string, message: string): object {
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: NOW };
}

function run(argv: readonly string[], kubeconfig: string): Promise<Output> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    execFile(
      process.execPath,
      [PLUGIN, ...argv],
      { env, timeout: 60_000 },
      (error, stdout, stderr) => {
        const code = error?.code;
        resolve({ exitCode: error ? (typeof code === 'number' ? code : -1) : 0, stdout, stderr });
      },
    );
  });
}

async function put<T extends AnyObject>(
  { client }: World,
  resource: Resource<T>,
  object: { metadata: { name: string; namespace?: string }; spec?: object; status?: object },
): Promise<void> {
  const { status, ...rest } = object;
  await client.create(resource, rest as never);
  const { name, namespace } = object.metadata;
  if (status)
    await client.mergePatch(resource, { name, namespace }, { status }, { subresource: 'status' });
}

const template = {
  vmSizes: ['Standard_D2s_v5'],
  image: {
    type: 'Marketplace',
    marketplace: { publisher: 'Debian', offer: 'debian-12', sku: '12-gen2', version: '0.1.2' },
  },
  subnetId:
    '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/' +
    'Microsoft.Network/virtualNetworks/net/subnets/boxes',
  adminUsername: 'box',
  sshPublicKeys: [
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam',
  ],
};

function instancePool(name: string, status?: object) {
  const scaling = { minFree: 1, maxFree: 2, maxTotal: 5 };
  return {
    metadata: { name, namespace: 'default' },
    spec: { template, scaling },
    ...(status && { status }),
  };
}

const mdadmPool = {
  metadata: { name: 'pool1', namespace: 'default' },
  spec: {
    type: 'mdadm',
    mdadm: {
      nodeName: 'node-1',
      level: 1,
      source: { type: 'Devices', devices: [{ serial: 'one' }, { serial: 'two' }] },
    },
  },
};

const mkfs = {
  command: 'mkfs.ext4 /dev/md127',
  startedAt: NOW,
  node: 'node-1',
};

const stories: Readonly<Record<string, (world: World) => Promise<void>>> = {
  'an unknown command and a missing name are told with the way to the help': async ({ plugin }) => {
    const unknown = await plugin('frobnicate');
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.stderr, /no command frobnicate[\s\S]*--help/);
    const kind = await plugin('why', 'pod/x');
    assert.equal(kind.exitCode, 2);
    assert.match(kind.stderr, /no kind pod; there are .*instancepool \(ipool\)/);
    assert.match((await plugin('claim', '--help')).stdout, /--volume-pool/);
    assert.match((await plugin('status', '--timeout', 'soon')).stderr, /--timeout: soon/);
  },
  'an empty namespace is said to be empty': async ({ plugin }) => {
    assert.match(
      (await plugin('status', '-n', 'empty')).stdout,
      /Nothing of Poolkeeper in the namespace empty/,
    );
  },
  'status shows numbers, and words only for what is not Ready': async (world) => {
    await put(
      world,
      instancePools,
      instancePool('full', {
        free: 2,
        total: 3,
        claimed: 1,
        conditions: [condition('Ready', 'True', 'AsExpected', 'all is well')],
      }),
    );
    await put(
      world,
      instancePools,
      instancePool('stuck', {
        failed: 2,
        total: 2,
        conditions: [condition('Ready', 'False', 'QuotaExceeded', 'no quota for Standard_D2s_v5')],
      }),
    );
    const { stdout } = await world.plugin('status', '-A');
    assert.match(stdout, /default\/full +2 +1–2 +0 +1 +0 +3\/5 +True +-/);
    assert.match(stdout, /default\/stuck +0 +1–2 +0 +0 +2 +2\/5 +False +QuotaExceeded: no quota/);
  },
  'why tells the reason, its meaning, the last error and what was done': async (world) => {
    await put(
      world,
      instancePools,
      instancePool('why-pool', {
        observedGeneration: 1,
        recentActions: [
          { time: NOW, action: 'Create', because: '0 free, minFree is 1', object: 'why-pool-0' },
        ],
        conditions: [
          condition('Ready', 'False', 'QuotaExceeded', 'no quota for Standard_D2s_v5'),
          condition('Stalled', 'True', 'QuotaExceeded', 'no quota for Standard_D2s_v5'),
        ],
      }),
    );
    const { stdout } = await world.plugin('why', 'ipool', 'why-pool');
    const text = stdout.replaceAll(/\s+/g, ' ');
    assert.match(text, /InstancePool why-pool is not Ready, for \w+\. no quota/);
    assert.match(text, /Nothing moves until somebody changes something/);
    assert.match(text, /QuotaExceeded means: The subscription has no quota left/);
    assert.match(text, /Create why-pool-0: 0 free, minFree is 1/);
  },
  'why asks whether the operator runs when nothing has a status': async (world) => {
    await put(world, instancePools, instancePool('unseen'));
    const { stdout } = await world.plugin('why', 'instancepools/unseen');
    assert.match(
      stdout.replaceAll(/\s+/g, ' '),
      /nothing has looked at it yet\. Is the operator running/,
    );
    assert.equal((await world.plugin('why', 'ipool/none')).exitCode, 1);
  },
  'output shows each command with its end; follow goes on until the pool is Active': async (
    world,
  ) => {
    const { kubeconfig, client } = world;
    await put(world, storagePools, {
      ...mdadmPool,
      status: {
        observedGeneration: 1,
        phase: 'Creating',
        progress: { step: 'Formatting', message: 'formatting' },
        commands: [{ ...mkfs, state: 'Running' }],
      },
    });
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    const following = spawn(process.execPath, [PLUGIN, 'output', 'pool1', '-f'], { env });
    let text = '';
    following.stdout.on('data', (data) => {
      text += data;
    });
    const ended = new Promise((resolve) => following.on('close', resolve));
    await eventually('the progress is printed', () => text.includes('Creating: formatting'));
    const done = {
      ...mkfs,
      state: 'Succeeded',
      exitCode: 0,
      durationSeconds: 4,
      output: 'made 1\nmade 2\n',
    };
    const reference = { namespace: 'default', name: 'pool1' };
    const status = { phase: 'Active', progress: null, commands: [done] };
    await client.mergePatch(storagePools, reference, { status }, { subresource: 'status' });
    assert.equal(await ended, 0);
    assert.match(text, /\[node-1\] \S+ {2}\$ mkfs\.ext4 \/dev\/md127\n/);
    assert.match(text, / {4}made 1\n {4}made 2\n {4}→ exit 0 after 4 s\n/);
    assert.equal(text.match(/\$ mkfs/g)?.length, 1);
    assert.match((await world.plugin('output', 'pool1')).stdout, /→ exit 0 after 4 s/);
    assert.equal((await world.plugin('output', 'nothing')).exitCode, 1);
  },
  'drives lists disks with the reason against each, and what a node lacks': async (world) => {
    const device = { type: 'disk', sizeBytes: 68719476736, contents: { type: 'Blank' } };
    await put(world, storageNodes, {
      metadata: { name: 'node-1' },
      spec: {},
      status: {
        devices: [
          { ...device, name: 'sdb', path: '/dev/sdb', serial: 'one', eligible: true },
          {
            ...device,
            name: 'sdc',
            path: '/dev/sdc',
            serial: 'two',
            eligible: false,
            reasons: [{ reason: 'InUse', message: 'holds ext4' }],
          },
        ],
        prerequisites: [
          { name: 'mdadm', present: false, package: 'mdadm', neededFor: 'software RAID' },
        ],
      },
    });
    const { stdout } = await world.plugin('drives', 'node-1');
    assert.match(stdout, /\/dev\/sdb +one +- +- +64 GiB +yes/);
    assert.match(stdout, /\/dev\/sdc +two +- +- +64 GiB +no +holds ext4/);
    assert.match(stdout, /node-1: mdadm is missing \(for software RAID; install mdadm\)/);
    assert.equal((await world.plugin('drives', 'node-9')).exitCode, 1);
  },
  'claim waits until the claim is Ready; release waits until it is gone': async (world) => {
    const { client } = world;
    await put(world, instancePools, instancePool('boxes'));
    const claiming = world.plugin('claim', 'boxes', '--name', 'mine', '--ttl', '8h');
    const reference = { namespace: 'default', name: 'mine' };
    await eventually('the claim is created', () => client.get(instanceClaims, reference));
    const finalizers = ['poolkeeper.dev/release'];
    await client.mergePatch(instanceClaims, reference, { metadata: { finalizers } });
    const instance = { name: 'boxes-0', uid: '6f8f57715-0000', address: '10.0.0.4' };
    const status = {
      phase: 'Ready',
      instance,
      bindLatencyMilliseconds: 4,
      readyLatencyMilliseconds: 9,
    };
    await client.mergePatch(instanceClaims, reference, { status }, { subresource: 'status' });
    const claimed = await claiming;
    assert.equal(claimed.exitCode, 0, claimed.stderr);
    assert.match(claimed.stdout, /Ready: boxes-0 at 10\.0\.0\.4 \(bound in 4 ms, ready in 9 ms\)/);
    assert.equal((await client.get(instanceClaims, reference))?.spec.ttl, '8h');
    const releasing = world.plugin('release', 'mine');
    await eventually('the claim is deleted', async () => {
      const claim = await client.get(instanceClaims, reference);
      return claim?.metadata.deletionTimestamp;
    });
    await client.mergePatch(instanceClaims, reference, { metadata: { finalizers: null } });
    const released = await releasing;
    assert.equal(released.exitCode, 0, released.stderr);
    assert.match(released.stdout, /mine is released/);
    const wrong = await world.plugin('claim', 'bxes');
    assert.match(wrong.stderr, /there is no InstancePool bxes in the namespace default/);
  },
  'test asks for a probe and tells what came of that very probe': async (world) => {
    const { client } = world;
    const reference = { namespace: 'default', name: 'files' };
    await put(world, storageBackends, {
      metadata: reference,
      spec: { type: 'http', http: { baseURL: 'http://files.example/' } },
      status: { phase: 'Online', message: 'an old answer' },
    });
    const testing = world.plugin('test', 'files');
    const request = await eventually('a probe is asked for', async () => {
      const backend = await client.get(storageBackends, reference);
      return backend?.metadata.annotations?.[annotations.probeRequestedAt];
    });
    const status = { phase: 'Offline', message: 'connection refused', lastProbeRequest: request };
    await client.mergePatch(storageBackends, reference, { status }, { subresource: 'status' });
    const { exitCode, stdout } = await testing;
    assert.equal(exitCode, 1);
    assert.match(stdout, /Offline: connection refused/);
    const wrong = await world.plugin('test', 'fils');
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.stdout, /There is no StorageBackend fils in the namespace default/);
  },
};

test('kubectl poolkeeper', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'poolkeeper-plugin-'));
  const runtime = createRuntime();
  const crds = readdirSync(join(ROOT, 'crds'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => parse(readFileSync(join(ROOT, 'crds', file), 'utf8')));
  const api = await startEmbeddedKubernetes({ runtime, crds });
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig);
  const to = fromKubeconfig({ runtime, path: kubeconfig });
  const kubernetes = connectKubernetes({ runtime, to, component: 'test' });
  const world: World = {
    client: kubernetes.client,
    kubeconfig,
    plugin: (...argv) => run(argv, kubeconfig),
  };
  t.after(async () => {
    await kubernetes.close();
    await api.close();
    rmSync(directory, { recursive: true });
  });
  for (const [name, story] of Object.entries(stories)) await t.test(name, () => story(world));
});
