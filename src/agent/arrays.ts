// Software RAID as sysfs shows it. Arrays are found by UUID; their names change from boot to boot.

import { isSameUuid, normalUuid } from '../plan/node-mount-identity.ts';
import type { ArrayFacts } from '../plan/node-mount-mdadm-facts.ts';
import type { HostPort } from './host-port.ts';

/** Asks the kernel, not mdadm: no process is started, nothing is opened. */
export async function findArray(host: HostPort, uuid: string): Promise<ArrayFacts | undefined> {
  for (const kernelName of (await host.listDirectory('/sys/block')) ?? []) {
    if (!/^md/.test(kernelName)) continue;
    const found = await readSysfs(host, kernelName, 'uuid');
    if (isSameUuid(found, uuid)) return readArray(host, kernelName);
  }
  return undefined;
}

export async function readArray(host: HostPort, kernelName: string): Promise<ArrayFacts> {
  const read = (file: string): Promise<string | undefined> => readSysfs(host, kernelName, file);
  const level = (await read('level')) ?? '';
  const [done, total] = ((await read('sync_completed')) ?? '').split(' / ').map(Number);
  const speed = Number(await read('sync_speed'));
  const syncAction = await read('sync_action');
  const isSyncing = syncAction !== undefined && syncAction !== 'idle' && syncAction !== 'frozen';
  return {
    path: `/dev/${kernelName}`,
    kernelName,
    uuid: normalUuid((await read('uuid')) ?? ''),
    level: Number(level.replace('raid', '')),
    raidDisks: Number.parseInt((await read('raid_disks')) ?? '0', 10),
    state: (await read('array_state')) ?? 'inactive',
    degraded: Number((await read('degraded')) ?? 0),
    members: await readMembers(host, kernelName),
    ...(syncAction !== undefined && { syncAction }),
    ...(isSyncing && total && done !== undefined
      ? { syncPercent: Math.min(100, Math.floor((100 * done) / total)) }
      : {}),
    ...(isSyncing && speed > 0 && { syncKiBPerSecond: speed }),
  };
}

async function readMembers(host: HostPort, kernelName: string): Promise<ArrayFacts['members']> {
  const directory = `/sys/block/${kernelName}/md`;
  const names = (await host.listDirectory(directory)) ?? [];
  const members: ArrayFacts['members'][number][] = [];
  for (const name of names.filter((one) => one.startsWith('dev-'))) {
    const state = (await host.readFile(`${directory}/${name}/state`))?.trim();
    const memberName = name.slice('dev-'.length);
    members.push({ path: `/dev/${memberName}`, kernelName: memberName, state: state ?? '' });
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
