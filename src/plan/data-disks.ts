// Which data disks of a VM to attach and detach, and at which LUN. Disks that aren't ours stay as they are.
import type { PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';

export interface DataDiskSeen {
  readonly lun: number;
  readonly diskId: string;
  readonly toBeDetached: boolean;
}

type Attached = PoolInstanceStatus['volumes'][number];

export interface DataDiskPlan {
  readonly change:
    | {
        readonly attach: readonly { readonly diskId: string; readonly lun: number }[];
        readonly detach: readonly string[];
      }
    | undefined;
  /** Wanted volumes that the VM shows as attached. */
  readonly attached: readonly Attached[];
  /** True while a wanted volume has no disk to attach yet. */
  readonly waiting: boolean;
  readonly because: string;
}

/** Azure allows 64 data disks at most; smaller sizes fewer, which Azure then says itself. */
const MAX_LUN = 63;

/**
 * `known`: pooled disks that this VM held, whose removal is ours to ask for once nobody wants them. Of a
 * VM that is not being updated: what it still lists as being detached is a detach that failed, and is
 * asked for again, also where the disk is wanted by now.
 */
export function planDataDisks(
  seen: readonly DataDiskSeen[],
  wanted: readonly PoolVolume[],
  known: readonly Attached[],
): DataDiskPlan {
  const standing = seen.filter((disk) => !disk.toBeDetached);
  const wantedIds = new Set(
    wanted.flatMap(({ status }) => (status?.azure ? [idOf(status.azure)] : [])),
  );
  const knownIds = new Set(known.map(idOf));
  const leaving = new Set<string>();
  const detach: string[] = [];
  for (const { diskId, toBeDetached } of seen) {
    const id = diskId.toLowerCase();
    if (toBeDetached) leaving.add(id);
    const isUnwanted = knownIds.has(id) && !wantedIds.has(id);
    if (isUnwanted || (toBeDetached && wantedIds.has(id))) detach.push(diskId);
  }

  const attached: Attached[] = [];
  const attach: { diskId: string; lun: number }[] = [];
  const used = new Set(seen.map(({ lun }) => lun));
  let waiting = false;
  for (const { metadata, status } of wanted) {
    if (!status?.azure) {
      waiting = true;
      continue;
    }
    const { resourceId } = status.azure;
    const there = standing.find(({ diskId }) => diskId.toLowerCase() === idOf(status.azure!));
    if (there) {
      attached.push({ name: metadata.name, uid: metadata.uid, resourceId, lun: there.lun });
      continue;
    }
    if (leaving.has(resourceId.toLowerCase())) continue;
    const lun = lowestFree(used);
    if (lun === undefined) continue;
    used.add(lun);
    attach.push({ diskId: resourceId, lun });
  }
  const change = attach.length > 0 || detach.length > 0 ? { attach, detach } : undefined;
  return { change, attached, waiting, because: describe(attach.length, detach.length, waiting) };
}

function idOf({ resourceId }: { readonly resourceId: string }): string {
  return resourceId.toLowerCase();
}

function lowestFree(used: ReadonlySet<number>): number | undefined {
  for (let lun = 0; lun <= MAX_LUN; lun++) if (!used.has(lun)) return lun;
  return undefined;
}

function describe(attach: number, detach: number, waiting: boolean): string {
  if (attach > 0) return `attach ${attach} disks`;
  if (detach > 0) return `detach ${detach} disks`;
  return waiting ? 'waits for a disk to be made' : 'its disks are attached';
}
