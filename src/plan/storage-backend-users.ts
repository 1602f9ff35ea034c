// Who uses a storage backend: the StoragePools of its namespace that name it. A backend stays until
// the last of them has let go, because what they have mounted is found again through it alone.
import type { StorageBackend } from '../api/storage-backend.ts';
import type { StoragePool, StoragePoolSpec } from '../api/storage-pool.ts';

/** The name of the StorageBackend that a pool takes its storage from; undefined: it says itself. */
export function backendNameOf(spec: StoragePoolSpec): string | undefined {
  switch (spec.type) {
    case 'nfs':
      return spec.nfs.backendRef?.name;
    case 'cephfs':
      return spec.cephfs.backendRef?.name;
    case 'iscsi':
      return spec.iscsi.backendRef?.name;
    default:
      return undefined;
  }
}

/**
 * Names of the pools that use the backend, in order. A pool under deletion uses it until it is gone:
 * its nodes are still unmounting.
 */
export function usersOfBackend(
  { metadata }: Pick<StorageBackend, 'metadata'>,
  pools: readonly StoragePool[],
): string[] {
  return pools
    .filter((pool) => pool.metadata.namespace === metadata.namespace)
    .filter(({ spec }) => backendNameOf(spec) === metadata.name)
    .map((pool) => pool.metadata.name)
    .sort();
}

const NAMED_USERS_MAX = 5;

/** Such as `StoragePools data, logs and 2 more`; undefined when nobody uses it. */
export function describeBackendUsers(names: readonly string[]): string | undefined {
  const [first, ...others] = names;
  if (first === undefined) return undefined;
  if (others.length === 0) return `StoragePool ${first}`;
  const shown = names.slice(0, NAMED_USERS_MAX);
  const rest = names.length - shown.length;
  const list =
    rest > 0
      ? `${shown.join(', ')} and ${rest} more`
      : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
  return `StoragePools ${list}`;
}
