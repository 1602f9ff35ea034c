// The ARM adapter with the real SDK against the simulated Azure, over real sockets: what the
// controllers may count on, whichever of the two is behind it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { simulatedCredential } from '../../src/azure/credentials.ts';
import {
  type AzureCloud,
  type CallContext,
  type CloudScope,
  computeResourceId,
  createAzureCloud,
  type InstanceIntent,
  type ObservedInstance,
  type Operation,
  type OperationState,
  type VolumeIntent,
} from '../../src/azure/index.ts';
import type { RunCommandOutput } from '../../src/azure/run-command.ts';
import {
  defaultLocation,
  defaultResourceGroup,
  defaultSubscriptionId,
  type RunningAzure,
  startSimulatedAzure,
} from '../../src/local/azure/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { seededRandom } from '../../src/runtime/random.ts';

const scope: CloudScope = {
  subscriptionId: defaultSubscriptionId,
  resourceGroup: defaultResourceGroup,
  location: defaultLocation,
};
const goldenId = computeResourceId(scope, 'snapshots', 'golden-v1');
const claim: CallContext = { correlationId: 'a-claim', priority: 'claim' };
const installation = { 'poolkeeper:installation': 'test' };

const anInstance = (name: string): InstanceIntent => ({
  scope,
  name,
  zone: '1',
  vmSize: 'Standard_D4s_v5',
  image: { publisher: 'Canonical', offer: 'ubuntu-24_04-lts', sku: 'server', version: 'latest' },
  osDisk: { storageAccountType: 'Premium_LRS', ephemeral: false },
  subnetId: `/subscriptions/${defaultSubscriptionId}/resourceGroups/${defaultResourceGroup}/providers/Microsoft.Network/virtualNetworks/pool/subnets/default`,
  adminUsername: 'pool',
  sshPublicKeys: [
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample',
  ],
  userData: 'hello',
  priority: 'Regular',
  identityIds: [],
  hibernationEnabled: true,
  tags: installation,
});

const aVolume = (name: string, overrides: Partial<VolumeIntent> = {}): VolumeIntent => ({
  scope,
  name,
  sizeGiB: 8,
  sku: 'Premium_LRS',
  tags: installation,
  ...overrides,
});

