// Mounting, the part that all types of storage share: a directory nobody writes into by mistake,
// the mount, and a marker inside that tells whose filesystem it is.
import type { JournalFacts, MountIntent, MountPointFacts } from './node-mount-facts.ts';
import { markerFile, type NodeMountPlan, refuse, step } from './node-mount-step.ts';

export interface MountWish {
  readonly source: string;
  readonly filesystem: string;
  readonly options: readonly string[];
  readonly uuid: string | undefined;
  /** Whether a marker is kept inside; other people's exports get none. */
  readonly hasMarker: boolean;
  /** Whoever adopts an array takes it over from the pool whose marker is still in it. */
  readonly replacesMarker: boolean;
  /** Nothing can be written there, no marker either. */
  readonly isReadOnly?: boolean | undefined;
  readonly mountedAs?: string | undefined;
  readonly needsKey?: boolean | undefined;
  /** Size of the device, which the filesystem fills. */
  readonly filesystemSizedTo?: number | undefined;
}

interface Situation {
  readonly intent: MountIntent;
  readonly mountPoint: MountPointFacts;
  readonly journal: JournalFacts;
}

/** The next step towards "mounted"; undefined once it is. */
export function planMounting(
  { intent, mountPoint, journal }: Situation,
  wish: MountWish,
): NodeMountPlan | undefined {
  const top = mountPoint.mounts.at(-1);
  if (top && !top.isOurs)
    return refuse('MountPathInUse', `${top.source} is mounted at ${mountPoint.path} already.`);
  if (!top) return planMount({ intent, mountPoint, journal }, wish);
  if (wish.hasMarker) {
    const { marker } = mountPoint;
    const isForeign = marker.type === 'found' && marker.poolUid !== intent.poolUid;
    if (isForeign && !wish.replacesMarker) {
      const why =
        `The filesystem at ${mountPoint.path} belongs to the pool with uid ${marker.poolUid}. If ` +
        `that one is gone for good, here and in other clusters, remove ${mountPoint.path}/${markerFile}.`;
      return refuse('FilesystemMismatch', why);
    }
    if ((marker.type === 'none' || isForeign) && !wish.isReadOnly)
      return step('The mounted filesystem has no marker of its present owner yet.', {
        type: 'writeMarker',
        mountPath: mountPoint.path,
        poolUid: intent.poolUid,
      });
  }
  if (!journal.active)
    return step('It is complete: from now on the deletion policy protects its bytes.', {
      type: 'recordActive',
      // A crash may have come between the mount and its record.
      ...(journal.mountedAs === undefined && { mountedAs: wish.mountedAs }),
      ...(wish.filesystemSizedTo !== undefined && { filesystemSizedTo: wish.filesystemSizedTo }),
    });
  return undefined;
}

function planMount(
  { mountPoint, journal }: Situation,
  { source, filesystem, options, uuid, mountedAs, needsKey }: MountWish,
): NodeMountPlan {
  const { path } = mountPoint;
  if (mountPoint.exists && mountPoint.entries > 0) {
    const count = mountPoint.entries;
    const why = `The directory ${path} is not empty (${count} entries); mounting would hide them.`;
    return refuse('MountPathInUse', why);
  }
  if (!mountPoint.exists)
    return step(`The directory ${path} does not exist.`, { type: 'makeMountPoint', path });
  if (!journal.mountPointProtected)
    return step('While nothing is mounted, nobody should write into the directory.', {
      type: 'protectMountPoint',
      path,
    });
  return step(`${source} is not mounted${journal.active ? ' any more' : ''}.`, {
    type: 'mount',
    path,
    filesystem,
    source,
    options,
    uuid,
    ...(mountedAs !== undefined && { mountedAs }),
    ...(needsKey && { needsKey }),
  });
}

/** The next step towards "not mounted, no directory left"; undefined once that is so. */
export function planUnmounting(
  { mountPoint, journal }: Situation,
  byForce = false,
): NodeMountPlan | undefined {
  const { path } = mountPoint;
  if (mountPoint.mounts.some(({ isOurs }) => isOurs))
    return step('It is being deleted.', { type: 'unmount', path, byForce });
  const isMade = journal.mountPoint !== 'none' && mountPoint.exists;
  if (!isMade || mountPoint.mounts.length > 0) return undefined;
  if (mountPoint.isImmutable)
    return step(`${path} is to be removed.`, { type: 'unprotectMountPoint', path });
  if (mountPoint.entries > 0) return undefined;
  return step(`${path} was made for this mount and is empty.`, { type: 'removeMountPoint', path });
}
