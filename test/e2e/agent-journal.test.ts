// The agent's memory on the node: lost, damaged, not writable, or of mounts that the cluster has
// forgotten. Whatever has become of it, no byte is lost and no disk stays reserved for nobody.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeMounts } from '../../src/api/resources.ts';
import { removeFinalizerPatch } from '../../src/kube/index.ts';
import type { SimulatedDisk } from '../../src/local/hosts/index.ts';
import { blankDisk, finalizer, hasBlankEnds, mountPath, World } from './agent-world.ts';

const directory = '/var/lib/poolkeeper/journal';
const reference = { namespace: 'default', name: 'data-node-1' };

async function mounted(): Promise<{ world: World; disks: SimulatedDisk[] }> {
  const disks = [blankDisk('one'), blankDisk('two')];
  const world = new World({ disks });
  await world.prepare();
  await world.createMount();
  world.startAgent();
  await world.untilPhase('Mounted');
  return { world, disks };
}

/** The record goes without anybody having undone what it stood for. */
async function takeAway(world: World): Promise<void> {
  await world.deleteMount();
  const mount = await world.mount();
  const patch = mount && removeFinalizerPatch(mount, finalizer);
  if (patch) await world.user.client.mergePatch(nodeMounts, reference, patch);
}

const isMounted = ({ host }: World): boolean => host.machine.mountAt(mountPath) !== undefined;

async function device(world: World, serial: string) {
  return (await world.storageNode())?.status?.devices.find((one) => one.serial === serial);
}

async function journalOf(world: World): Promise<{ path: string; text: string }> {
  const name = (await world.journalFiles()).find((one) => one.endsWith('.json'));
  const path = `${directory}/${name}`;
  return { path, text: (await world.host.readFile(path)) ?? '' };
}

describe('a mount that the cluster has forgotten', () => {
  test('is unmounted and stopped, and its disks are given back with every byte', async () => {
    const { world, disks } = await mounted();
    world.killAgent();
    await takeAway(world);
    world.startAgent();
    await world.settle(120);
    assert.ok(isMounted(world), 'it may come back: for minutes nothing is done');
    assert.match(
      (await device(world, 'one'))?.reasons[0]?.message ?? '',
      /Belongs to StoragePool default\/data, which is gone from the cluster; its bytes are kept/,
    );
    await world.until('it is undone', async () => (await world.journalFiles()).length === 0);
    assert.ok(!isMounted(world));
    assert.equal(world.host.machine.blocks.arrays.length, 0);
    assert.ok(!disks.some(hasBlankEnds), 'the bytes are still there');
    await world.until('the inventory says what is on it', async () => {
      const found = await device(world, 'one');
      return found?.claimedBy === undefined && found?.contents.type === 'RaidMember';
    });
    assert.equal((await device(world, 'one'))?.eligible, false);
    await world.stop();
  });

  test('also while the agent runs', async () => {
    const { world } = await mounted();
    await takeAway(world);
    await world.until('it is undone', async () => (await world.journalFiles()).length === 0);
    assert.ok(!isMounted(world));
    await world.stop();
  });

  test('makes room for a record that came back from a backup as another object', async () => {
    const { world } = await mounted();
    const before = (await world.mount())!;
    world.killAgent();
    const { status: _status, ...kept } = before;
    await takeAway(world);
    world.startAgent();
    await world.settle(60);
    const { uid: _uid, resourceVersion: _version, ...metadata } = kept.metadata;
    await world.user.client.create(nodeMounts, { ...kept, metadata } as never);
    await world.until('the old one is undone', async () => {
      const files = await world.journalFiles();
      return !files.includes(`${before.metadata.uid}.json`);
    });
    assert.equal((await world.mount())?.metadata.name, 'data-node-1');
    await world.stop();
  });

  test('is not undone while somebody uses it, and says who', async () => {
    const { world } = await mounted();
    world.host.machine.busyTargets.add(mountPath);
    await takeAway(world);
    await world.settle(900);
    assert.ok(isMounted(world));
    assert.match((await device(world, 'one'))?.reasons[0]?.message ?? '', /it is used by .*4242/);
    world.host.machine.busyTargets.clear();
    await world.until('it is undone', async () => (await world.journalFiles()).length === 0);
    await world.stop();
  });

  test('a network mount goes as well', async () => {
    const world = new World();
    world.host.machine.network.addNfsServer('nfs.example', { '/data': { sizeBytes: 2 ** 30 } });
    await world.prepare();
    await world.createNfsMount('/data');
    world.startAgent();
    await world.untilPhase('Mounted');
    await takeAway(world);
    await world.until('it is undone', async () => (await world.journalFiles()).length === 0);
    assert.ok(!isMounted(world));
    await world.stop();
  });
});

