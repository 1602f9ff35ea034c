// The node's power is cut in and after every command of a pool's creation, of its deletion, and while
// it is in use, on a real kernel. The next boot goes on where it was.
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
  world = await HostWorld.boot({ disks: serials.map((serial) => ({ serial })) });
});
after(() => world?.close());

async function darkAtEach(fault: string, commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const struck = await strikeAt(world, fault, command);
    await world.startAgent();
    await struck();
    await world.machine.whenDown();
    await world.machine.boot();
  }
  await world.startAgent();
}

test('power cut after each command of a creation', async () => {
  await createPool(world);
  await darkAtEach('power-after', makingCommands);
  await untilActive(world);
});

test('power cut while it is in use: assembled and mounted again, with its data', async () => {
  const { status } = (await world.pool('life'))!;
  await world.machine.run(`echo precious > ${status!.mountPath}/data; sync`);
  await world.machine.cutPower();
  await world.machine.boot();
  await world.startAgent();
  await world.untilTrue(
    'the data is back',
    async () => (await world.machine.try(`cat ${status!.mountPath}/data`)).stdout === 'precious\n',
    'life',
  );
  await untilActive(world);
  const { status: later } = await world.untilPhase('life', 'Active');
  assert.equal(later!.activeSince, status!.activeSince);
});

test('power cut after each command of a deletion', async () => {
  await world.killAgent();
  await deletePool(world);
  await darkAtEach('power-after', undoingCommands);
  await untilPoolGone(world);
  await expectNothingLeft(world);
});

test('power cut while commands run: the array is made, the filesystem is made, mounted, unmounted', async () => {
  await world.killAgent();
  await createPool(world);
  await darkAtEach('power-during', ['mdadm --create', 'mkfs.ext4', 'mount']);
  await untilActive(world);
  await world.killAgent();
  await deletePool(world);
  await darkAtEach('power-during', ['umount', 'mdadm --stop', 'mdadm --zero-superblock']);
  await untilPoolGone(world);
  await expectNothingLeft(world);
});
