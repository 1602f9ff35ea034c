// A pool that is deleted while it is being made, at every moment of that, on a real kernel: what was
// begun is undone, and nothing is left.
import { after, before, test } from 'node:test';
import {
  createPool,
  deletePool,
  expectNothingLeft,
  serials,
  strikeAt,
  untilPoolGone,
} from './creation.ts';
import { HostWorld } from './world.ts';

let world: HostWorld;
before(async () => {
  world = await HostWorld.start({ disks: serials.map((serial) => ({ serial })) });
});
after(() => world?.close());

for (const command of ['mdadm --create', 'mkfs.ext4', 'mount'])
  for (const fault of ['pause-before', 'pause-after'])
    test(`deleted while ${command} runs, ${fault === 'pause-before' ? 'before' : 'after'} it did its work`, async () => {
      const struck = await strikeAt(world, fault, command);
      await createPool(world);
      await struck();
      await world.untilTrue('the command waits', () => world.isPaused());
      await deletePool(world);
      await untilPoolGone(world);
      await expectNothingLeft(world);
    });

for (const command of ['mdadm --create', 'mkfs.ext4'])
  test(`deleted while the agent is dead, which died while ${command} ran`, async () => {
    const struck = await strikeAt(world, 'kill-during', command);
    await createPool(world);
    await struck();
    await world.untilAgentIsDead();
    await deletePool(world);
    await world.startAgent();
    await untilPoolGone(world);
    await expectNothingLeft(world);
  });

test('deleted at once', async () => {
  await createPool(world);
  await deletePool(world);
  await untilPoolGone(world);
  await expectNothingLeft(world);
});
