// What a pool of type cephfs asks its nodes for.
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { MountBranch, StorageBranch } from './storage-pool-branch.ts';
import {
  backendStall,
  cephfsEndpoint,
  credentialsSecretOf,
  credentialsStall,
  optionsStall,
} from './storage-pool-endpoint.ts';
import type { StorageSources } from './storage-pool-sources.ts';

export const cephfsBranch: StorageBranch = {
  nodeName: () => undefined,
  refusal: () => undefined,
  mountBranch,
  waitsFor: (pool, sources) =>
    backendStall(pool, sources) ?? optionsStall(pool, sources) ?? credentialsStall(pool, sources),
  changeable: [
    ...['monitors', 'filesystemName', 'path', 'user', 'options'],
    ...['credentialsSecretRef', 'credentialsVersion'],
  ],
  conditions: ['NodePrerequisitesMet', 'Mounted'],
  holdsDataFromTheStart: () => true,
  describeRemains,
};

function mountBranch(pool: StoragePool, sources: StorageSources): MountBranch | undefined {
  const cephfs = cephfsEndpoint(pool, sources);
  if (!cephfs) return undefined;
  const secret = credentialsSecretOf(pool, sources.backend);
  if (secret === undefined) return { type: 'cephfs', cephfs };
  const { credentials } = sources;
  if (credentials?.type !== 'known') return undefined;
  return {
    type: 'cephfs',
    cephfs: {
      ...cephfs,
      credentialsSecretRef: { name: secret },
      credentialsVersion: credentials.version,
    },
  };
}

function describeRemains({ spec }: NodeMount): string {
  if (spec.type !== 'cephfs') return '';
  const { filesystemName, path } = spec.cephfs;
  return `path ${path} of the Ceph filesystem ${filesystemName}`;
}
