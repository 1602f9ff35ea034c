// One look at the node for one NodeMount: everything the planner needs, and nothing is changed.
import { type DeviceFacts, identityKey, resolveDevice } from '../plan/disks.ts';
import { type NodeMountSituation, nfsSource } from '../plan/node-mount.ts';
import type { MdadmFacts, MdadmIntent, NfsFacts, NfsIntent } from '../plan/node-mount-facts.ts';
import { arrayUuidOf, isRunning } from '../plan/node-mount-mdadm.ts';
import { deviceNumber, findArray, staleCreatingMarkers } from './arrays.ts';
import type { DeviceClaims } from './claims.ts';
import { readFilesystem } from './filesystems.ts';
import type { HostPort } from './host-port.ts';
import { readContents } from './inventory/contents.ts';
import { listDevices } from './inventory/lsblk.ts';
import type { Journal } from './journal.ts';
import { inspectMountPoint } from './mounts.ts';
import { missingForArray, missingForNfs, type PreflightResult } from './preflight.ts';

export interface GatherContext {
  readonly host: HostPort;
  readonly journal: Journal;
  readonly claims: DeviceClaims;
  readonly preflight: PreflightResult;
  /** Another mount's array is being created: markers of unknown arrays may be that one's. */
  readonly isCreatingElsewhere: boolean;
}

export async function gather(
  intent: MdadmIntent | NfsIntent,
  uid: string,
  context: GatherContext,
): Promise<NodeMountSituation> {
  if (intent.type === 'nfs') return { intent, facts: await gatherNfs(intent, uid, context) };
  return { intent, facts: await gatherMdadm(intent, uid, context) };
}

async function gatherMdadm(
  intent: MdadmIntent,
  uid: string,
  { host, journal, claims, preflight, isCreatingElsewhere }: GatherContext,
): Promise<MdadmFacts> {
  const journalFacts = journal.facts(uid);
  const array = await findArray(host, arrayUuidOf(intent));
  const number = array && (await deviceNumber(host, array.kernelName));
  const others = claims.ofOthers(uid);
  const known = [...journalFacts.claims.map(identityKey), ...journalFacts.erasing];
  const listed = await listDevices(host);
  const requested = intent.devices.map((request) => resolveDevice(request, listed));
  // Other mounts' disks are left alone: their commands need them exclusively.
  const wanted = (device: (typeof listed)[number]): boolean =>
    !others.has(identityKey(device)) &&
    (device.filesystemHint === 'linux_raid_member' ||
      known.includes(identityKey(device)) ||
      requested.some((one) => one.type === 'found' && one.device.path === device.path));
  const devices: DeviceFacts[] = [];
  for (const device of listed)
    devices.push(
      wanted(device) ? { ...device, contents: await readContents(host, device) } : device,
    );
  const mountPoint = await inspectMountPoint(host, {
    path: intent.mountPath,
    isOurs: ({ device }) => device !== undefined && device === number,
    readsMarker: true,
    findsForeignHolders: intent.isDeleting && array !== undefined,
  });
  return {
    devices,
    array,
    filesystem:
      array && isRunning(array)
        ? await readFilesystemOf(host, array.path, mountPoint.mounts)
        : none,
    mountPoint,
    journal: journalFacts,
    creatingMarkers: isCreatingElsewhere ? [] : await staleCreatingMarkers(host),
    missing: missingForArray(preflight, intent.level, intent.filesystem),
    claimedByOthers: others,
  };
}

const none = { type: 'none' } as const;

/** While mounted the device can't be opened exclusively; then blkid's word is enough. */
async function readFilesystemOf(
  host: HostPort,
  path: string,
  mounts: MdadmFacts['mountPoint']['mounts'],
): Promise<MdadmFacts['filesystem']> {
  const found = await readFilesystem(host, path);
  const mounted = mounts.find(({ isOurs }) => isOurs);
  if (found.type === 'unknown' && mounted)
    return { type: 'found', filesystem: mounted.filesystem, uuid: undefined };
  return found;
}

async function gatherNfs(
  intent: NfsIntent,
  uid: string,
  { host, journal, preflight }: GatherContext,
): Promise<NfsFacts> {
  const source = nfsSource(intent);
  return {
    mountPoint: await inspectMountPoint(host, {
      path: intent.mountPath,
      isOurs: (entry) => entry.filesystem.startsWith('nfs') && entry.source === source,
      readsMarker: false,
      findsForeignHolders: false,
    }),
    journal: journal.facts(uid),
    missing: missingForNfs(preflight),
  };
}
