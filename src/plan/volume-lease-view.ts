// The disks that a storage pool has from a VolumePool as its status shows them, and as its node's mount is
// asked for them: at first by the logical unit at which Azure attached each, then by the name under which
// the node has made it a member.
import type { MountedDisk } from '../api/disk.ts';
import type { LeasedVolume } from '../api/leased-volume.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { isSameResource } from './node-machine.ts';
import type { LeaseSnapshot } from './volume-lease-facts.ts';
import { type Lease, type LeaseOrder, volumesWanted } from './volume-lease-order.ts';

const GIBIBYTE = 1024 ** 3;

export function viewOf(snapshot: LeaseSnapshot, order: LeaseOrder): LeasedVolume[] {
  return [...order.kept, ...order.leaving].flatMap((lease) => {
    if (!lease.volume) return lease.entry ? [lease.entry] : [];
    const isLeaving = order.leaving.some((one) => one === lease);
    return [viewOfOne(snapshot, { ...lease, volume: lease.volume }, isLeaving)];
  });
}

function viewOfOne(
  snapshot: LeaseSnapshot,
  { entry, volume }: Lease & { readonly volume: PoolVolume },
  isLeaving: boolean,
): LeasedVolume {
  const { metadata, spec, status } = volume;
  const resourceId = status?.azure?.resourceId ?? entry?.resourceId;
  const place = placeOf(snapshot, volume, entry);
  const { lun } = place;
  const known = identityOf(snapshot, entry, place);
  return {
    name: metadata.name,
    uid: metadata.uid,
    ...(resourceId === undefined ? {} : { resourceId }),
    sizeBytes: spec.sizeGiB * GIBIBYTE,
    ...(lun === undefined ? {} : { lun }),
    state: isLeaving && place.state === 'Attached' ? 'Leaving' : place.state,
    ...known,
  };
}

type Place = Pick<LeasedVolume, 'state' | 'lun'>;

/** Listed by the VM is not attached: the disk itself must say so too. */
function placeOf(
  { machine, disks }: LeaseSnapshot,
  { metadata, status }: PoolVolume,
  entry: LeasedVolume | undefined,
): Place {
  if (machine === 'unread')
    return {
      state: entry?.state ?? 'Claimed',
      ...(entry?.lun !== undefined && { lun: entry.lun }),
    };
  if (machine === 'absent') return { state: 'Claimed' };
  const listed = machine.dataDisks.find(({ diskId }) =>
    isSameResource(diskId, status?.azure?.resourceId),
  );
  if (!listed) return { state: 'Claimed' };
  const { lun } = listed;
  if (listed.toBeDetached) return { state: 'Detaching', lun };
  const live = disks.get(metadata.uid);
  const isProven =
    live === undefined
      ? entry?.state === 'Attached' || entry?.state === 'Leaving'
      : live !== 'absent' && isSameResource(live.managedBy, machine.id);
  return { state: isProven ? 'Attached' : 'Attaching', lun };
}

type Identity = Pick<LeasedVolume, 'serial' | 'wwn'>;

/** The name that the node has for it, once it is a member there: from then on no other disk can be meant. */
function identityOf(
  { mount }: LeaseSnapshot,
  entry: LeasedVolume | undefined,
  { state }: Place,
): Identity {
  if (!entry) return {};
  const { serial, wwn } = entry;
  const known = { ...(serial !== undefined && { serial }), ...(wwn !== undefined && { wwn }) };
  const isUpToDate = mount?.status?.observedGeneration === mount?.metadata.generation;
  if (state !== 'Attached' || !isUpToDate) return known;
  if (!mount?.status || mount.spec.type !== 'mdadm') return known;
  const { drives } = mount.status;
  const place = mount.spec.mdadm.devices.findIndex((device) => isAskedAs(device, entry));
  const drive = place < 0 ? undefined : drives[place];
  if (!drive) return known;
  // Attached, and not there under its name: it may have another one since it was attached anew.
  if (drive.state === 'Missing') return {};
  if (!MEMBER_STATES.has(drive.state)) return known;
  return {
    ...(drive.serial !== undefined && { serial: drive.serial }),
    ...(drive.wwn !== undefined && { wwn: drive.wwn }),
  };
}

const MEMBER_STATES: ReadonlySet<string> = new Set(['Active', 'Spare', 'Rebuilding']);

export function isAskedAs(device: MountedDisk, { serial, wwn, lun }: LeasedVolume): boolean {
  if (wwn !== undefined || serial !== undefined)
    return device.wwn === wwn && device.serial === serial;
  return lun !== undefined && device.azureLun === lun;
}

/**
 * Undefined until an array can be made of them. What leaves stays named until there is another one in its
 * place: an array is never asked to do with fewer disks than its pool wants.
 */
export function devicesFor(
  { pool, hasMount }: LeaseSnapshot,
  { kept, leaving }: LeaseOrder,
  volumes: readonly LeasedVolume[],
): MountedDisk[] | undefined {
  const wanted = volumesWanted(pool);
  const viewed = ({ entry, volume }: Lease): LeasedVolume[] => {
    const uid = volume?.metadata.uid ?? entry?.uid;
    return volumes.filter((one) => one.uid === uid);
  };
  const usable = (one: LeasedVolume): boolean =>
    one.state === 'Attached' || one.state === 'Leaving' || isNamed(one);
  const ready = kept.flatMap(viewed).filter(usable);
  if (!hasMount && ready.length < wanted) return undefined;
  const fillers = leaving.flatMap(viewed).filter(usable);
  return [...ready, ...fillers].slice(0, wanted).map(asDevice);
}

function isNamed({ serial, wwn }: LeasedVolume): boolean {
  return serial !== undefined || wwn !== undefined;
}

function asDevice({ name, serial, wwn, lun, sizeBytes }: LeasedVolume): MountedDisk {
  const size = sizeBytes === undefined ? {} : { sizeBytes };
  const label = name.length <= LABEL_MAX_LENGTH ? { label: name } : {};
  if (serial !== undefined || wwn !== undefined)
    return {
      ...(serial !== undefined && { serial }),
      ...(wwn !== undefined && { wwn }),
      ...size,
      ...label,
    };
  return { ...(lun !== undefined && { azureLun: lun }), ...size, ...label };
}

const LABEL_MAX_LENGTH = 64;
