// A node with one disk for each of some states, and what must hold for all of them: a pool that names
// such a disk is refused in words, no sector of it is written, and only typing its serial once more
// opens exactly that disk.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoragePool } from '../../src/api/storage-pool.ts';
import { type DiskState, diskStates } from './disk-states.ts';
import type { DiskOptions } from './machine/machine.ts';
import { conditionOf, disposable, HostWorld, nodeName } from './world.ts';

export interface StateOfDisk extends DiskState {
  readonly sentence: string;
  readonly serial: string;
  /** The pool that will want it. */
  readonly pool: string;
}

/** All of them; the hexadecimal digits in the serials, which make the world wide names, differ. */
export const allStates: readonly StateOfDisk[] = Object.entries(diskStates).map(
  ([sentence, state], index) => ({
    sentence,
    ...state,
    serial: `state-${(index + 0x10).toString(16)}`,
    pool: `pool-${index}`,
  }),
);

export const partner = 'blank-f1';
const link = (serial: string): string => `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`;

export interface MatrixOptions {
  readonly states: readonly StateOfDisk[];
  readonly moreDisks?: readonly DiskOptions[];
  /** Bash, before the agent starts. */
  readonly prepare?: string;
}

export class DiskMatrix {
  readonly world: HostWorld;
  readonly #states: readonly StateOfDisk[];
  readonly #untouched: ReadonlyMap<string, string>;

  private constructor(
    world: HostWorld,
    states: readonly StateOfDisk[],
    untouched: ReadonlyMap<string, string>,
  ) {
    this.world = world;
    this.#states = states;
    this.#untouched = untouched;
  }

  static async start({ states, moreDisks = [], prepare = '' }: MatrixOptions): Promise<DiskMatrix> {
    const disks = states.map(({ serial, sizeMebibytes = 64 }) => ({ serial, sizeMebibytes }));
    const world = await HostWorld.boot({
      memoryMebibytes: 2048,
      disks: [...disks, ...moreDisks, { serial: partner }],
    });
    // Nothing but a want of memory makes the kernel itself write to swap space.
    await world.machine.run(
      'modprobe -a raid1 dm-mod xfs; mkdir -p /run/lvm; echo 0 > /proc/sys/vm/swappiness',
    );
    for (const { made, serial } of states)
      if (made !== undefined)
        await world.machine.run(`disk=$(readlink -f ${link(serial)})\n${made}`);
    await world.machine.run(`${prepare}\nudevadm settle; sync; sleep 1; sync`);
    const matrix = new DiskMatrix(world, states, await bytesOf(world));
    await world.startAgent();
    return matrix;
  }

  async close(): Promise<void> {
    await this.world.close();
  }

  async expectRefused(state: StateOfDisk): Promise<void> {
    const { world } = this;
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
    await assert.rejects(this.#confirm(pool, serial, 'another-serial'), /wipe\.confirm/);
    if (!isWipeable) {
      await this.#confirm(pool, serial, serial);
      await world.until(pool, 'looked at anew', isObserved);
      assert.match(await world.untilRefused(pool, reason), says);
    }
    await world.delete(pool);
  }

  async #confirm(pool: string, serial: string, typed: string): Promise<void> {
    const devices = [{ serial, wipe: { confirm: typed } }, { serial: partner }];
    await this.world.patch(pool, { spec: { mdadm: { source: { devices } } } });
  }

  async expectInventory(): Promise<void> {
    const devices = (await this.world.node())!.status!.devices;
    for (const { sentence, serial, contents, asks, reason } of this.#states) {
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
  }

  /** Once the pools that wanted them are gone. */
  async expectUntouched(): Promise<void> {
    for (const { pool } of this.#states) await this.world.untilGone(pool);
    const now = await bytesOf(this.world);
    const written = [...this.#untouched].filter(([disk, before]) => now.get(disk) !== before);
    assert.deepEqual(
      written.map(([disk, before]) => `${disk}: ${before}, then ${now.get(disk)}`),
      [],
    );
  }

  /** An array of all these, each confirmed, and of a blank one that is not; then it is destroyed. */
  async expectDestroyed(group: readonly StateOfDisk[], blank = partner): Promise<void> {
    const { world } = this;
    const before = await bytesOf(world);
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
    const later = await bytesOf(world);
    for (const [disk, bytes] of before)
      if (!members.includes(disk)) assert.equal(later.get(disk), bytes, disk);
  }
}

/** The spec of a pool that wants this disk and a blank one. */
export function wanting(serial: string, more: object = {}): object {
  const devices = [{ serial, ...more }, { serial: partner }];
  return { type: 'mdadm', mdadm: { nodeName, level: 1, source: { type: 'Devices', devices } } };
}

/** Those whose data typing the serial destroys. One byte is as good as another. */
export function wipeable(states: readonly StateOfDisk[]): readonly StateOfDisk[] {
  return states.filter(
    ({ isWipeable, sentence }) => isWipeable && !/single byte at/.test(sentence),
  );
}

/** Per disk: how many sectors were ever written by the kernel, and a checksum of its image. */
async function bytesOf({ machine }: HostWorld): Promise<ReadonlyMap<string, string>> {
  // What is written to the images stands in the machine's memory until then.
  const written = await machine.run(`sync
    lsblk -dno NAME,SERIAL | grep '^sd' | grep -v home- | while read -r name serial; do
      read -r _ _ _ _ _ _ written _ < /sys/block/$name/stat
      echo "$name $written"
    done`);
  const images = readdirSync(machine.directory).filter(
    (name) => name.endsWith('.img') && !name.startsWith('home-'),
  );
  const found = new Map<string, string>();
  for (const image of images) {
    const bytes = readFileSync(join(machine.directory, image));
    found.set(image, createHash('sha1').update(bytes).digest('hex'));
  }
  for (const line of written.trim().split('\n')) {
    const [name = '', sectors = ''] = line.split(' ');
    found.set(name, sectors);
  }
  return found;
}

function isObserved(pool: StoragePool): boolean {
  return pool.status?.observedGeneration === pool.metadata.generation;
}
