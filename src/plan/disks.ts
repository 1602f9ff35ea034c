// Which disk is meant, and whether it may be written to. Pure: facts in, a verdict out.
//
// A wrong "no" costs somebody a minute, a wrong "yes" costs somebody their data. So every check
// must be answered positively: a disk of which something isn't known is not blank.
import type { Reason } from '../api/reasons.ts';

/** Everything that tells one disk from another; recorded when a disk is claimed. */
export interface DeviceIdentity {
  readonly serial?: string | undefined;
  readonly wwn?: string | undefined;
  readonly model?: string | undefined;
  readonly sizeBytes: number;
  readonly namespaceId?: number | undefined;
}

/** What names a disk: at least one of serial and wwn, or the logical unit that Azure put it at. */
export interface DeviceRequest {
  readonly serial?: string | undefined;
  readonly wwn?: string | undefined;
  readonly model?: string | undefined;
  readonly sizeBytes?: number | undefined;
  readonly namespaceId?: number | undefined;
  /** The logical unit at which Azure attached it: where it is, not what it is. */
  readonly azureLun?: number | undefined;
  /** The serial (or wwn) typed once more: what is on the disk may be destroyed. */
  readonly wipeConfirm?: string | undefined;
}

/** What reading the disk itself showed. */
export interface DeviceContents {
  /** `ambivalent`: several filesystems at once; `failed`: the tools gave no usable answer. */
  readonly signatures: 'none' | 'found' | 'ambivalent' | 'failed';
  /** Types found, such as `ext4` or `gpt`. */
  readonly types: readonly string[];
  readonly superblock:
    | { readonly type: 'none' | 'failed' }
    | {
        readonly type: 'member';
        readonly arrayUuid: string;
        readonly name: string;
        /** How many working members the array has, by this one's word. */
        readonly raidDisks?: number | undefined;
      };
  /** Direct reads of `probedRegions`. `busy`: the kernel holds the disk. */
  readonly ends: 'zero' | 'data' | 'unreadable' | 'busy';
  /** About where reading failed first. */
  readonly unreadableAtBytes?: number;
}

