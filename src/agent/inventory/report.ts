// The inventory entry of one disk, as the StorageNode shows it: what it is, what is on it, who uses
// it, who owns it, and why a pool may not take it.
import type { DeviceContents as ReportedContents, StorageDevice } from '../../api/storage-node.ts';
import {
  type DeviceContents,
  describeContents,
  identityKey,
  judgeDevice,
} from '../../plan/disks.ts';
import { describeOwner } from '../claims.ts';
import type { Owner } from '../journal.ts';
import type { ListedDevice } from './lsblk.ts';

export interface Surroundings {
  /** Whose it is, and what has become of them, where that is more than their name. */
  readonly owner: Owner | undefined;
  readonly ownerIsGone: string | undefined;
  readonly stablePath: string | undefined;
  /** All disks of the node. */
  readonly devices: readonly ListedDevice[];
}

/** What names a disk has at most this many characters in the API. */
const NAME_MAX_LENGTH = 128;
const MESSAGE_MAX_LENGTH = 512;

export function reportDevice(device: ListedDevice, around: Surroundings): StorageDevice {
  const { owner, stablePath } = around;
  const reasons = reasonsFor(device, around);
  const usedBy = describeUse(device);
  const isName = (name: string | undefined): name is string =>
    name !== undefined && name.length <= NAME_MAX_LENGTH;
  return {
    name: device.kernelName,
    path: device.path,
    ...(stablePath !== undefined && { stablePath }),
    ...(isName(device.serial) && { serial: device.serial }),
    ...(isName(device.wwn) && { wwn: device.wwn }),
    ...(isName(device.model) && { model: device.model }),
    ...(device.namespaceId !== undefined && { namespaceId: device.namespaceId }),
    sizeBytes: device.sizeBytes,
    rotational: device.isRotational,
    readOnly: device.isReadOnly,
    removable: device.isRemovable,
    ...(device.transport !== undefined && { transport: device.transport }),
    type: device.type,
    ...(device.azureLun !== undefined && { azureLun: device.azureLun }),
    contents: reportContents(device),
    ...(usedBy !== undefined && { usedBy }),
    ...(owner && {
      claimedBy: {
        namespace: owner.namespace,
        name: owner.name,
        uid: owner.uid,
        poolUid: owner.poolUid,
      },
    }),
    eligible: reasons.length === 0,
    reasons: reasons.map(({ reason, message }) => ({
      reason,
      message: message.slice(0, MESSAGE_MAX_LENGTH),
    })),
  };
}

const nameless = {
  reason: 'DeviceAmbiguous',
  message: 'The disk reports neither serial nor wwn, so nothing tells it from another one.',
};

function reasonsFor(
  device: ListedDevice,
  { owner, ownerIsGone, devices }: Surroundings,
): StorageDevice['reasons'] {
  if (owner) {
    const message = `Belongs to ${describeOwner(owner)}${ownerIsGone === undefined ? '.' : `, ${ownerIsGone}`}`;
    return [{ reason: 'DeviceClaimed', message }];
  }
  const verdict = judgeDevice(device);
  if (verdict.type === 'refuse') return [{ reason: verdict.reason, message: verdict.message }];
  if (device.serial === undefined && device.wwn === undefined) return [nameless];
  const twins = devices.filter((other) => identityKey(other) === identityKey(device));
  if (twins.length < 2) return [];
  const paths = twins.map(({ path }) => path).join(' and ');
  return [{ reason: 'DeviceAmbiguous', message: describeTwins(device, paths) }];
}

function describeTwins({ wwn, serial }: ListedDevice, paths: string): string {
  return wwn === undefined
    ? `${paths} report the same serial ${serial} and no wwn, so nothing tells them apart.`
    : `${paths} have the same wwn ${wwn}: they are paths to one disk, and a path must not be written to directly.`;
}

function describeUse(device: ListedDevice): string | undefined {
  const mounts = device.mountPoints.map((point) => (point === '[SWAP]' ? 'swap' : point));
  const stacked = device.children.filter(({ type }) => type !== 'part').map(({ path }) => path);
  const holders = device.holders.map((name) => `/dev/${name}`);
  const users = [...new Set([...mounts, ...stacked, ...holders])];
  return users.length > 0 ? users.join(', ').slice(0, 512) : undefined;
}

const volumeManagers = new Set(['LVM2_member', 'crypto_LUKS', 'ceph_bluestore', 'bcache']);

function reportContents(device: ListedDevice): ReportedContents {
  const { contents } = device;
  const detail = describeContents(device)?.slice(0, 512);
  const withDetail = detail === undefined ? {} : { detail };
  if (device.children.some(({ type }) => type === 'part'))
    return { type: 'PartitionTable', ...withDetail };
  // A disk of a pool is read by that pool alone; udev's word is good enough to show.
  if (!contents && device.filesystemHint === 'linux_raid_member') return { type: 'RaidMember' };
  if (!contents && device.filesystemHint !== undefined)
    return { type: 'Filesystem', detail: device.filesystemHint.slice(0, MESSAGE_MAX_LENGTH) };
  if (!contents) return { type: 'NotChecked' };
  return { type: contentsType(contents), ...withDetail };
}

function contentsType(contents: DeviceContents): ReportedContents['type'] {
  if (contents.superblock.type === 'member') return 'RaidMember';
  if (contents.types.some((type) => volumeManagers.has(type))) return 'VolumeManager';
  if (contents.types.some((type) => ['gpt', 'dos', 'PMBR'].includes(type))) return 'PartitionTable';
  if (contents.signatures === 'found' || contents.signatures === 'ambivalent') return 'Filesystem';
  if (contents.ends === 'unreadable' || contents.signatures === 'failed') return 'Unreadable';
  if (contents.ends === 'data') return 'UnknownData';
  return contents.ends === 'zero' ? 'Blank' : 'NotChecked';
}
