// The agent is killed (kill -9) before, in and after every command of a pool's creation and deletion,
// on a real kernel; and every command fails, or claims that it did. It always ends as if nothing had
// happened.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  createPool,
  deletePool,
  expectNothingLeft,
  makingCommands,
  serials,
  strikeAt,
  undoingCommands,
  untilActive,
  untilPoolGone,
} from './creation.ts';
import { HostWorld } from './world.ts';

let world: HostWorld;
before(async () => {
  world = await HostWorld.start({ disks: serials.map((serial) => ({ serial })) });
});
after(() => world?.close());

/** Lets the fault strike at each of the commands in turn; the agent is started again after each. */
async function dieAtEach(fault: string, commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    await world.killAgent();
    const struck = await strikeAt(world, fault, command);
    await world.startAgent();
    await struck();
    await world.untilAgentIsDead();
  }
  await world.startAgent();
}

for (const fault of ['kill-during', 'kill-after'])
  test(`${fault} each command of a creation, and of a deletion`, async () => {
    await world.killAgent();
    await createPool(world);
    await dieAtEach(fault, makingCommands);
    await untilActive(world);
    await deletePool(world);
    await dieAtEach(fault, undoingCommands);
    await untilPoolGone(world);
    await expectNothingLeft(world);
  });

test('kill-before: the intent is written down, but nothing of it was done', async () => {
  await world.killAgent();
  await createPool(world);
  await dieAtEach('kill-before', ['mdadm --create', 'mkfs.ext4', 'mount']);
  await untilActive(world);
  await deletePool(world);
  await dieAtEach('kill-before', ['umount', 'mdadm --zero-superblock']);
  await untilPoolGone(world);
  await expectNothingLeft(world);
});

test('the agent dies, but its command goes on without it', async () => {
  await world.killAgent();
  await createPool(world);
  await dieAtEach('orphan', ['mdadm --create', 'mkfs.ext4', 'mount']);
  await untilActive(world);
  await deletePool(world);
  await dieAtEach('orphan', ['umount', 'mdadm --stop']);
  await untilPoolGone(world);
  await expectNothingLeft(world);
});

for (const fault of ['fail', 'lie'])
  test(`each command once seems to fail (${fault})`, async () => {
    await createPool(world);
    for (const command of makingCommands) await (await strikeAt(world, fault, command))();
    await untilActive(world);
    await deletePool(world);
    // A directory that could not be made immutable is not made writable again.
    const isImmutable = fault !== 'fail';
    for (const command of undoingCommands)
      if (isImmutable || command !== 'chattr -i') await (await strikeAt(world, fault, command))();
    await untilPoolGone(world);
    await expectNothingLeft(world);
    assert.ok(world.struck().some((line) => line.startsWith(`${fault} mdadm --create`)));
  });
