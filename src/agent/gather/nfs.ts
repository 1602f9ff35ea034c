// One look at an NFS mount. The export itself is never touched: its server may be gone.
import { type NfsFacts, type NfsIntent, nfsSource } from '../../plan/node-mount-nfs.ts';
import { inspectMountPoint } from '../mounts.ts';
import { missingForNfs } from '../preflight.ts';
import type { GatherContext } from './context.ts';

export async function gatherNfs(
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
