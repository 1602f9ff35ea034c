import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createRuntime } from '../../runtime/index.ts';
import { seededRandom } from '../../runtime/random.ts';
import { type RunningAzure, type StartOptions, startSimulatedAzure } from './index.ts';
import { computePath, goldenSnapshotId } from './testing/fake-cloud.ts';
import { aDisk, aMachine } from './testing/machines.ts';

const running: RunningAzure[] = [];
after(() => Promise.all(running.map((azure) => azure.close())));

async function start(options: Partial<StartOptions> = {}): Promise<RunningAzure> {
  const azure = await startSimulatedAzure({
    runtime: createRuntime({ random: seededRandom(3) }),
    speed: 1000,
    ...options,
  });
  running.push(azure);
  return azure;
}

async function send(
  { url }: RunningAzure,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(
    `${url}${path}${path.includes('_sim') ? '' : '?api-version=2026-04-01'}`,
    {
      method,
      headers: { authorization: 'Bearer simulated', 'x-ms-correlation-request-id': 'correlated' },
      ...(body && { body: JSON.stringify(body) }),
    },
  );
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

describe('the HTTP front', () => {
  it("carries Azure's headers", async () => {
    const azure = await start();
    const { headers } = await send(azure, 'PUT', `${computePath}/disks/one`, aDisk());
    assert.equal(headers.get('x-ms-correlation-request-id'), 'correlated');
    assert.match(headers.get('x-ms-request-id') ?? '', /^[0-9a-f-]{36}$/);
    assert.match(headers.get('content-type') ?? '', /application\/json/);
    assert.ok(headers.get('date'));
    assert.match(headers.get('azure-asyncoperation') ?? '', /^https:\/\/management\.azure\.com\//);
  });

  it('destroys the connection when told to, after doing the work', async () => {
    const azure = await start();
    await send(azure, 'POST', '/_sim/faults', {
      match: { operation: 'disks.createOrUpdate' },
      times: 1,
      effect: { type: 'timeout', applied: true },
    });
    await assert.rejects(send(azure, 'PUT', `${computePath}/disks/one`, aDisk()));
    assert.equal((await send(azure, 'GET', `${computePath}/disks/one`)).status, 200);
  });

  it('shows resources, requests and faults to other processes, and takes orders', async () => {
    const azure = await start({ snapshots: [{ id: goldenSnapshotId }] });
    await send(azure, 'PUT', `${computePath}/virtualMachines/vm`, aMachine({ priority: 'Spot' }));
    const { body } = await send(azure, 'GET', '/_sim/resources');
    const names = (body['resources'] as { name: string }[]).map((resource) => resource.name);
    assert.ok(names.includes('golden-v1') && names.includes('vm'));
    const requests = await send(azure, 'GET', '/_sim/requests');
    assert.deepEqual(requests.body['counts'], { 'virtualMachines.createOrUpdate': 1 });
    const id = `${computePath}/virtualMachines/vm`;
    assert.equal((await send(azure, 'POST', '/_sim/evict', { id })).status, 202);
    const limits = [{ machines: 0 }];
    assert.equal((await send(azure, 'POST', '/_sim/capacity', { limits })).status, 200);
    const effect = { type: 'error', status: 500 };
    const added = await send(azure, 'POST', '/_sim/faults', { match: { operation: 'x' }, effect });
    assert.equal(added.status, 201);
    assert.equal((await send(azure, 'DELETE', `/_sim/faults?id=${added.body['id']}`)).status, 200);
    assert.deepEqual(azure.azure.faults.list(), []);
    assert.equal((await send(azure, 'POST', '/_sim/faults', { match: 1 })).status, 400);
  });

  it('keeps the cloud in a directory across restarts, operations in flight included', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'poolkeeper-azure-'));
    try {
      const first = await start({ dataDirectory, speed: 1 });
      const created = await send(first, 'PUT', `${computePath}/virtualMachines/vm`, aMachine());
      await send(first, 'PUT', `${computePath}/disks/one`, aDisk());
      await send(first, 'PUT', `${computePath}/disks/two`, aDisk());
      await send(first, 'DELETE', `${computePath}/disks/nothing`);
      await first.close();
      running.splice(running.indexOf(first), 1);
      const later = createRuntime().clock.now() + 3600_000;
      const clock = { ...createRuntime().clock, now: () => later };
      const second = await start({ dataDirectory, runtime: createRuntime({ clock }) });
      const names = second.azure.resources().map((record) => record.name);
      assert.ok(names.includes('one') && names.includes('two'));
      const machine = await send(second, 'GET', `${computePath}/virtualMachines/vm`);
      const state = machine.body['properties'] as { provisioningState: string };
      assert.equal(state.provisioningState, 'Succeeded');
      const url = new URL(created.headers.get('azure-asyncoperation')!);
      const response = await fetch(second.url + url.pathname + url.search, {
        headers: { authorization: 'Bearer simulated' },
      });
      assert.equal(((await response.json()) as { status: string }).status, 'Succeeded');
    } finally {
      rmSync(dataDirectory, { recursive: true });
    }
  });
});