describe('a journal that can not be read', () => {
  for (const [what, text] of Object.entries({
    'cut off': '{"version": 1, "claims": [',
    empty: '',
    'not of this kind': '{"version": 1, "uid": 7, "claims": null}',
    'of another object':
      '{"version": 1, "uid": "x", "namespace": "a", "name": "b", "poolUid": "c"}',
  }))
    test(`${what}: the mount goes on, nothing is erased, the file is put aside`, async () => {
      const { world, disks } = await mounted();
      world.killAgent();
      const { path } = await journalOf(world);
      await world.host.writeFile(path, text);
      world.startAgent();
      await world.settle(60);
      await world.untilPhase('Mounted');
      assert.equal(await world.host.readFile(`${path}.damaged`), text);
      await world.deleteMount();
      await world.untilPhase('Released');
      assert.ok(!disks.some(hasBlankEnds), 'what nothing proves to be unfinished is kept');
      await world.stop();
    });

  test('of a newer agent: nothing is done, the file stays, and the status says why', async () => {
    const { world } = await mounted();
    world.killAgent();
    const { path, text } = await journalOf(world);
    const newer = text.replace('"version": 1', '"version": 2');
    await world.host.writeFile(path, newer);
    world.startAgent();
    await world.until('it says so', async () =>
      /newer agent/.test(world.condition(await world.mount(), 'Stalled')?.message ?? ''),
    );
    await world.deleteMount();
    await world.settle(120);
    assert.ok(isMounted(world));
    assert.equal(await world.host.readFile(path), newer);
    assert.equal(world.condition(await world.mount(), 'CleanedUp')?.reason, 'CleanupFailed');
    const found = await device(world, 'one');
    assert.equal(found?.claimedBy?.name, 'data-node-1', 'the disks stay reserved');
    await world.stop();
  });
});

describe('a node on which nothing can be done', () => {
  test('a journal that can not be written stops everything, in words, and goes on afterwards', async () => {
    const world = new World({ disks: [blankDisk('one'), blankDisk('two')] });
    await world.prepare();
    let isBroken = true;
    world.host.faults.add({
      matches: ({ operation, path }) =>
        isBroken && operation === 'writeFile' && /journal/.test(path),
      effect: { type: 'fail', exitCode: 1, stderr: '' },
      times: Number.POSITIVE_INFINITY,
    });
    await world.createMount();
    world.startAgent();
    await world.until('it says so', async () =>
      /journal can't be written.*EIO/s.test(
        world.condition(await world.mount(), 'Ready')?.message ?? '',
      ),
    );
    assert.ok(world.host.commands.every(({ argv }) => !argv.includes('--create')));
    isBroken = false;
    await world.untilPhase('Mounted');
    await world.stop();
  });

  test('an agent that can not read its journal says so instead of nothing, and starts once it can', async () => {
    const world = new World({ disks: [blankDisk('one')] });
    await world.prepare();
    let isBroken = true;
    world.host.faults.add({
      matches: ({ operation }) => isBroken && operation === 'makeDirectory',
      effect: { type: 'fail', exitCode: 1, stderr: '' },
      times: Number.POSITIVE_INFINITY,
    });
    world.startAgent();
    const ready = async () =>
      (await world.storageNode())?.status?.conditions.find(({ type }) => type === 'Ready');
    await world.until('it says so', async () => (await ready())?.reason === 'JournalUnavailable');
    assert.match((await ready())?.message ?? '', /can't start.*EIO/);
    isBroken = false;
    await world.until('it starts', async () => (await ready())?.status === 'True');
    await world.stop();
  });

  test('a node whose disks can not be listed says so in its mounts and its inventory', async () => {
    const { world } = await mounted();
    world.host.machine.missingPrograms.add('lsblk');
    await world.until('the mount says so', async () =>
      /lsblk gave no usable answer/.test(
        world.condition(await world.mount(), 'Ready')?.message ?? '',
      ),
    );
    const mount = await world.mount();
    assert.equal(mount?.status?.phase, 'Unknown');
    assert.equal(world.condition(mount, 'Ready')?.status, 'Unknown');
    await world.until('the inventory says so', async () => {
      const conditions = (await world.storageNode())?.status?.conditions ?? [];
      const ready = conditions.find(({ type }) => type === 'Ready');
      return ready?.status === 'False' && /can't be listed/.test(ready.message);
    });
    world.host.machine.missingPrograms.delete('lsblk');
    await world.untilPhase('Mounted');
    await world.stop();
  });
});
