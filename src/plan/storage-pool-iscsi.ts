// What a pool of type iscsi asks its one node for.
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool, StoragePoolSpec } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import type { MountBranch, StorageBranch } from './storage-pool-branch.ts';
import {
  backendStall,
  credentialsSecretOf,
  credentialsStall,
  iscsiEndpoint,
} from './storage-pool-endpoint.ts';
import type { StorageSources } from './storage-pool-sources.ts';
import { describeHolder, unitHolder } from './storage-pool-unit.ts';

export const iscsiBranch: StorageBranch = {
  nodeName,
  isExclusive: true,
  refusal: () => undefined,
  mountBranch,
  waitsFor: (pool, sources) =>
    backendStall(pool, sources) ?? credentialsStall(pool, sources) ?? heldByAnother(pool, sources),
  changeable: ['portal', 'mkfsOptions', 'options', 'credentialsSecretRef', 'credentialsVersion'],
  conditions: ['NodePrerequisitesMet', 'DisksClaimed', 'Formatted', 'Mounted'],
  holdsDataFromTheStart: () => false,
  describeRemains,
};

function nodeName(spec: StoragePoolSpec): string | undefined {
  return spec.type === 'iscsi' ? spec.iscsi.nodeName : undefined;
}

function mountBranch(pool: StoragePool, sources: StorageSources): MountBranch | undefined {
  const { spec } = pool;
  const endpoint = iscsiEndpoint(pool, sources);
  if (spec.type !== 'iscsi' || !endpoint || heldByAnother(pool, sources)) return undefined;
  const { filesystem, mkfsOptions, options } = spec.iscsi;
  const iscsi = {
    ...endpoint,
    filesystem,
    ...(mkfsOptions === undefined ? {} : { mkfsOptions }),
    options,
  };
  const secret = credentialsSecretOf(pool, sources.backend);
  if (secret === undefined) return { type: 'iscsi', iscsi };
  const { credentials } = sources;
  if (credentials?.type !== 'known') return undefined;
  return {
    type: 'iscsi',
    iscsi: {
      ...iscsi,
      credentialsSecretRef: { name: secret },
      credentialsVersion: credentials.version,
    },
  };
}

function heldByAnother(pool: StoragePool, sources: StorageSources): Stall | undefined {
  const endpoint = iscsiEndpoint(pool, sources);
  if (!endpoint) return undefined;
  const others = sources.unitClaimants ?? [];
  const own = others.find((one) => one.pool.metadata.uid === pool.metadata.uid);
  const holder = unitHolder(pool, { endpoint, nodes: own?.nodes ?? [] }, others);
  return holder && { reason: 'DeviceClaimed', message: describeHolder(holder) };
}

function describeRemains({ spec }: NodeMount): string {
  if (spec.type !== 'iscsi') return '';
  const { target, lun, portal } = spec.iscsi;
  return `a session to logical unit ${lun} of ${target} at ${portal}`;
}
