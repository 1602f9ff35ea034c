// What beside a pool and its mounts decides what nodes are asked for: its backend, the version of its
// credentials, and for a logical unit every other pool that names one.
import type { NodeMount } from '../../api/node-mount.ts';
import type { StorageBackend } from '../../api/storage-backend.ts';
import type { StoragePool } from '../../api/storage-pool.ts';
import { backendNameOf } from '../../plan/storage-backend-users.ts';
import {
  credentialKeysOf,
  credentialsSecretOf,
  iscsiEndpoint,
} from '../../plan/storage-pool-endpoint.ts';
import type { StorageSources } from '../../plan/storage-pool-sources.ts';
import type { UnitClaimant } from '../../plan/storage-pool-unit.ts';
import type { ControllerContext } from '../context.ts';
import { readSecret } from '../credentials/secrets.ts';
import { BY_STORAGE_POOL } from '../stores.ts';

/** A changed Secret is noticed within this time; nobody tells the operator of it. */
export const CREDENTIALS_MILLISECONDS = 60_000;

export async function gatherSources(
  context: ControllerContext,
  pool: StoragePool,
): Promise<StorageSources> {
  const { stores } = context;
  const backend = backendOf(stores, pool);
  return {
    backend,
    credentials: await readCredentials(context, pool, backend),
    unitClaimants: pool.spec.type === 'iscsi' ? unitClaimants(stores) : undefined,
  };
}

/** Whether somebody has to look at the pool from time to time, because nothing else wakes it. */
export function usesCredentials(pool: StoragePool, { backend }: StorageSources): boolean {
  return credentialsSecretOf(pool, backend) !== undefined;
}

export function backendOf(
  stores: ControllerContext['stores'],
  { metadata, spec }: StoragePool,
): StorageBackend | undefined {
  const name = backendNameOf(spec);
  return name === undefined ? undefined : stores.storageBackends.get(metadata.namespace, name);
}

async function readCredentials(
  { client }: ControllerContext,
  pool: StoragePool,
  backend: StorageBackend | undefined,
): Promise<StorageSources['credentials']> {
  const name = credentialsSecretOf(pool, backend);
  if (name === undefined) return undefined;
  const { namespace } = pool.metadata;
  const { needed } = credentialKeysOf(pool.spec, backend);
  const read = await readSecret(client, { namespace, name }, needed);
  return read.type === 'found' ? { type: 'known', version: read.version } : read;
}

function unitClaimants(stores: ControllerContext['stores']): UnitClaimant[] {
  const pools = stores.storagePools.list().filter(({ spec }) => spec.type === 'iscsi');
  return pools.flatMap((pool): UnitClaimant[] => {
    const endpoint = iscsiEndpoint(pool, { backend: backendOf(stores, pool) });
    const mounts: readonly NodeMount[] = stores.nodeMounts.byIndex(
      BY_STORAGE_POOL,
      pool.metadata.uid,
    );
    const nodes = mounts.map(({ spec }) => spec.nodeName);
    // Its backend may be gone by now, but what is mounted is still where it was.
    const mounted = mounts.find(({ spec }) => spec.type === 'iscsi')?.spec;
    const actual = mounted?.type === 'iscsi' ? mounted.iscsi : endpoint;
    return actual ? [{ pool, endpoint: actual, nodes }] : [];
  });
}
