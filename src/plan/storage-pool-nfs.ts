// What a pool of type nfs asks its nodes for.
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import type { MountBranch, StorageBranch } from './storage-pool-branch.ts';

export const nfsBranch: StorageBranch = {
  nodeName: () => undefined,
  refusal,
  mountBranch,
  changeable: ['version', 'options'],
  conditions: ['NodePrerequisitesMet', 'Mounted'],
  holdsDataFromTheStart: () => false,
  describeRemains,
};

function refusal({ spec }: StoragePool): Stall | undefined {
  if (spec.type !== 'nfs' || !spec.nfs.backendRef) return undefined;
  return {
    reason: 'InvalidSpec',
    message: 'spec.nfs.backendRef is not supported by this version: set server and exportPath',
  };
}

/** Every field is written out, so that nothing hangs on defaults. */
function mountBranch({ spec }: StoragePool): MountBranch | undefined {
  if (spec.type !== 'nfs') return undefined;
  const { server, exportPath, version, options } = spec.nfs;
  if (server === undefined || exportPath === undefined) return undefined;
  return { type: 'nfs', nfs: { server, exportPath, version, options } };
}

function describeRemains({ spec }: NodeMount): string {
  return spec.type === 'nfs' ? `export ${spec.nfs.server}:${spec.nfs.exportPath}` : '';
}
