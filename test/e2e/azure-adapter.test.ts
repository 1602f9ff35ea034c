// The ARM adapter with the real SDK against the simulated Azure, over real sockets: what the
// controllers may count on, whichever of the two is behind it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { simulatedCredential } from '../../src/azure/credentials.ts';
import {
  type AzureCloud,
  type CallContext,
  type CloudScope,
  computeResourceId,
  createAzureCloud,
  type Operation,
  type VolumeIntent,
} from '../../src/azure/index.ts';
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
    running = await startSimulatedAzure({ runtime, speed: 1000, snapshots: [{ id: goldenId }] });
    cloud = createAzureCloud({ runtime, credential: simulatedCredential, endpoint: running.url });
  });
  after(() => running.close());

  /** Polls as a controller does, but at once. */
  const finish = async (operation: Operation | undefined): Promise<unknown> => {
    if (!operation) return undefined;
    for (;;) {
      const state = await cloud.poll(operation, claim);
      if (state.state === 'Succeeded') return state.output;
      assert.equal(state.state, 'InProgress', JSON.stringify(state));
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
