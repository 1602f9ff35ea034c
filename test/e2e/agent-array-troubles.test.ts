// What goes wrong with an array on top of what went wrong: confirmations that outlive what they were
// for, disks that can't be erased, minds that change half way, syncs that are broken off.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GIBIBYTE, makeFilesystem } from '../../src/local/hosts/index.ts';
import type { World } from './agent-world.ts';
import {
  array,
  aStory,
  assertKept,
  confirmed,
  count,
  drives,
  failDisk,
  isLetGo,
  named,
  setMdadm,
} from './array-story.ts';

const PHOTOS = '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00';
const slow = { speed: 1, sizes: { one: 16 * GIBIBYTE, two: 16 * GIBIBYTE, three: 16 * GIBIBYTE } };

const say = async (world: World, type: string): Promise<string> => {
  const condition = world.condition(await world.mount(), type);
  return condition ? `${condition.status} ${condition.reason}: ${condition.message}` : '';
};

const untilSaid = (world: World, type: string, words: RegExp): Promise<void> =>
  world.until(`${type} ${words}`, async () => words.test(await say(world, type)));

describe('a confirmation to wipe', () => {
  // The disk was blank when it was taken; what was typed then destroyed what somebody put on it later.
  test('that was not needed does not count for what somebody puts on the disk later', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], {
      level: 5,
      devices: [...named('one', 'three'), confirmed('two')],
    });
    const two = disks['two']!;
    world.host.machine.blocks.removeDisk(two);
    await world.untilPhase('Degraded');
    await world.settle(30);
    two.bytes.zero(0, two.sizeBytes);
    makeFilesystem(two, 'ext4', PHOTOS);
    const { writes } = two;
    world.host.machine.blocks.addDisk(two);
    await untilSaid(world, 'Stalled', /DeviceNotBlank.*holds ext4.*take wipe out of the device/);
    assert.equal(two.writes, writes);
    await setMdadm(world, { devices: named('one', 'three', 'two') });
    await world.settle(30);
    assert.equal(two.writes, writes);
    await setMdadm(world, { devices: [...named('one', 'three'), confirmed('two')] });
    await world.untilPhase('Mounted');
    assert.match((await world.mount())?.status?.wipes.at(-1)?.found ?? '', /ext4/);
    await assertKept(world);
    await world.stop();
  });

  test('lets a disk that failed start anew in its place', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], {
      level: 5,
      devices: named('one', 'two', 'three'),
    });
    failDisk(world, disks['two']!);
    await untilSaid(world, 'ArrayHealthy', /1 of 3 members are missing or failed \(two: Faulty\)/);
    await setMdadm(world, { devices: [...named('one', 'three'), confirmed('two')] });
    await world.untilPhase('Mounted');
    assert.equal(drives(await world.mount())['two'], 'Active');
    await assertKept(world);
    await world.stop();
  });
});

describe('a disk that was let go', () => {
  // It was claimed as a member again because of its superblock, and let go again, without end.
  test('but could not be erased is left alone, and never starts the array', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], {
      devices: named('one', 'two'),
    });
    disks['two']!.failWrites = true;
    await setMdadm(world, { devices: named('one', 'three') });
    await world.until('let go', () => count(world, '--zero-superblock') > 0);
    await world.settle(120);
    assert.equal(count(world, '--zero-superblock'), 1);
    assert.deepEqual(drives(await world.mount()), { one: 'Active', three: 'Active' });
    for (const serial of ['one', 'three']) world.host.machine.blocks.removeDisk(disks[serial]!);
    world.killAgent();
    world.host.machine.reboot();
    world.startAgent();
    await untilSaid(world, 'Ready', /False ArrayFailed.*Out of date/);
    assert.equal(count(world, '--assemble'), 0);
    await world.stop();
  });

  test('half way, and named again, becomes a member again', async () => {
    const { world } = await aStory(['one', 'two', 'three'], { devices: named('one', 'two') }, slow);
    await setMdadm(world, { devices: named('one', 'three') });
    await world.untilPhase('Rebuilding');
    await setMdadm(world, { devices: named('one', 'two') });
    await world.until('three is let go', async () => {
      const shown = drives(await world.mount());
      return shown['two'] === 'Active' && !('three' in shown) && isLetGo(world, 'three');
    });
    assert.equal(await say(world, 'Stalled'), '');
    assert.equal(array(world).degraded, 0);
    await assertKept(world);
    await world.stop();
  });
});