export interface Region {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

const MEBIBYTE = 1024 * 1024;
/** What even a slow disk reads in seconds. */
const WHOLE_BYTES_MAX = 512 * MEBIBYTE;
/** Of larger disks this many parts are begun to be read. */
const PARTS = 16;

/**
 * What must be read, and be zero, before a disk counts as blank; erasing a disk erases just these. A
 * small disk whole. Of a larger one both ends, where nearly everything has its metadata, and places
 * all over it, for data whose metadata was overwritten: at 128 MiB is ext4's first backup, and
 * quarters are where xfs' groups begin.
 */
export function probedRegions(sizeBytes: number): Region[] {
  if (sizeBytes <= WHOLE_BYTES_MAX) return [{ offsetBytes: 0, lengthBytes: sizeBytes }];
  const lengthBytes = MEBIBYTE;
  const parts = Array.from({ length: PARTS - 1 }, (_, index) => (sizeBytes / PARTS) * (index + 1));
  const between = [128 * MEBIBYTE, ...parts.map((start) => start - MEBIBYTE / 2)];
  const offsets = between.map((offset) => Math.floor(offset / 4096) * 4096);
  return [0, sizeBytes - MEBIBYTE, ...offsets].map((offsetBytes) => ({ offsetBytes, lengthBytes }));
}

export interface DeviceFacts extends DeviceIdentity {
  readonly path: string;
  readonly kernelName: string;
  /** lsblk's word: `disk`, `part`, `loop`, `raid1`, `mpath` … */
  readonly type: string;
  readonly transport?: string | undefined;
  readonly azureLun?: number | undefined;
  readonly isReadOnly: boolean;
  readonly isRotational: boolean;
  /** Partitions and whatever else is stacked on the disk, with lsblk's type. */
  readonly children: readonly { readonly path: string; readonly type: string }[];
  /** Kernel names of what holds the disk open, such as `md127`. */
  readonly holders: readonly string[];
  /** Mount points of the disk or anything on it, in any mount namespace; `[SWAP]` for swap. */
  readonly mountPoints: readonly string[];
  /** Absent: not read yet. */
  readonly contents?: DeviceContents | undefined;
}

export interface Refusal {
  readonly type: 'refuse';
  readonly reason: Reason;
  readonly message: string;
}

export type Resolution = { readonly type: 'found'; readonly device: DeviceFacts } | Refusal;

/** `ours`: carries the expected array's superblock. `wipe`: usable once its data is destroyed. */
export type Verdict =
  | { readonly type: 'use' }
  | { readonly type: 'ours' }
  | { readonly type: 'wipe'; readonly destroys: string }
  | Refusal;

const CANDIDATES_MAX = 10;

export function describeDevice(device: DeviceIdentity & { readonly path?: string }): string {
  const parts = [
    device.path,
    device.serial !== undefined && `serial ${device.serial}`,
    device.wwn !== undefined && `wwn ${device.wwn}`,
    device.namespaceId !== undefined && `namespace ${device.namespaceId}`,
  ];
  return parts.filter(Boolean).join(', ');
}

/** Finds the one whole disk that is meant. Kernel names are never asked for: they change. */
export function resolveDevice(request: DeviceRequest, devices: readonly DeviceFacts[]): Resolution {
  const disks = devices.filter(({ type }) => type === 'disk');
  const matches = disks.filter((device) => fits(request, device));
  const wanted = describeRequest(request);
  if (matches.length === 1) return { type: 'found', device: matches[0]! };
  if (matches.length > 1) {
    const list = matches.map(describeDevice).join('; ');
    const message = `${matches.length} devices match ${wanted}: ${list}. Name the device by wwn.`;
    return { type: 'refuse', reason: 'DeviceAmbiguous', message };
  }
  const known = disks.slice(0, CANDIDATES_MAX).map(describeDevice).join('; ');
  const message = `No device matches ${wanted}. The node has: ${known || 'no disks'}.${hintFor(request, disks)}`;
  return { type: 'refuse', reason: 'DeviceNotFound', message };
}

function describeRequest(request: DeviceRequest): string {
  const { azureLun, sizeBytes } = request;
  if (azureLun === undefined) return describeDevice({ ...request, sizeBytes: 0 });
  const size = sizeBytes === undefined ? '' : ` of ${sizeBytes} bytes`;
  return `Azure LUN ${azureLun}${size}`;
}

function hintFor({ azureLun }: DeviceRequest, disks: readonly DeviceFacts[]): string {
  if (azureLun === undefined || disks.some((disk) => disk.azureLun !== undefined)) return '';
  return (
    ' None of them has a link under /dev/disk/azure, by which disks of Azure are found: the node needs ' +
    'the udev rules of walinuxagent or azure-vm-utils.'
  );
}

function fits(request: DeviceRequest, device: DeviceFacts): boolean {
  const { serial, wwn, azureLun } = request;
  if (serial === undefined && wwn === undefined && azureLun === undefined) return false;
  const pairs = [
    [azureLun, device.azureLun],
    [request.serial?.trim(), device.serial?.trim()],
    [request.wwn?.trim().toLowerCase(), device.wwn?.trim().toLowerCase()],
    [request.model?.trim(), device.model?.trim()],
    [request.sizeBytes, device.sizeBytes],
    [request.namespaceId, device.namespaceId],
  ];
  return pairs.every(([wanted, found]) => wanted === undefined || wanted === found);
}

/** Whether this still is the disk that was claimed. */
export function isSameDevice(one: DeviceIdentity, other: DeviceIdentity): boolean {
  return identityKey(one) === identityKey(other);
}

export function identityOf(device: DeviceIdentity): DeviceIdentity {
  const { serial, wwn, model, sizeBytes, namespaceId } = device;
  return {
    sizeBytes,
    ...(serial !== undefined && { serial }),
    ...(wwn !== undefined && { wwn }),
    ...(model !== undefined && { model }),
    ...(namespaceId !== undefined && { namespaceId }),
  };
}

/** One text per identity, for maps and journals. */
export function identityKey(device: DeviceIdentity): string {
  const { serial, wwn, model, sizeBytes, namespaceId } = device;
  return JSON.stringify([serial ?? '', wwn ?? '', model ?? '', sizeBytes, namespaceId ?? null]);
}

interface Expectation {
  /** Superblocks with this array UUID are ours. */
  readonly arrayUuid?: string | undefined;
  readonly sizeBytesMin?: number;
  readonly wipeConfirm?: string | undefined;
  /** Something was typed, but for what the disk held earlier. */
  readonly isSpent?: boolean | undefined;
}

type Check = (device: DeviceFacts, expectation: Expectation) => Refusal | undefined;

const DEFAULT_SIZE_BYTES_MIN = 64 * MEBIBYTE;
/** Where the operating system and the kubelet live. */
const systemMountPoints = ['/', '/boot', '/usr', '/var', '/etc', '/var/lib/kubelet', '[SWAP]'];

function refuse(reason: Reason, device: DeviceFacts, why: string): Refusal {
  return { type: 'refuse', reason, message: `${describeDevice(device)}: ${why}` };
}

// Make sure it is a whole disk: partitions belong to somebody's table.
const isWholeDisk: Check = (device) =>
  device.type === 'disk'
    ? undefined
    : refuse('DeviceIsPartition', device, `is a ${device.type}, not a whole disk.`);

// Make sure the node doesn't run from it.
const isNotSystem: Check = (device) => {
  const found = device.mountPoints.filter(
    (point) =>
      systemMountPoints.includes(point) ||
      point.startsWith('/boot/') ||
      point.startsWith('/var/lib/containerd'),
  );
  if (found.length === 0) return undefined;
  return refuse('DeviceIsSystem', device, `carries the operating system (${found.join(', ')}).`);
};

// Make sure it can be written to at all.
const isWritable: Check = (device) =>
  device.isReadOnly ? refuse('DeviceReadOnly', device, 'is read-only.') : undefined;

// Make sure there is room for metadata and some data.
const isLargeEnough: Check = (device, { sizeBytesMin = DEFAULT_SIZE_BYTES_MIN }) =>
  device.sizeBytes >= sizeBytesMin
    ? undefined
    : refuse('DeviceTooSmall', device, `has ${device.sizeBytes} of ${sizeBytesMin} bytes needed.`);

// Make sure nobody uses it now: no mount in any namespace, nothing stacked on it.
const isUnused: Check = (device) => {
  if (device.mountPoints.length > 0)
    return refuse('DeviceInUse', device, `is mounted at ${device.mountPoints.join(', ')}.`);
  const stacked = device.children.filter(({ type }) => type !== 'part').map(({ path }) => path);
  const users = [...new Set([...stacked, ...device.holders.map((name) => `/dev/${name}`)])];
  if (users.length === 0) return undefined;
  return refuse('DeviceInUse', device, `is part of ${users.join(', ')}.`);
};

// Make sure the disk was really read: tools call an unreadable disk blank.
const isReadable: Check = (device) => {
  const { contents } = device;
  if (contents?.ends === 'busy')
    return refuse('DeviceInUse', device, 'cannot be opened exclusively; something uses it.');
  const isRead = contents !== undefined && contents.ends !== 'unreadable';
  if (isRead && contents.superblock.type !== 'failed' && contents.signatures !== 'failed')
    return undefined;
  const place = contents?.unreadableAtBytes;
  const where = place === undefined ? '' : ` Reading failed near byte ${place}.`;
  const why = `could not be read, so nothing is written to it.${where}`;
  return refuse('DeviceUnreadable', device, why);
};

const beforeContents = [isWholeDisk, isNotSystem, isWritable, isLargeEnough];
const usable = [isUnused, isReadable];

/** What is on the disk, in a person's words; undefined when it is blank. */
export function describeContents(device: DeviceFacts): string | undefined {
  const { contents, children } = device;
  const partitions = children.filter(({ type }) => type === 'part').length;
  if (partitions > 0) return `a partition table with ${partitions} partitions`;
  if (!contents) return undefined;
  if (contents.superblock.type === 'member') {
    const { name, arrayUuid } = contents.superblock;
    return `a member of the RAID array ${name ? `${name} ` : ''}(${arrayUuid})`;
  }
  if (contents.signatures === 'found' || contents.signatures === 'ambivalent')
    return contents.types.join(' and ') || 'several filesystems at once';
  return contents.ends === 'data' ? 'data that no tool recognises' : undefined;
}

/** May this disk become, or is it, a member of our array? */
export function judgeDevice(device: DeviceFacts, expectation: Expectation = {}): Verdict {
  for (const check of beforeContents) {
    const refusal = check(device, expectation);
    if (refusal) return refusal;
  }
  const superblock = device.contents?.superblock;
  if (superblock?.type === 'member' && superblock.arrayUuid === expectation.arrayUuid)
    return { type: 'ours' };
  for (const check of usable) {
    const refusal = check(device, expectation);
    if (refusal) return refusal;
  }
  const found = describeContents(device);
  if (found === undefined) return { type: 'use' };
  if (isConfirmed(device, expectation.wipeConfirm)) return { type: 'wipe', destroys: found };
  const hint = expectation.isSpent
    ? 'Its wipe.confirm was for what it held earlier: take wipe out of the device, then set it again ' +
      'to destroy what it holds now.'
    : 'To destroy that, repeat the serial or wwn in wipe.confirm of the device.';
  const keep =
    superblock?.type === 'member' ? ' To use that array as it is, make a pool that adopts it.' : '';
  return refuse('DeviceNotBlank', device, `holds ${found}. ${hint}${keep}`);
}

function isConfirmed(device: DeviceFacts, wipeConfirm: string | undefined): boolean {
  if (!wipeConfirm) return false;
  return [device.serial?.trim(), device.wwn?.trim()].includes(wipeConfirm.trim());
}
