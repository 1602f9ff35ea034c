// The gate before every disk, on a real kernel: what other tools call blank, and disks in use. CI runs
// these for every change; disk-states-more.test.ts has the others.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allStates, DiskMatrix, wanting, wipeable } from './disk-matrix.ts';

const states = allStates.filter(({ isCore }) => isCore);
const twin = 'twin-f0';
/** A disk of the kernel's own, in its memory, which fails every read of eight of its sectors. */
const spotty =
  'modprobe scsi_debug dev_size_mb=64 opts=2 medium_error_start=65536 medium_error_count=8';

let matrix: DiskMatrix;
before(async () => {
  matrix = await DiskMatrix.start({
    states,
    moreDisks: [
      { serial: twin, image: 'twin-one' },
      { serial: twin, image: 'twin-two' },
    ],
    prepare: spotty,
  });
});
after(() => matrix?.close());

describe('refused, in words', () => {
  for (const state of states) test(state.sentence, () => matrix.expectRefused(state));

  test('two disks of one serial: both are listed, neither is taken', async () => {
    const { world } = matrix;
    await world.create('twins', wanting(twin));
    const message = await world.untilRefused('twins', 'DeviceAmbiguous');
    assert.match(
      message,
      /2 devices match serial twin-f0: \/dev\/sd.*; \/dev\/sd.*Name the device by wwn/,
    );
    await world.delete('twins');
  });

  test('no such disk: the disks of the node are listed', async () => {
    const { world } = matrix;
    await world.create('missing', wanting('no-such-disk'));
    const message = await world.untilRefused('missing', 'DeviceNotFound');
    assert.match(message, /No device matches serial no-such-disk\. The node has: \/dev\/sd/);
    await world.delete('missing');
  });

  test('a disk that fails reads in one place only, far from its ends', async () => {
    const { world } = matrix;
    const said = await world.machine.run(
      "lsblk -dnro PATH,SERIAL,MODEL | grep scsi_debug | cut -d' ' -f1-2",
    );
    const [path = '', serial = ''] = said.trim().split(' ');
    const start = await world.machine.try(`dd if=${path} of=/dev/null bs=1M count=16`);
    assert.equal(start.status, 0);
    await world.create('spotty', wanting(serial, { wipe: { confirm: serial } }));
    const message = await world.untilRefused('spotty', 'DeviceUnreadable');
    assert.match(
      message,
      /could not be read, so nothing is written to it\. Reading failed near byte 33554432\./,
    );
    assert.deepEqual((await world.pool('spotty'))!.status!.commands, [], 'nothing was run');
    await world.delete('spotty');
  });
});

test('the inventory tells what each disk holds, and why it is not to be had', () =>
  matrix.expectInventory());

test('the pools go again, and of all these disks not one sector was written', () =>
  matrix.expectUntouched());

test('with its serial typed once more, exactly that disk is destroyed: all of these', () =>
  matrix.expectDestroyed(wipeable(states)));