describe('a member that fails', () => {
  test('while it is being filled is not taken in again, and another one is asked for', async () => {
    const names = ['one', 'two', 'three', 'four'];
    const { world, disks } = await aStory(names, { devices: named('one', 'two') }, slow);
    await setMdadm(world, { devices: named('one', 'three') });
    await world.untilPhase('Rebuilding');
    failDisk(world, disks['three']!);
    await untilSaid(world, 'Stalled', /serial two is a member still.*name a disk that takes its/);
    await world.settle(60);
    assert.equal(count(world, '--re-add'), 0);
    assert.equal(count(world, '--add-spare'), 1);
    assert.equal(drives(await world.mount())['three'], 'Faulty');
    assert.equal(array(world).degraded, 0);
    await world.stop();
  });

  // What the dead array answered was taken for a foreign filesystem.
  test('with its copy makes a RAID10 fail, which is told as that', async () => {
    const devices = named('one', 'two', 'three', 'four');
    const { world, disks } = await aStory(['one', 'two', 'three', 'four'], { level: 10, devices });
    failDisk(world, disks['one']!);
    failDisk(world, disks['three']!);
    await world.untilPhase('Degraded');
    failDisk(world, disks['two']!);
    await untilSaid(
      world,
      'Ready',
      /^False ArrayFailed: .*3 of 4 members \(one: Faulty; two: Faulty/,
    );
    await world.stop();
  });

  const withSpare = { level: 1, spares: 1, devices: named('one', 'two', 'three') };

  // What had been compared until then was told as all, without a difference.
  test('during a scrub breaks it off, and it is done anew once the spare is filled', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], withSpare, slow);
    array(world).mismatches = 128;
    await setMdadm(world, { scrubRequestedAt: 'today' });
    await untilSaid(world, 'ArrayConsistent', /ScrubRunning/);
    failDisk(world, disks['two']!);
    await untilSaid(world, 'ArrayConsistent', /ScrubWaiting/);
    await untilSaid(world, 'ArrayConsistent', /False MismatchesFound: 128 sectors/);
    assert.equal(count(world, '--action=check'), 2);
    assert.match(await say(world, 'ArrayHealthy'), /^True .*not every disk is fit \(two: Faulty\)/);
    await world.stop();
  });

  test('during the first sync is told, and not hidden by it', async () => {
    const options = { ...slow, isSyncing: true };
    const { world, disks } = await aStory(['one', 'two', 'three'], withSpare, options);
    assert.match(await say(world, 'ArrayHealthy'), /^True InitialSync/);
    failDisk(world, disks['two']!);
    await untilSaid(world, 'ArrayHealthy', /^False ArrayRebuilding: 1 of 2 members/);
    await world.stop();
  });
});

test('working copies of a mirror do not become spares by a number; how is told', async () => {
  const devices = named('one', 'two', 'three');
  const { world } = await aStory(['one', 'two', 'three'], { devices });
  await setMdadm(world, { spares: 1 });
  await untilSaid(world, 'Stalled', /ChangeNotPossible: All 3 disks of the mirror are at work/);
  await setMdadm(world, { spares: 0, devices: named('one', 'two') });
  await world.until('three is let go', () => isLetGo(world, 'three'));
  await setMdadm(world, { spares: 1, devices: [...named('one', 'two'), confirmed('three')] });
  await world.until('spare', async () => drives(await world.mount())['three'] === 'Spare');
  assert.equal(await say(world, 'Stalled'), '');
  await assertKept(world);
  await world.stop();
});
