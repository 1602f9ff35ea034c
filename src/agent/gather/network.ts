// One look at an NFS or CephFS mount. The server is only ever asked by a child that can be left
// behind: it may be gone.
import { type CephfsFacts, type CephfsIntent, cephSource } from '../../plan/node-mount-cephfs.ts';
import type { MountIntent } from '../../plan/node-mount-facts.ts';
import type { NetworkFacts } from '../../plan/node-mount-network.ts';
import { type NfsFacts, type NfsIntent, nfsSource } from '../../plan/node-mount-nfs.ts';
import { inspectMountPoint } from '../mounts.ts';
import { missingForCephfs, missingForNfs } from '../preflight.ts';
import type { GatherContext } from './context.ts';

export function gatherNfs(
  intent: NfsIntent,
  uid: string,
  context: GatherContext,
): Promise<NfsFacts> {
  const source = nfsSource(intent);
  const missing = missingForNfs(context.preflight);
  return gatherNetwork({ intent, uid, source, filesystem: 'nfs', missing }, context);
}

export function gatherCephfs(
  intent: CephfsIntent,
  uid: string,
  context: GatherContext,
): Promise<CephfsFacts> {
  const source = cephSource(intent);
  const missing = missingForCephfs(context.preflight);
  return gatherNetwork({ intent, uid, source, filesystem: 'ceph', missing }, context);
}

interface Sought {
  readonly intent: MountIntent;
  readonly uid: string;
  readonly source: string;
  /** What the kernel calls it begins so: `nfs4` is NFS too. */
  readonly filesystem: string;
  readonly missing: string[];
}

async function gatherNetwork(
  { intent, uid, source, filesystem, missing }: Sought,
  { host, journal, prober }: GatherContext,
): Promise<NetworkFacts> {
  const journalFacts = journal.facts(uid);
  const sourceOf = filesystem === 'ceph' ? cephPath : withoutSlash;
  const sources = new Set([source, journalFacts.mountedSource].map(sourceOf));
  const mountPoint = await inspectMountPoint(host, {
    path: intent.mountPath,
    isOurs: (entry) =>
      intent.pathTakenBy === undefined &&
      entry.filesystem.startsWith(filesystem) &&
      sources.has(sourceOf(entry.source)),
    readsMarker: false,
    findsForeignHolders: false,
  });
  const isMounted = mountPoint.mounts.at(-1)?.isOurs === true;
  return {
    mountPoint,
    journal: journalFacts,
    missing,
    answer: isMounted ? await prober.askFilesystem(host, intent.mountPath) : { type: 'notAsked' },
  };
}

/** `server:/data/` and `server:/data` are one export; `server:/` is the root. */
function withoutSlash(source: string | undefined): string | undefined {
  return source?.replace(/([^:])\/+$/, '$1');
}

/**
 * Of a Ceph mount only the directory: in place of what it was given the kernel shows addresses for the
 * names of monitors (`10.0.0.1:3300:/team`), or the cluster's own name (`app@1ae2….cephfs=/team`).
 */
function cephPath(source: string | undefined): string | undefined {
  return withoutSlash(source && /[:=]\/.*$/.exec(source)?.[0].slice(1));
}
