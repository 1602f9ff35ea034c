// What a pool of type local asks its nodes for.
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import { isSystemDirectory } from './node-mount-local.ts';
import type { Stall } from './pool-conditions.ts';
import type { MountBranch, StorageBranch } from './storage-pool-branch.ts';

export const localBranch: StorageBranch = {
  nodeName: () => undefined,
  refusal,
  mountBranch,
  changeable: [],
  conditions: ['Mounted'],
  holdsDataFromTheStart: () => true,
  describeRemains: ({ spec }: NodeMount) =>
    spec.type === 'local' ? `the directory ${spec.local.path}, untouched` : '',
};

function refusal({ spec }: StoragePool): Stall | undefined {
  if (spec.type !== 'local') return undefined;
  if (isSystemDirectory(spec.local.path)) {
    const message = `spec.local.path: ${spec.local.path} belongs to the operating system`;
    return { reason: 'InvalidSpec', message };
  }
  if (spec.mountPath === undefined) return undefined;
  const message = 'spec.mountPath must not be set for local: the directory is spec.local.path';
  return { reason: 'InvalidSpec', message };
}

function mountBranch({ spec }: StoragePool): MountBranch | undefined {
  return spec.type === 'local' ? { type: 'local', local: { path: spec.local.path } } : undefined;
}
