// Pools of type mdadm over their whole life, as their user sees it: through the StoragePool alone.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { nodes } from '../../src/api/built-in.ts';
import { annotations } from '../../src/api/names.ts';
import type { Condition } from '../../src/api/object.ts';
import { nodeMounts, storageNodes, storagePools } from '../../src/api/resources.ts';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { blankDisk, World } from './agent-world.ts';
import { StorageOperator } from './storage-operator.ts';

let operator: StorageOperator;
let world: World;

async function begin(): Promise<void> {
  world = new World({ disks: ['one', 'two', 'three'].map((name) => blankDisk(name)) });
  await world.prepare();
  await world.user.client.post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'other' },
  });
  await world.user.client.create(nodes, { metadata: { name: 'node-1' } });
  world.startAgent();
  operator = new StorageOperator();
  await operator.start(world);
  await world.settle();
}

afterEach(async () => {
  await operator.stop();
  await world.stop();
});

const devices = (...serials: string[]) => ({
  type: 'Devices',
  devices: serials.map((serial) => ({ serial })),
});

function createPool(source: object, namespace = 'default', more: object = {}) {
  return world.user.client.create(storagePools, {
    metadata: { name: 'data', namespace },
    spec: { type: 'mdadm', mdadm: { nodeName: 'node-1', level: 1, source, ...more } },
  } as never);
}

const pool = (namespace = 'default'): Promise<StoragePool | undefined> =>
  world.user.client.get(storagePools, { namespace, name: 'data' });

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let second = 0; second < 600; second++) {
    if (await holds()) return;
    await world.clock.advance(1000);
  }
  assert.fail(`never: ${what}\n${JSON.stringify((await pool())?.status, null, 1)}`);
}

const untilPhase = (phase: string) =>
  until(`phase ${phase}`, async () => (await pool())?.status?.phase === phase);

const find = (object: { status?: { conditions: Condition[] } } | undefined, type: string) =>
  object?.status?.conditions.find((condition) => condition.type === type);

async function eventsOfPools(): Promise<{ reason: string; note: string }[]> {
  await world.settle();
  const events = { ...storagePools, group: 'events.k8s.io', version: 'v1', plural: 'events' };
  const all = await world.user.client.list({ ...events, kind: 'Event' } as never);
  return (all as unknown as { reason: string; note: string; regarding: { kind: string } }[]).filter(
    ({ regarding }) => regarding.kind === 'StoragePool',
  );
}

const patch = (body: object) =>
  world.user.client.mergePatch(storagePools, { namespace: 'default', name: 'data' }, body);

describe('a pool of disks', () => {
  test('has a failed disk replaced by an edit of its spec, and its events tell the story', async () => {
    await begin();
    await createPool(devices('one', 'two'));
    await untilPhase('Active');
    await until(
      'synced',
      async () => find(await pool(), 'ArrayHealthy')?.reason === 'ArrayHealthy',
    );
    const array = world.host.machine.blocks.arrays[0]!;
    array.fail(array.members[1]!);
    await untilPhase('Degraded');
    assert.equal(find(await pool(), 'Ready')?.status, 'True');
    await patch({ spec: { mdadm: { source: devices('one', 'three') } } });
    await untilPhase('Active');
    await until('only the named ones', async () => (await pool())!.status!.drives.length === 2);
    const told = (await eventsOfPools()).map(({ reason, note }) => `${reason} ${note}`).join('\n');
    assert.match(told, /DriveFailed drive two failed/);
    assert.match(told, /Degraded/);
    assert.equal(array.members.length, 2);
  });

  test('is scrubbed when its annotation asks for it', async () => {
    await begin();
    await createPool(devices('one', 'two'));
    await untilPhase('Active');
    await until(
      'synced',
      async () => find(await pool(), 'ArrayHealthy')?.reason === 'ArrayHealthy',
    );
    assert.equal(find(await pool(), 'ArrayConsistent'), undefined);
    await patch({ metadata: { annotations: { [annotations.scrubRequestedAt]: 'now' } } });
    await until(
      'clean',
      async () => find(await pool(), 'ArrayConsistent')?.reason === 'ScrubClean',
    );
    assert.equal((await pool())?.status?.array?.scrub?.mismatchCount, 0);
    assert.ok((await eventsOfPools()).some(({ reason }) => reason === 'ScrubCompleted'));
  });

  test('that cannot change as asked stays Active, and says what stands against it', async () => {
    await begin();
    await createPool(devices('one', 'two'));
    await untilPhase('Active');
    await patch({ spec: { mdadm: { source: devices('one', 'nine') } } });
    await until('stalled', async () => find(await pool(), 'Stalled')?.status === 'True');
    const { status } = (await pool())!;
    assert.equal(status?.phase, 'Active');
    assert.equal(find(await pool(), 'Ready')?.status, 'True');
    assert.match(find(await pool(), 'Stalled')?.message ?? '', /No device matches serial nine/);
  });
});

describe('two pools of different namespaces that want one disk', () => {
  test('one gets it, the other is told who has it, and gets it once that one is gone', async () => {
    await begin();
    await createPool(devices('one', 'two'));
    await createPool(devices('two', 'three'), 'other');
    await until('one is Active', async () => {
      return [await pool(), await pool('other')].some((one) => one?.status?.phase === 'Active');
    });
    await until('the other is told', async () => {
      return [await pool(), await pool('other')].some(
        (one) => find(one, 'Ready')?.reason === 'DeviceClaimed',
      );
    });
    const winner = (await pool())?.status?.phase === 'Active' ? 'default' : 'other';
    const loser = winner === 'default' ? 'other' : 'default';
    const message = find(await pool(loser), 'Ready')?.message ?? '';
    assert.match(message, new RegExp(`serial two belongs to StoragePool ${winner}/data`));
    assert.equal(world.host.machine.blocks.arrays.length, 1);
    const reference = { namespace: winner, name: 'data' };
    const spec = { deletionPolicy: 'Destroy', confirmDestroy: 'data' };
    await world.user.client.mergePatch(storagePools, reference, { spec });
    await world.user.client.delete(storagePools, reference);
    await until('gone', async () => (await pool(winner)) === undefined);
    await until('its turn', async () => (await pool(loser))?.status?.phase === 'Active');
  });
});

describe('a node that leaves for good', () => {
  test('takes its inventory along, but only after what it held was let go of', async () => {
    await begin();
    await createPool(devices('one', 'two'));
    await untilPhase('Active');
    world.killAgent();
    await world.user.client.delete(nodes, { name: 'node-1' });
    await until('Unknown', async () => find(await pool(), 'Ready')?.reason === 'NodeGone');
    await world.settle(900);
    assert.ok(await world.user.client.get(storageNodes, { name: 'node-1' }));
    await world.user.client.delete(storagePools, { namespace: 'default', name: 'data' });
    await until('pool gone', async () => (await pool()) === undefined);
    assert.deepEqual(await world.user.client.list(nodeMounts), []);
    await until('inventory gone', async () => {
      return (await world.user.client.get(storageNodes, { name: 'node-1' })) === undefined;
    });
  });
});
