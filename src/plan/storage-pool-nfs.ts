// What a pool of type nfs asks its nodes for.
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { MountBranch, StorageBranch } from './storage-pool-branch.ts';
import { backendStall, nfsEndpoint, optionsStall } from './storage-pool-endpoint.ts';
import type { StorageSources } from './storage-pool-sources.ts';

export const nfsBranch: StorageBranch = {
  nodeName: () => undefined,
  refusal: () => undefined,
  mountBranch,
  waitsFor: (pool, sources) => backendStall(pool, sources) ?? optionsStall(pool, sources),
  changeable: ['server', 'exportPath', 'version', 'options'],
  conditions: ['NodePrerequisitesMet', 'Mounted'],
  holdsDataFromTheStart: () => false,
  describeRemains,
};

/** Every field is written out, so that nothing hangs on defaults. */
function mountBranch(pool: StoragePool, sources: StorageSources): MountBranch | undefined {
  const nfs = nfsEndpoint(pool, sources);
  return nfs && { type: 'nfs', nfs };
}

function describeRemains({ spec }: NodeMount): string {
  return spec.type === 'nfs' ? `export ${spec.nfs.server}:${spec.nfs.exportPath}` : '';
}
