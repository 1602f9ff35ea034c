// The real client libraries against the simulator over real sockets, quick because of the speed.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createRuntime } from '../../runtime/index.ts';
import { seededRandom } from '../../runtime/random.ts';
import { defaultResourceGroup, type RunningAzure, startSimulatedAzure } from './index.ts';
import { goldenSnapshotId } from './testing/fake-cloud.ts';
import { computeClient, graphClient } from './testing/real-clients.ts';

const group = defaultResourceGroup;
const polling = { updateIntervalInMs: 5 };

describe('the real client libraries', () => {
  let running: RunningAzure;
  before(async () => {
    running = await startSimulatedAzure({
      runtime: createRuntime({ random: seededRandom(1) }),
      speed: 2000,
      snapshots: [{ id: goldenSnapshotId }],
    });
  });
  after(() => running.close());

  it('create, retag, list and delete a disk', async () => {
    const { disks } = computeClient(running.url);
    const created = await disks.createOrUpdate(
      group,
      'sdk-disk',
      {
        location: 'westeurope',
        creationData: { createOption: 'Copy', sourceResourceId: goldenSnapshotId },
        tags: { one: '1' },
      },
      polling,
    );
    assert.equal(created.provisioningState, 'Succeeded');
    assert.equal(created.diskSizeGB, 32);
    const updated = await disks.update(group, 'sdk-disk', { tags: { two: '2' } }, polling);
    assert.deepEqual(updated.tags, { two: '2' });
    const names: (string | undefined)[] = [];
    for await (const disk of disks.listByResourceGroup(group)) names.push(disk.name);
    assert.deepEqual(names, ['sdk-disk']);
    await disks.delete(group, 'sdk-disk', polling);
    await assert.rejects(disks.get(group, 'sdk-disk'), {
      statusCode: 404,
      code: 'ResourceNotFound',
    });
  });

  it('make a snapshot and a disk from it', async () => {
    const { disks, snapshots } = computeClient(running.url);
    const location = 'westeurope';
    const disk = await disks.createOrUpdate(
      group,
      'source',
      { location, creationData: { createOption: 'Empty' }, diskSizeGB: 8 },
      polling,
    );
    const creationData = { createOption: 'Copy', sourceResourceId: disk.id! };
    const snapshot = await snapshots.createOrUpdate(
      group,
      'of-source',
      { location, incremental: true, creationData },
      polling,
    );
    assert.equal(snapshot.completionPercent, 100);
    const copy = await disks.createOrUpdate(
      group,
      'copy',
      { location, creationData: { createOption: 'Copy', sourceResourceId: snapshot.id! } },
      polling,
    );
    assert.equal(copy.diskSizeGB, 8);
  });

  it('page through Resource Graph on the token', async () => {
    const { disks } = computeClient(running.url);
    for (const name of ['page-a', 'page-b', 'page-c'])
      await disks.createOrUpdate(
        group,
        name,
        { location: 'westeurope', creationData: { createOption: 'Empty' }, diskSizeGB: 4 },
        polling,
      );
    const graph = graphClient(running.url);
    const query =
      "Resources | where type =~ 'microsoft.compute/disks' and name startswith 'page-' " +
      '| project id, name | order by name asc';
    const names: string[] = [];
    // The last change shows when Resource Graph has caught up.
    for (;;) {
      const { totalRecords } = await graph.resources({ query });
      if (totalRecords === 3) break;
    }
    let skipToken: string | undefined;
    do {
      const options = {
        resultFormat: 'objectArray' as const,
        top: 2,
        ...(skipToken && { skipToken }),
      };
      const page = await graph.resources({ query, options });
      names.push(...(page.data as { name: string }[]).map((row) => row.name));
      skipToken = page.skipToken;
    } while (skipToken);
    assert.deepEqual(names, ['page-a', 'page-b', 'page-c']);
  });

  it('are refused without a token', async () => {
    const response = await fetch(`${running.url}${goldenSnapshotId}?api-version=2026-03-02`);
    assert.equal(response.status, 401);
    const body = (await response.json()) as { error: { code: string } };
    assert.equal(body.error.code, 'AuthenticationFailed');
  });
});
