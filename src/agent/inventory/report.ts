// The inventory entry of one disk, as the StorageNode shows it: what it is, what is on it, who uses
// it, who owns it, and why a pool may not take it.
import type { DeviceContents as ReportedContents, StorageDevice } from '../../api/storage-node.ts';
import { type DeviceContents, describeContents, judgeDevice } from '../../plan/disks.ts';
import type { Owner } from '../journal.ts';
import type { ListedDevice } from './lsblk.ts';

export function reportDevice(device: ListedDevice, owner: Owner | undefined): StorageDevice {
  const verdict = judgeDevice(device);
  const hasName = device.serial !== undefined || device.wwn !== undefined;
  const isFree = owner === undefined && verdict.type === 'use' && hasName;
  const usedBy = describeUse(device);
  const stable = stablePath(device);
  return {
    name: device.kernelName,
    path: device.path,
    ...(stable !== undefined && { stablePath: stable }),
    ...(device.serial !== undefined && { serial: device.serial }),
    ...(device.wwn !== undefined && { wwn: device.wwn }),
    ...(device.model !== undefined && { model: device.model }),
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
    eligible: isFree,
    reasons: reasonsFor(owner, verdict, hasName),
  };
}

const nameless = {
  reason: 'DeviceAmbiguous',
  message: 'The disk reports neither serial nor wwn, so nothing tells it from another one.',
};

function reasonsFor(
  owner: Owner | undefined,
  verdict: ReturnType<typeof judgeDevice>,
  hasName: boolean,
): StorageDevice['reasons'] {
  if (owner)
    return [{ reason: 'DeviceClaimed', message: `Belongs to ${owner.namespace}/${owner.name}.` }];
  if (!hasName && verdict.type !== 'refuse') return [nameless];
  if (verdict.type !== 'refuse') return [];
  return [{ reason: verdict.reason, message: verdict.message.slice(0, 512) }];
}

function describeUse(device: ListedDevice): string | undefined {
  const mounts = device.mountPoints.map((point) => (point === '[SWAP]' ? 'swap' : point));
  const stacked = device.children.filter(({ type }) => type !== 'part').map(({ path }) => path);
  const holders = device.holders.map((name) => `/dev/${name}`);
  const users = [...new Set([...mounts, ...stacked, ...holders])];
  return users.length > 0 ? users.join(', ').slice(0, 512) : undefined;
}

function stablePath(device: ListedDevice): string | undefined {
  return device.wwn === undefined ? undefined : `/dev/disk/by-id/wwn-${device.wwn}`;
}

const volumeManagers = new Set(['LVM2_member', 'crypto_LUKS', 'ceph_bluestore', 'bcache']);

function reportContents(device: ListedDevice): ReportedContents {
  const { contents } = device;
  const detail = describeContents(device)?.slice(0, 512);
  const withDetail = detail === undefined ? {} : { detail };
  if (device.children.some(({ type }) => type === 'part'))
    return { type: 'PartitionTable', ...withDetail };
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
