// Where a pool's network storage is: what its own spec says, or what the StorageBackend that it names
// says, with the pool's mount options added to those of the backend.
import type { StorageBackend } from '../api/storage-backend.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import { backendNameOf } from './storage-backend-users.ts';
import type { StorageSources } from './storage-pool-sources.ts';

export interface NfsEndpoint {
  readonly server: string;
  readonly exportPath: string;
  readonly version: '3' | '4.0' | '4.1' | '4.2';
  readonly options: string[];
}

export interface CephfsEndpoint {
  readonly monitors: string[];
  readonly filesystemName: string;
  readonly path: string;
  readonly user: string;
  readonly options: string[];
}

export interface IscsiEndpoint {
  readonly portal: string;
  readonly target: string;
  readonly lun: number;
}

/** The schema's limit for mount options. */
const OPTIONS_MAX = 16;

/** Why the backend that a pool names can't be used; undefined when it can, or none is named. */
export function backendStall(
  { metadata, spec, status }: StoragePool,
  { backend }: StorageSources,
): Stall | undefined {
  const name = backendNameOf(spec);
  if (name === undefined) return undefined;
  const field = `spec.${spec.type}.backendRef.name`;
  if (!backend) {
    const message = `${field}: no StorageBackend ${name} in namespace ${metadata.namespace}`;
    return { reason: 'ReferenceNotFound', message };
  }
  if (backend.spec.type !== spec.type) {
    const message = `${field}: StorageBackend ${name} is of type ${backend.spec.type}, not ${spec.type}`;
    return { reason: 'InvalidSpec', message };
  }
  // Who has it already keeps it: the backend waits for that pool, not the other way round.
  const isLeaving = backend.metadata.deletionTimestamp !== undefined;
  if (!isLeaving || status?.activeSince !== undefined) return undefined;
  const message = `${field}: StorageBackend ${name} is being deleted`;
  return { reason: 'ReferenceNotFound', message };
}

/** Undefined while the backend can't be used. */
export function nfsEndpoint(pool: StoragePool, sources: StorageSources): NfsEndpoint | undefined {
  const { spec } = pool;
  if (spec.type !== 'nfs' || backendStall(pool, sources)) return undefined;
  const { server, exportPath, version, options } = spec.nfs;
  const { backend } = sources;
  if (spec.nfs.backendRef) {
    if (backend?.spec.type !== 'nfs') return undefined;
    const { nfs } = backend.spec;
    return { ...nfs, options: joined(nfs.options, options) };
  }
  if (server === undefined || exportPath === undefined) return undefined;
  return { server, exportPath, version, options };
}

export function cephfsEndpoint(
  pool: StoragePool,
  sources: StorageSources,
): CephfsEndpoint | undefined {
  const { spec } = pool;
  if (spec.type !== 'cephfs' || backendStall(pool, sources)) return undefined;
  const { monitors, filesystemName, path, user, options } = spec.cephfs;
  const { backend } = sources;
  if (spec.cephfs.backendRef) {
    if (backend?.spec.type !== 'cephfs') return undefined;
    const { cephfs } = backend.spec;
    return { ...cephfs, options: joined(cephfs.options, options) };
  }
  const isComplete = monitors && filesystemName !== undefined && path !== undefined;
  if (!isComplete || user === undefined) return undefined;
  return { monitors, filesystemName, path, user, options };
}

export function iscsiEndpoint(
  pool: StoragePool,
  sources: StorageSources,
): IscsiEndpoint | undefined {
  const { spec } = pool;
  if (spec.type !== 'iscsi' || backendStall(pool, sources)) return undefined;
  const from = spec.iscsi.backendRef ? backendIscsi(sources.backend) : spec.iscsi;
  const { portal, target, lun } = from ?? {};
  if (portal === undefined || target === undefined || lun === undefined) return undefined;
  return { portal, target, lun };
}

function backendIscsi(backend: StorageBackend | undefined): IscsiEndpoint | undefined {
  return backend?.spec.type === 'iscsi' ? backend.spec.iscsi : undefined;
}

/** The name of the Secret with the credentials of a pool, in the pool's namespace. */
export function credentialsSecretOf(
  { spec }: StoragePool,
  backend: StorageBackend | undefined,
): string | undefined {
  if (spec.type !== 'cephfs' && spec.type !== 'iscsi') return undefined;
  const own = spec.type === 'cephfs' ? spec.cephfs : spec.iscsi;
  if (!own.backendRef) return own.credentialsSecretRef?.name;
  const from = backend?.spec;
  if (from?.type !== spec.type) return undefined;
  return own.credentialsSecretRef?.name ?? from.credentialsSecretRef?.name;
}

const chapKeys = ['username', 'password'];
const mutualKeys = ['mutualUsername', 'mutualPassword'];

/**
 * The keys of that Secret that a node needs; the optional ones are handed out where they are. Where the
 * backend says that the target proves itself too, nobody logs in without that.
 */
export function credentialKeysOf(
  { type }: { readonly type: string },
  backend?: StorageBackend,
): {
  readonly needed: readonly string[];
  readonly optional: readonly string[];
} {
  if (type === 'cephfs') return { needed: ['key'], optional: [] };
  if (type !== 'iscsi') return { needed: [], optional: [] };
  const from = backend?.spec;
  const isMutual = from?.type === 'iscsi' && from.iscsi.authentication === 'MutualCHAP';
  if (isMutual) return { needed: [...chapKeys, ...mutualKeys], optional: [] };
  return { needed: chapKeys, optional: mutualKeys };
}

/** Why the credentials can't be handed out: said before a node asks for them in vain. */
export function credentialsStall(
  pool: StoragePool,
  { backend, credentials }: StorageSources,
): Stall | undefined {
  const name = credentialsSecretOf(pool, backend);
  if (name === undefined || credentials?.type !== 'missing') return undefined;
  const own = `spec.${pool.spec.type}.credentialsSecretRef.name`;
  const message = `${own}: ${credentials.message}`;
  return { reason: 'SecretNotFound', message };
}

function joined(first: readonly string[], second: readonly string[]): string[] {
  return [...new Set([...first, ...second])].slice(0, OPTIONS_MAX);
}

/** More options than a mount can have: none may be dropped in silence. */
export function optionsStall(pool: StoragePool, { backend }: StorageSources): Stall | undefined {
  const { spec } = pool;
  const from = backend?.spec;
  const pairs =
    spec.type === 'nfs' && from?.type === 'nfs'
      ? [from.nfs.options, spec.nfs.options]
      : spec.type === 'cephfs' && from?.type === 'cephfs'
        ? [from.cephfs.options, spec.cephfs.options]
        : [];
  const count = new Set(pairs.flat()).size;
  if (count <= OPTIONS_MAX) return undefined;
  const message = `spec.${spec.type}.options: together with those of the backend there are ${count}, at most ${OPTIONS_MAX} are possible`;
  return { reason: 'InvalidSpec', message };
}