describe('the Azure adapter', () => {
  let running: RunningAzure;
  let cloud: AzureCloud;
  before(async () => {
    const runtime = createRuntime({ random: seededRandom(3) });
    running = await startSimulatedAzure({
      runtime,
      speed: 1000,
      snapshots: [{ id: goldenId }],
      throttling: { enabled: false },
      // A real shell: what is wrapped around a script must be understood by one.
      runCommand: ({ script }) => {
        const { stdout, stderr, status } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
        return { stdout, stderr, exitCode: status ?? 1 };
      },
    });
    cloud = createAzureCloud({ runtime, credential: simulatedCredential, endpoint: running.url });
  });
  after(() => running.close());

  /** Polls as a controller does, but at once. */
  const finish = async (operation: Operation | undefined): Promise<unknown> => {
    if (!operation) return undefined;
    const state = await outcomeOf(operation);
    assert.ok(state.state === 'Succeeded', JSON.stringify(state));
    return state.output;
  };
  const outcomeOf = async (operation: Operation | undefined): Promise<OperationState> => {
    assert.ok(operation);
    for (;;) {
      const state = await cloud.poll(operation, claim);
      if (state.state !== 'InProgress') return state;
    }
  };

  describe('volumes', () => {
    it('are copied from a snapshot, seen, and deleted', async () => {
      const id = computeResourceId(scope, 'disks', 'from-golden');
      assert.equal(await cloud.get('volume', id, claim), undefined);
      const intent = aVolume('from-golden', { sourceSnapshotId: goldenId, sizeGiB: 32 });
      await finish(await cloud.create('volume', intent, claim));
      const seen = await cloud.get('volume', id, claim);
      assert.equal(seen?.provisioningState, 'Succeeded');
      assert.equal(seen.diskState, 'Unattached');
      assert.equal(seen.sku, 'Premium_LRS');
      assert.equal(seen.sizeGiB, 32);
      assert.equal(seen.sourceSnapshotId?.toLowerCase(), goldenId.toLowerCase());
      assert.equal('managedBy' in seen, false);
      assert.ok(seen.uniqueId);
      assert.ok(Date.parse(seen.timeCreated!));
      await finish(await cloud.delete('volume', id, claim));
      assert.equal(await cloud.get('volume', id, claim), undefined);
      assert.equal(await cloud.delete('volume', id, claim), undefined);
    });

    it("keep others' tags when tagged, and cost nothing when nothing changes", async () => {
      const id = computeResourceId(scope, 'disks', 'tagged');
      await finish(
        await cloud.create('volume', aVolume('tagged', { tags: { theirs: '1' } }), claim),
      );
      await cloud.tag('volume', id, { 'poolkeeper:status': 'free' }, claim);
      const seen = await cloud.get('volume', id, claim);
      assert.deepEqual(seen?.tags, { theirs: '1', 'poolkeeper:status': 'free' });
      const writes = () => running.azure.log.counts()['disks.update'];
      const before = writes();
      await cloud.tag('volume', id, { 'poolkeeper:status': 'free' }, claim);
      assert.equal(writes(), before);
    });
  });

  describe('instances', () => {
    const idOf = (name: string) => computeResourceId(scope, 'virtualMachines', name);
    const makeInstance = async (name: string): Promise<ObservedInstance> => {
      await finish(await cloud.create('instance', anInstance(name), claim));
      return lookAt(name);
    };
    const makeVolume = async (name: string): Promise<string> => {
      await finish(await cloud.create('volume', aVolume(name, { zone: '1' }), claim));
      return computeResourceId(scope, 'disks', name);
    };
    const lookAt = async (name: string): Promise<ObservedInstance> => {
      const seen = await cloud.get('instance', idOf(name), claim);
      assert.ok(seen, `${name} is there`);
      return seen;
    };

    it('are made with NIC and OS disk, and leave nothing behind', async () => {
      const seen = await makeInstance('whole');
      assert.equal(seen.provisioningState, 'Succeeded');
      assert.equal(seen.powerState, 'running');
      assert.equal(seen.hibernated, false);
      assert.match(seen.privateAddress ?? '', /^10\./);
      assert.equal(seen.zone, '1');
      assert.deepEqual(seen.dataDisks, []);
      const [nicId = ''] = seen.networkInterfaceIds;
      const nic = await cloud.get('networkInterface', nicId, claim);
      assert.equal(nic?.virtualMachineId, seen.id.toLowerCase());
      assert.deepEqual(nic?.tags, installation);
      assert.equal((await cloud.get('volume', seen.osDiskId!, claim))?.diskState, 'Attached');
      await finish(await cloud.delete('instance', seen.id, claim));
      for (const [kind, id] of [
        ['instance', seen.id],
        ['networkInterface', nicId],
        ['volume', seen.osDiskId!],
      ] as const)
        assert.equal(await cloud.get(kind, id, claim), undefined, `${kind} is gone`);
    });

    it('are not made twice under one name', async () => {
      await makeInstance('taken');
      await assert.rejects(cloud.create('instance', anInstance('taken'), claim), {
        class: 'PreconditionFailed',
        outcome: 'refused',
      });
    });

    it('take a disk and tags in one write, under the ETag that was seen', async () => {
      const [foreignId, ourId] = [await makeVolume('foreign'), await makeVolume('ours')];
      const bare = await makeInstance('host');
      const attachForeign = { attach: [{ diskId: foreignId, lun: 5 }], detach: [] };
      await finish(await cloud.changeDataDisks(bare, attachForeign, claim));
      const change = {
        attach: [{ diskId: ourId, lun: 0 }],
        detach: [],
        tags: { 'poolkeeper:status': 'connected' },
      };
      await assert.rejects(cloud.changeDataDisks(bare, change, claim), {
        class: 'PreconditionFailed',
        retry: 'now',
      });
      await finish(await cloud.changeDataDisks(await lookAt('host'), change, claim));
      const seen = await lookAt('host');
      assert.deepEqual(seen.dataDisks.map((disk) => disk.lun).sort(), [0, 5]);
      assert.deepEqual(seen.tags, { ...installation, 'poolkeeper:status': 'connected' });
      assert.equal((await cloud.get('volume', ourId, claim))?.managedBy, seen.id.toLowerCase());

      // As after a restart, when what was seen comes from a stored copy.
      const copy = structuredClone(seen);
      const release = { attach: [], detach: [ourId.toUpperCase()] };
      await finish(await cloud.changeDataDisks(copy, release, claim));
      assert.deepEqual(
        (await lookAt('host')).dataDisks.map((disk) => disk.lun),
        [5],
      );
      const freed = await cloud.get('volume', ourId, claim);
      assert.equal(freed?.diskState, 'Unattached');
      assert.ok(freed.lastOwnershipUpdateTime);
    });

    it("say when a disk is another machine's", async () => {
      const diskId = await makeVolume('wanted');
      const change = { attach: [{ diskId, lun: 0 }], detach: [] };
      await finish(await cloud.changeDataDisks(await makeInstance('owner'), change, claim));
      const envious = await makeInstance('envious');
      await assert.rejects(cloud.changeDataDisks(envious, change, claim), {
        class: 'AttachedElsewhere',
        retry: 'never',
      });
    });

    it("keep others' tags, also when they write in between", async () => {
      await makeInstance('tagged-host');
      running.azure.faults.add({
        match: { operation: 'virtualMachines.update', name: 'tagged-host' },
        effect: { type: 'error', status: 412, code: 'PreconditionFailed' },
        times: 1,
      });
      await cloud.tag('instance', idOf('tagged-host'), { 'poolkeeper:status': 'free' }, claim);
      const seen = await lookAt('tagged-host');
      assert.deepEqual(seen.tags, { ...installation, 'poolkeeper:status': 'free' });
    });

    it('stop, start and hibernate', async () => {
      const { id } = await makeInstance('sleeper');
      const states: Record<string, unknown> = {};
      for (const action of ['powerOff', 'start', 'hibernate', 'start', 'deallocate'] as const) {
        await finish(await cloud.power(id, action, claim));
        const { powerState, hibernated } = await lookAt('sleeper');
        states[action] = [powerState, hibernated];
      }
      assert.deepEqual(states, {
        powerOff: ['stopped', false],
        start: ['running', false],
        hibernate: ['deallocated', true],
        deallocate: ['deallocated', false],
      });
    });

    it('run scripts and tell how they ended', async () => {
      const { id } = await makeInstance('scripted');
      const run = async (script: string) => finish(await cloud.runCommand(id, script, claim));
      assert.deepEqual(await run('echo hello'), { exitCode: 0, stdout: 'hello\n', stderr: '' });
      const failed = await run('set -e\nprintf no\nexit 3 # done');
      assert.deepEqual(failed, { exitCode: 3, stdout: 'no', stderr: '' });
      const broken = (await run('if true')) as RunCommandOutput;
      assert.equal(broken.exitCode, undefined);
      assert.match(broken.stderr, /syntax error/i);
    });

    it('tell why they could not be made', async () => {
      running.azure.faults.add({
        match: { operation: 'virtualMachines.createOrUpdate', name: 'unlucky' },
        effect: {
          type: 'failOperation',
          code: 'ZonalAllocationFailed',
          leaves: ['virtualMachine'],
        },
        times: 1,
      });
      const operation = await cloud.create('instance', anInstance('unlucky'), claim);
      const state = await outcomeOf(operation);
      assert.equal(state.state === 'Failed' && state.code, 'ZonalAllocationFailed');
      assert.equal((await lookAt('unlucky')).provisioningState, 'Failed');
    });
  });

  describe('when Azure fails', () => {
    it('an applied write without an answer has an unknown outcome', async () => {
      running.azure.faults.add({
        match: { operation: 'disks.createOrUpdate', name: 'unheard' },
        effect: { type: 'timeout', applied: true },
        times: 1,
      });
      await assert.rejects(cloud.create('volume', aVolume('unheard'), claim), {
        class: 'Unavailable',
        outcome: 'unknown',
      });
      assert.ok(await cloud.get('volume', computeResourceId(scope, 'disks', 'unheard'), claim));
    });

    it('a throttled call says when to come back, and warm-up stays away till then', async () => {
      const url = running.url;
      const credential = simulatedCredential;
      const throttled = createAzureCloud({ runtime: createRuntime(), credential, endpoint: url });
      running.azure.faults.add({
        match: { operation: 'disks.createOrUpdate', name: 'throttled' },
        effect: { type: 'error', status: 429, code: 'TooManyRequests', retryAfterSeconds: 30 },
        times: 1,
      });
      const create = (context: CallContext) =>
        throttled.create('volume', aVolume('throttled'), context);
      await assert.rejects(create(claim), { class: 'Throttled', retryAfterMilliseconds: 30_000 });
      const total = running.azure.log.total;
      await assert.rejects(create({ ...claim, priority: 'warm-up' }), { azureCode: 'HeldBack' });
      assert.equal(running.azure.log.total, total, 'no request was sent');
    });
  });

  describe('discovery', () => {
    const discover = (installationName: string) =>
      cloud.discover(
        { subscriptionId: defaultSubscriptionId, installation: installationName },
        claim,
      );
    const name = `quoted' "and\\ escaped`;
    before(async () => {
      for (const disk of ['found-1', 'found-2', 'found-3']) {
        const tags = { 'poolkeeper:installation': name };
        await finish(await cloud.create('volume', aVolume(disk, { tags }), claim));
      }
      while ((await discover(name)).length < 3);
    });

    it('finds everything of one installation, ids in lower case', async () => {
      const found = await discover(name);
      assert.deepEqual(
        found.map((resource) => resource.id),
        ['found-1', 'found-2', 'found-3'].map((disk) =>
          computeResourceId(scope, 'disks', disk).toLowerCase(),
        ),
      );
      assert.equal(found[0]?.kind, 'volume');
      assert.equal(found[0]?.tags['poolkeeper:installation'], name);
      assert.equal(found[0]?.provisioningState, 'Succeeded');
    });

    it('rejects rather than return a short list', async () => {
      running.azure.faults.add({
        match: { operation: 'resourceGraph.resources' },
        effect: { type: 'graphShortPage', rows: 2 },
        times: 1,
      });
      await assert.rejects(discover(name), { azureCode: 'IncompleteResults' });
    });
  });

  it('makes snapshots of a disk', async () => {
    const sourceDiskId = computeResourceId(scope, 'disks', 'to-copy');
    await finish(await cloud.create('volume', aVolume('to-copy'), claim));
    const intent = { scope, name: 'copy', sourceDiskId, tags: installation };
    await finish(await cloud.create('snapshot', intent, claim));
    const id = computeResourceId(scope, 'snapshots', 'copy');
    const seen = await cloud.get('snapshot', id, claim);
    assert.equal(seen?.sizeGiB, 8);
    assert.equal(seen.completionPercent, 100);
    await finish(await cloud.delete('snapshot', id, claim));
    assert.equal(await cloud.get('snapshot', id, claim), undefined);
  });

  it('does not take a missing subscription for a missing disk', async () => {
    const elsewhere = { ...scope, subscriptionId: '99999999-9999-4999-8999-999999999999' };
    const id = computeResourceId(elsewhere, 'disks', 'any');
    await assert.rejects(cloud.get('volume', id, claim), {
      name: 'CloudError',
      class: 'Forbidden',
      azureCode: 'SubscriptionNotFound',
    });
  });

  it('says that a forgotten operation is unknown, and asks nobody but Azure', async () => {
    const startedAt = '2026-01-01T00:00:00Z';
    const path = `/subscriptions/${defaultSubscriptionId}/providers/Microsoft.Compute/locations/${defaultLocation}/operations/gone`;
    const forgotten = `https://management.azure.com${path}?api-version=2026-04-01`;
    assert.deepEqual(await cloud.poll({ url: forgotten, startedAt }, claim), { state: 'Unknown' });
    const total = running.azure.log.total;
    const foreign = { url: `https://attacker.example${path}`, startedAt };
    assert.deepEqual(await cloud.poll(foreign, claim), { state: 'Unknown' });
    assert.equal(running.azure.log.total, total);
  });
});
