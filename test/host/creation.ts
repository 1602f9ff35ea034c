// The commands of one pool's life, as the agent runs them, and what must be left when it is over.
import assert from 'node:assert/strict';
import { disposable, type HostWorld, raid } from './world.ts';

export const serials = ['life-a1', 'life-b2'];

/** Each command that makes a mirror with a filesystem, by its beginning. */
export const makingCommands = [
  'mdadm --create',
  'mkfs.ext4',
  'mkdir',
  'chattr +i',
  'mount',
] as const;

/** Each command that undoes it. */
export const undoingCommands = [
  'umount',
  'chattr -i',
  'rmdir',
  'wipefs -a /dev/md',
  'mdadm --stop',
  'mdadm --zero-superblock',
] as const;

const name = 'life';

export async function createPool(world: HostWorld): Promise<void> {
  await world.create(name, disposable(name, raid(1, serials)));
}

export async function untilActive(world: HostWorld): Promise<void> {
  const { status } = await world.untilPhase(name, 'Active');
  const found = await world.machine.run(`findmnt -n -o SOURCE,FSTYPE ${status!.mountPath}`);
  assert.match(found, /^\/dev\/md\S+ +ext4/);
  // Neither made twice, nor a half-made one left beside it.
  const arrays = (await world.machine.run('cat /proc/mdstat')).match(/^md\d+ : .*$/gm) ?? [];
  assert.equal(arrays.length, 1, arrays.join('\n'));
  assert.match(arrays[0]!, /active raid1/);
}

/** Nothing of the pool is left: no array, no mount, no directory, both disks as blank as they came. */
export async function expectNothingLeft(world: HostWorld): Promise<void> {
  const { machine } = world;
  assert.doesNotMatch(await machine.run('cat /proc/mdstat 2>/dev/null || true'), /^md/m);
  assert.equal(
    (await machine.run('ls /run/mdadm 2>/dev/null || true')).includes('creating'),
    false,
  );
  const mounts = await machine.run('grep poolkeeper/mounts /proc/1/mountinfo || true');
  assert.equal(mounts, '');
  const left = await machine.run('find /var/lib/poolkeeper/mounts -mindepth 2 2>/dev/null || true');
  assert.equal(left, '');
  for (const serial of serials) {
    const path = `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`;
    assert.equal((await machine.try(`blkid -p ${path}`)).status, 2, `${serial} has no signature`);
    const ends = `(head -c 1M ${path}; tail -c 1M ${path}) | tr -d '\\0' | wc -c`;
    assert.equal((await machine.run(ends)).trim(), '0', `${serial}: both ends are zero`);
  }
}

export async function deletePool(world: HostWorld): Promise<void> {
  await world.delete(name);
}

export async function untilPoolGone(world: HostWorld): Promise<void> {
  await world.untilGone(name);
}

/** Lets the fault strike at the command, once the pool's life has come to it. */
export async function strikeAt(
  world: HostWorld,
  fault: string,
  command: string,
): Promise<() => Promise<void>> {
  const before = world.struck().length;
  await world.plan(fault, command);
  return () => world.untilStruck(before + 1, name);
}
