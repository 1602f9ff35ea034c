// Software RAID as sysfs shows it. Arrays are found by UUID; their names change from boot to boot.

import { isSameUuid, normalUuid } from '../plan/node-mount-identity.ts';
import type { ArrayFacts, ArrayMemberFacts } from '../plan/node-mount-mdadm-facts.ts';
import { probe } from './command-runner.ts';
import type { HostPort } from './host-port.ts';
import { parseExport } from './inventory/contents.ts';

/** Asks the kernel; mdadm only about arrays that were never started. */
export async function findArray(host: HostPort, uuid: string): Promise<ArrayFacts | undefined> {
  for (const kernelName of (await host.listDirectory('/sys/block')) ?? []) {
    if (!/^md/.test(kernelName)) continue;
    if (isSameUuid(await uuidOf(host, kernelName), uuid)) return readArray(host, kernelName);
  }
  return undefined;
}

const NO_UUID = normalUuid('0'.repeat(32));

/**
 * The kernel learns the UUID when it starts the array. udev, which adds each member as it appears, may
 * leave one that never was started: it holds its members, and they tell whose it is. Empty in doubt.
 */
async function uuidOf(host: HostPort, kernelName: string): Promise<string> {
  const told = normalUuid((await readSysfs(host, kernelName, 'uuid')) ?? '');
  if (told !== '' && told !== NO_UUID) return told;
  const uuids = new Set<string>();
  for (const member of await memberNames(host, kernelName)) {
    const { stdout } = await probe(host, 'mdadm', '--examine', '--export', `/dev/${member}`);
    const uuid = parseExport(stdout).get('MD_UUID');
    if (uuid !== undefined) uuids.add(normalUuid(uuid));
  }
  const [only = ''] = uuids;
  return uuids.size === 1 ? only : '';
}

async function memberNames(host: HostPort, kernelName: string): Promise<string[]> {
  const names = (await host.listDirectory(`/sys/block/${kernelName}/md`)) ?? [];
  return names.filter((name) => name.startsWith('dev-')).map((name) => name.slice('dev-'.length));
}

export async function readArray(host: HostPort, kernelName: string): Promise<ArrayFacts> {
  const read = (file: string): Promise<string | undefined> => readSysfs(host, kernelName, file);
  const level = (await read('level')) ?? '';
  const syncAction = await read('sync_action');
  const isSyncing = syncAction !== undefined && syncAction !== 'idle' && syncAction !== 'frozen';
  const layout = await read('layout');
  const lastSyncAction = await read('last_sync_action');
  const mismatchCount = await read('mismatch_cnt');
  const resyncStart = await read('resync_start');
  const sectors = await host.readFile(`/sys/block/${kernelName}/size`);
  return {
    path: `/dev/${kernelName}`,
    kernelName,
    uuid: await uuidOf(host, kernelName),
    level: Number(level.replace('raid', '')),
    // While it is being reshaped, `4 (3)`: the number that it will have comes first.
    raidDisks: Number.parseInt((await read('raid_disks')) ?? '0', 10),
    sizeBytes: Number(sectors?.trim() ?? 0) * SECTOR_BYTES,
    memberBytes: Number((await read('component_size')) ?? 0) * 1024,
    chunkBytes: Number((await read('chunk_size')) ?? 0),
    state: (await read('array_state')) ?? 'inactive',
    degraded: Number((await read('degraded')) ?? 0),
    members: await readMembers(host, kernelName),
    ...(layout !== undefined && { layout: Number(layout) }),
    ...(syncAction !== undefined && { syncAction }),
    ...(lastSyncAction !== undefined && { lastSyncAction }),
    ...(resyncStart !== undefined && { isResyncPending: resyncStart !== 'none' }),
    ...(mismatchCount !== undefined && { mismatchCount: Number(mismatchCount) }),
    ...(isSyncing && syncOf(await read('sync_completed'), Number(await read('sync_speed')))),
  };
}

const SECTOR_BYTES = 512;

/** How far, how fast and how much longer, from the kernel's sectors of 512 bytes. */
function syncOf(
  completed: string | undefined,
  speed: number,
): Pick<ArrayFacts, 'syncPercent' | 'syncKiBPerSecond' | 'syncSecondsLeft'> {
  const [done, total] = (completed ?? '').split(' / ').map(Number);
  // `none` while it is about to begin, `delayed` while another one on the same disks goes first.
  if (!total || done === undefined) return completed === 'delayed' ? { syncPercent: 0 } : {};
  const syncPercent = Math.min(100, Math.floor((100 * done) / total));
  if (!(speed > 0)) return { syncPercent };
  const syncSecondsLeft = Math.ceil((total - done) / 2 / speed);
  return { syncPercent, syncKiBPerSecond: speed, syncSecondsLeft };
}

async function readMembers(host: HostPort, kernelName: string): Promise<ArrayFacts['members']> {
  const directory = `/sys/block/${kernelName}/md`;
  const blocks = new Set(await host.listDirectory('/sys/class/block'));
  const members: ArrayMemberFacts[] = [];
  for (const memberName of await memberNames(host, kernelName)) {
    const read = async (file: string): Promise<string | undefined> =>
      (await host.readFile(`${directory}/dev-${memberName}/${file}`))?.trim();
    const slot = Number.parseInt((await read('slot')) ?? '', 10);
    members.push({
      path: `/dev/${memberName}`,
      kernelName: memberName,
      state: (await read('state')) ?? '',
      ...(Number.isNaN(slot) ? {} : { slot }),
      sizeBytes: Number((await read('size')) ?? 0) * 1024,
      dataOffsetBytes: Number((await read('offset')) ?? 0) * SECTOR_BYTES,
      isGone: blocks.size > 0 && !blocks.has(memberName),
    });
  }
  return members;
}

async function readSysfs(
  host: HostPort,
  kernelName: string,
  file: string,
): Promise<string | undefined> {
  return (await host.readFile(`/sys/block/${kernelName}/md/${file}`))?.trim();
}

/** `major:minor`, by which mounts name their device. */
export async function deviceNumber(
  host: HostPort,
  kernelName: string,
): Promise<string | undefined> {
  return (await host.readFile(`/sys/block/${kernelName}/dev`))?.trim();
}

/** Files that a killed creation left, of arrays that don't exist (any more). */
export async function staleCreatingMarkers(host: HostPort): Promise<string[]> {
  const names = (await host.listDirectory('/run/mdadm')) ?? [];
  const present = new Set((await host.listDirectory('/sys/block')) ?? []);
  return names
    .filter((name) => name.startsWith('creating-md') && !present.has(name.slice(9)))
    .map((name) => `/run/mdadm/${name}`);
}
