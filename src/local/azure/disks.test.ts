import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  aFakeCloud,
  codeOf,
  computePath,
  goldenSnapshotId,
  propertiesOf,
} from './testing/fake-cloud.ts';

const emptyDisk = {
  location: 'westeurope',
  zones: ['1'],
  sku: { name: 'Premium_LRS' },
  tags: { 'poolkeeper:role': 'volume' },
  properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 32 },
};
const goldenDisk = {
  location: 'westeurope',
  properties: { creationData: { createOption: 'Copy', sourceResourceId: goldenSnapshotId } },
};

describe('disks', () => {
  it('answers 202 with both URLs and a hint, and no ETag', async () => {
    const { send, clock } = aFakeCloud();
    const created = send('PUT', 'disks/one', emptyDisk);
    assert.equal(created.status, 202);
    // No unique id and no disk state yet: a client that trusts this answer for them finds nothing.
    assert.deepEqual(propertiesOf(created), {
      creationData: { createOption: 'Empty' },
      diskSizeGB: 32,
      provisioningState: 'Updating',
    });
    assert.match(created.headers['azure-asyncoperation']!, /DiskOperations/);
    assert.match(created.headers['location']!, /monitor=true/);
    assert.equal(created.headers['retry-after'], '2');
    assert.equal(created.headers['etag'], undefined);
    await clock.advance(1000);
    const disk = send('GET', 'disks/one');
    assert.equal(propertiesOf(disk)['provisioningState'], 'Succeeded');
    assert.equal(propertiesOf(disk)['diskState'], 'Unattached');
    assert.deepEqual(disk.body['zones'], ['1']);
  });

  it('shows the finished disk in the operation status and at the result URL', async () => {
    const { send, run, clock } = aFakeCloud();
    const status = await run('PUT', 'disks/one', emptyDisk);
    assert.equal(status['status'], 'Succeeded');
    assert.equal((status['properties'] as { output: { name: string } }).output.name, 'one');
    const patched = send('PATCH', 'disks/one', { tags: { a: 'b' } });
    await clock.advance(1000);
    const url = new URL(patched.headers['location']!);
    assert.deepEqual(send('GET', url.pathname + url.search).body['tags'], { a: 'b' });
  });

  it('replaces the whole tag map on PATCH', async () => {
    const { send, run } = aFakeCloud();
    await run('PUT', 'disks/one', emptyDisk);
    await run('PATCH', 'disks/one', { tags: { other: 'x' } });
    assert.deepEqual(send('GET', 'disks/one').body['tags'], { other: 'x' });
  });

  it('carries the bytes of its snapshot, which arrive in the background', async () => {
    const { azure, send, clock } = aFakeCloud();
    send('PUT', 'disks/copy', goldenDisk);
    await clock.advance(5000);
    const early = propertiesOf(send('GET', 'disks/copy'));
    assert.equal(early['provisioningState'], 'Succeeded');
    assert.ok(Number(early['completionPercent']) < 100);
    assert.equal(early['diskSizeGB'], 32);
    await clock.advance(200_000);
    assert.equal(propertiesOf(send('GET', 'disks/copy'))['completionPercent'], 100);
    const disk = azure.resources().find((record) => record.name === 'copy');
    assert.equal(disk?.kind === 'disk' && disk.content.origin, 'golden bytes');
  });

  it('accepts the same PUT again and refuses one that changes what can not change', async () => {
    const { send, run } = aFakeCloud();
    await run('PUT', 'disks/one', emptyDisk);
    assert.equal(send('PUT', 'disks/one', emptyDisk).status, 202);
    const moved = send('PUT', 'disks/one', { ...emptyDisk, zones: ['2'] });
    assert.deepEqual([moved.status, codeOf(moved)], [409, 'PropertyChangeNotAllowed']);
    const copied = send('PUT', 'disks/one', { ...goldenDisk, zones: ['1'] });
    assert.deepEqual([copied.status, codeOf(copied)], [409, 'PropertyChangeNotAllowed']);
  });

  it('deletes, and answers 204 for what is not there', async () => {
    const { send, run } = aFakeCloud();
    await run('PUT', 'disks/one', emptyDisk);
    assert.equal((await run('DELETE', 'disks/one'))['status'], 'Succeeded');
    const gone = send('GET', 'disks/one');
    assert.deepEqual([gone.status, codeOf(gone)], [404, 'ResourceNotFound']);
    assert.equal(send('DELETE', 'disks/one').status, 204);
  });

  it('refuses what Azure refuses', () => {
    const { send } = aFakeCloud();
    const cases: Record<string, [object, number, string]> = {
      'no location': [{ ...emptyDisk, location: undefined }, 400, 'LocationRequired'],
      'no size': [
        { ...emptyDisk, properties: { creationData: { createOption: 'Empty' } } },
        400,
        'InvalidParameter',
      ],
      'a snapshot that is not there': [
        {
          ...emptyDisk,
          properties: {
            creationData: { createOption: 'Copy', sourceResourceId: `${computePath}/snapshots/no` },
          },
        },
        404,
        'NotFound',
      ],
      'a tag name with a slash': [
        { ...emptyDisk, tags: { 'a/b': '' } },
        400,
        'InvalidTagNameCharacters',
      ],
    };
    for (const [sentence, [body, status, code]] of Object.entries(cases)) {
      const answer = send('PUT', 'disks/one', body);
      assert.deepEqual([answer.status, codeOf(answer)], [status, code], sentence);
    }
  });

  it('makes snapshots; a CopyStart snapshot is no source before it has arrived', async () => {
    const { send, run, clock } = aFakeCloud();
    await run('PUT', 'disks/one', emptyDisk);
    const source = { sourceResourceId: `${computePath}/disks/one` };
    send('PUT', 'snapshots/s', {
      location: 'westeurope',
      properties: { incremental: true, creationData: { createOption: 'CopyStart', ...source } },
    });
    await clock.advance(2000);
    const snapshot = propertiesOf(send('GET', 'snapshots/s'));
    assert.equal(snapshot['provisioningState'], 'Succeeded');
    assert.ok(Number(snapshot['completionPercent']) < 100);
    const fromSnapshot = {
      location: 'westeurope',
      properties: {
        creationData: { createOption: 'Copy', sourceResourceId: `${computePath}/snapshots/s` },
      },
    };
    assert.equal(send('PUT', 'disks/two', fromSnapshot).status, 409);
    await clock.advance(100_000);
    assert.equal(send('PUT', 'disks/two', fromSnapshot).status, 202);
  });
});
