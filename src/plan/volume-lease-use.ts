// Whether the node still has a disk that its array is to do without. In doubt it has: a disk that is
// detached under an array is a failed one.
import type { LeasedVolume } from '../api/leased-volume.ts';
import type { LeaseSnapshot } from './volume-lease-facts.ts';
import { type HeldLease, isSameDisk } from './volume-lease-order.ts';
import { isAskedAs } from './volume-lease-view.ts';

type Seen = Pick<LeaseSnapshot, 'mount' | 'hasMount' | 'reserved' | 'hasAgent'>;

export function isInUse({ mount, hasMount, reserved, hasAgent }: Seen, lease: HeldLease): boolean {
  if (!hasMount) return false;
  // It is not the mount of this node, or nobody says what is so.
  if (!mount?.status || mount.spec.type !== 'mdadm' || !hasAgent) return true;
  const { entry } = lease;
  if (!entry) return false;
  const isLate = (mount.status.observedGeneration ?? 0) < (mount.metadata.generation ?? 0);
  const isAsked = mount.spec.mdadm.devices.some((device) => isAskedAs(device, entry));
  const isMember = mount.status.drives.some((drive) => isSameDisk(drive, entry));
  return isLate || isAsked || isMember || reserved.some((disk) => isReserved(disk, entry));
}

function isReserved(disk: LeaseSnapshot['reserved'][number], entry: LeasedVolume): boolean {
  if (entry.wwn !== undefined || entry.serial !== undefined) return isSameDisk(disk, entry);
  return entry.lun !== undefined && disk.azureLun === entry.lun;
}
