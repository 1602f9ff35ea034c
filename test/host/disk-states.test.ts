// The gate before every disk, on a real kernel: whatever a disk may hold or be in use for, a pool
// that names it is refused in words, and no sector of it is written. Only typing its serial once
// more opens exactly that disk.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { diskStates, disksOfStates, serialOf } from './disk-states.ts';
import { conditionOf, disposable, HostWorld, nodeName } from './world.ts';

const states = Object.entries(diskStates).map(([sentence, state], index) => ({
  sentence,
  ...state,
  serial: serialOf(index),
  pool: `pool-${index}`,
}));
const link = (serial: string): string => `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`;
const twin = 'twin-f0';
const partner = 'blank-f1';
/** A disk of the kernel's own, in its memory, which fails every read of eight of its sectors. */
const spotty =
  'modprobe scsi_debug dev_size_mb=64 opts=2 medium_error_start=65536 medium_error_count=8';
/** As large as the one with xfs, which needs more room than others. */
const largeBlank = { serial: 'blank-f2', sizeMebibytes: 320 };

let world: HostWorld;
let untouched: Map<string, string>;

/** One pool that wants a disk in this state and a blank one. */
function wanting(serial: string, more: object = {}): object {
  const devices = [{ serial, ...more }, { serial: partner }];
  return { type: 'mdadm', mdadm: { nodeName, level: 1, source: { type: 'Devices', devices } } };
}

/** Per disk: how many sectors were ever written by the kernel, and a checksum of its image. */
async function bytesOf(): Promise<Map<string, string>> {
  // What is written to the images stands in the machine's memory until then.
  const written = await world.machine.run(`sync
    lsblk -dno NAME,SERIAL | grep '^sd' | grep -v home- | while read -r name serial; do
      read -r _ _ _ _ _ _ written _ < /sys/block/$name/stat
      echo "$name $written"
    done`);
  const images = readdirSync(world.machine.directory).filter(
    (name) => name.endsWith('.img') && !name.startsWith('home-'),
  );
  const found = new Map<string, string>();
  for (const image of images) {
    const bytes = readFileSync(join(world.machine.directory, image));
    found.set(image, createHash('sha1').update(bytes).digest('hex'));
  }
  for (const line of written.trim().split('\n')) {
    const [name = '', sectors = ''] = line.split(' ');
    found.set(name, sectors);
  }
  return found;
}

before(async () => {
  world = await HostWorld.boot({
    memoryMebibytes: 2048,
    disks: [
      ...disksOfStates(),
      { serial: twin, image: 'twin-one' },
      { serial: twin, image: 'twin-two' },
      { serial: partner },
      largeBlank,
    ],
  });
  // Nothing but a want of memory makes the kernel itself write to swap space.
  await world.machine.run(
    'modprobe -a raid1 dm-mod xfs; mkdir -p /run/lvm; echo 0 > /proc/sys/vm/swappiness',
  );
  for (const { made, serial } of states)
    if (made !== undefined) await world.machine.run(`disk=$(readlink -f ${link(serial)})\n${made}`);
  await world.machine.run(`${spotty}; udevadm settle; sync; sleep 1; sync`);
  untouched = await bytesOf();
  await world.startAgent();
});
after(() => world?.close());

async function expectRefused(state: (typeof states)[number]): Promise<void> {
  const { pool, reason, says, serial, asks, isWipeable } = state;
  await world.create(pool, wanting(serial, asks));
  const message = await world.untilRefused(pool, reason);
  assert.match(message, says);
  assert.match(message, new RegExp(serial), 'it says which disk');
  const { status } = (await world.pool(pool))!;
  assert.match(status!.phase!, /Pending|Failed/);
  assert.deepEqual(status!.commands, [], 'nothing was run');
  if (reason === 'DeviceNotFound') return await world.delete(pool);
  // A serial typed wrong is no confirmation; nor is the right one where something uses the disk.
  await assert.rejects(confirm(pool, serial, 'another-serial'), /wipe\.confirm/);
  if (!isWipeable) {
    await confirm(pool, serial, serial);
    await world.until(pool, 'looked at anew', isObserved);
    assert.match(await world.untilRefused(pool, reason), says);
  }
  await world.delete(pool);
}

