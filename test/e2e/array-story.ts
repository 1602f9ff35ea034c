// An array in use, as the stories of its second day begin, and what they do to it.
import assert from 'node:assert/strict';
import type { NodeMount } from '../../src/api/node-mount.ts';
import { nodeMounts } from '../../src/api/resources.ts';
import { GIBIBYTE, type SimulatedDisk } from '../../src/local/hosts/index.ts';
import { blankDisk, mountPath, World } from './agent-world.ts';

export interface Story {
  readonly disks: Readonly<Record<string, SimulatedDisk>>;
  readonly world: World;
}

export interface StoryOptions {
  readonly speed?: number;
  readonly sizes?: Readonly<Record<string, number>>;
  /** Begins while the first sync still runs. */
  readonly isSyncing?: boolean;
}

/** An array that is mounted, has synced once, and holds a file. */
export async function aStory(
  names: readonly string[],
  spec: object,
  options: StoryOptions = {},
): Promise<Story> {
  const disks = Object.fromEntries(
    names.map((name) => [name, blankDisk(name, options.sizes?.[name] ?? 4 * GIBIBYTE)]),
  );
  const world = new World({
    disks: Object.values(disks),
    ...(options.speed !== undefined && { speed: options.speed }),
  });
  await world.prepare();
  world.startAgent();
  await world.createMount({ spec });
  await world.untilPhase('Mounted');
  if (!options.isSyncing)
    await world.until('synced', async () => {
      const array = (await world.mount())?.status?.array;
      return array?.initialSyncCompletedAt !== undefined;
    });
  await world.host.writeFile(`${mountPath}/precious`, 'bytes');
  return { disks, world };
}

export const named = (...serials: string[]) => serials.map((serial) => ({ serial }));

/** A disk that may be wiped. */
export const confirmed = (serial: string) => ({ serial, wipe: { confirm: serial } });

export async function setMdadm(world: World, changes: object): Promise<void> {
  const reference = { namespace: 'default', name: 'data-node-1' };
  await world.user.client.mergePatch(nodeMounts, reference, { spec: { mdadm: changes } });
}

export const drives = (mount: NodeMount | undefined): Record<string, string> =>
  Object.fromEntries((mount?.status?.drives ?? []).map(({ serial, state }) => [serial, state]));

export function array(world: World) {
  const found = world.host.machine.blocks.arrays[0];
  assert.ok(found, 'the array runs');
  return found;
}

export function failDisk(world: World, disk: SimulatedDisk): void {
  const name = world.host.machine.blocks.nameOf(disk);
  const member = array(world).members.find(({ kernelName }) => kernelName === name);
  assert.ok(member);
  array(world).fail(member);
}

export async function assertKept(world: World): Promise<void> {
  assert.equal(await world.host.readFile(`${mountPath}/precious`), 'bytes');
}

/** Nobody's any more, and no boot takes it for a member of the array. */
export async function isLetGo(world: World, serial: string): Promise<boolean> {
  const devices = (await world.storageNode())?.status?.devices ?? [];
  const device = devices.find((one) => one.serial === serial);
  return device?.claimedBy === undefined && device?.contents.type !== 'RaidMember';
}

export const count = (world: World, ...words: string[]): number =>
  world.host.commands.filter(({ argv }) => words.every((word) => argv.join(' ').includes(word)))
    .length;