describe('refused, in words, above all', () => {
  for (const state of states.filter(({ isCore }) => isCore))
    test(state.sentence, () => expectRefused(state));

  test('two disks of one serial: both are listed, neither is taken', async () => {
    await world.create('twins', wanting(twin));
    const message = await world.untilRefused('twins', 'DeviceAmbiguous');
    assert.match(
      message,
      /2 devices match serial twin-f0: \/dev\/sd.*; \/dev\/sd.*Name the device by wwn/,
    );
    await world.delete('twins');
  });

  test('a disk that fails reads in one place only, far from its ends', async () => {
    const { machine } = world;
    const said = await machine.run(
      "lsblk -dnro PATH,SERIAL,MODEL | grep scsi_debug | cut -d' ' -f1-2",
    );
    const [path = '', serial = ''] = said.trim().split(' ');
    assert.equal((await machine.try(`dd if=${path} of=/dev/null bs=1M count=16`)).status, 0);
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

describe('refused, in words, as well', () => {
  for (const state of states.filter(({ isCore }) => !isCore))
    test(state.sentence, () => expectRefused(state));

  test('no such disk: the disks of the node are listed', async () => {
    await world.create('missing', wanting('no-such-disk'));
    const message = await world.untilRefused('missing', 'DeviceNotFound');
    assert.match(message, /No device matches serial no-such-disk\. The node has: \/dev\/sd/);
    await world.delete('missing');
  });
});

async function confirm(pool: string, serial: string, typed: string): Promise<void> {
  const devices = [{ serial, wipe: { confirm: typed } }, { serial: partner }];
  await world.patch(pool, { spec: { mdadm: { source: { devices } } } });
}

function isObserved(pool: StoragePool): boolean {
  return pool.status?.observedGeneration === pool.metadata.generation;
}

test('the inventory tells what each disk holds, and why it is not to be had', async () => {
  const devices = (await world.node())!.status!.devices;
  for (const { sentence, serial, contents, asks, reason } of states) {
    if (asks) continue;
    const device = devices.find((one) => one.serial === serial);
    assert.equal(device?.eligible, false, sentence);
    assert.ok(
      device.reasons.some((one) => one.reason === reason),
      `${sentence}: ${JSON.stringify(device)}`,
    );
    if (contents) assert.match(device.contents.type, new RegExp(`^${contents}$`), sentence);
  }
  const blank = devices.find(({ serial }) => serial === partner);
  assert.equal(blank!.eligible, true);
  assert.equal(blank!.contents.type, 'Blank');
});

test('the pools go again, and of all these disks not one sector was written', async () => {
  for (const { pool } of states) await world.untilGone(pool);
  const now = await bytesOf();
  const written = [...untouched].filter(([disk, before]) => now.get(disk) !== before);
  assert.deepEqual(
    written.map(([disk, before]) => `${disk}: ${before}, then ${now.get(disk)}`),
    [],
  );
});

describe('with its serial typed once more, exactly that disk is destroyed', () => {
  const wipeable = states.filter(({ isWipeable }) => isWipeable);

  // One byte is as good as another; and mdadm wants disks of one size.
  const alike = wipeable.filter(
    ({ sentence, sizeMebibytes }) =>
      sizeMebibytes === undefined && !/single byte at/.test(sentence),
  );
  const groups = [0, 1, 2].map((remainder) => alike.filter((_, index) => index % 3 === remainder));
  for (const group of groups)
    test(group.map(({ sentence }) => sentence).join('; '), () => expectDestroyed(group));

  const large = wipeable.filter(({ sizeMebibytes }) => sizeMebibytes !== undefined);
  for (const state of large)
    test(`${state.sentence}, beside a blank one`, () =>
      expectDestroyed([state], largeBlank.serial));
});

/** An array of all these, each confirmed, and of a blank one that is not. */
async function expectDestroyed(group: typeof states, blank = partner): Promise<void> {
  const before = await bytesOf();
  const confirmed = group.map(({ serial }) => ({ serial, wipe: { confirm: serial } }));
  const name = `wiped-${group[0]!.serial}`;
  const source = { type: 'Devices', devices: [...confirmed, { serial: blank }] };
  const mdadm = { nodeName, level: 0, source };
  await world.create(name, disposable(name, { type: 'mdadm', mdadm }));
  const pool = await world.untilPhase(name, 'Active');
  assert.equal(conditionOf(pool, 'Ready')?.status, 'True');
  assert.deepEqual(
    pool.status!.wipes.map(({ device }) => device).sort(),
    confirmed.map(({ serial }) => serial).sort(),
  );
  const members = pool.status!.drives.flatMap(({ path, serial }) => [
    path!.replace('/dev/', ''),
    `${serial}.img`,
  ]);
  await world.remove(name);
  const later = await bytesOf();
  for (const [disk, bytes] of before)
    if (!members.includes(disk)) assert.equal(later.get(disk), bytes, disk);
}
