// The PersistentVolumes by which pods get at a pool: which there should be, what they are called, and
// which of those that are there are whose.
import { createHash } from 'node:crypto';
import type { PersistentVolume } from '../api/built-in.ts';
import { labels } from '../api/names.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { NodeSeen } from './storage-pool-children.ts';
import { nfsEndpoint } from './storage-pool-endpoint.ts';
import { findNode } from './storage-pool-lookup.ts';
import type { StorageSources } from './storage-pool-sources.ts';
import type { MountVerdict } from './storage-pool-verdict.ts';

export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGER = 'poolkeeper';

/** For the one volume of a pool that every node can mount. */
export const ANY_NODE = '';

interface Situation {
  readonly pool: StoragePool;
  readonly verdicts: readonly MountVerdict[];
  readonly nodes: readonly NodeSeen[];
  readonly sources: StorageSources;
}

export interface WantedVolume {
  readonly name: string;
  readonly node: string;
  readonly storage: string;
  readonly spec: NonNullable<PersistentVolume['spec']>;
}

export function wantedVolumes(situation: Situation): WantedVolume[] {
  const { pool, verdicts } = situation;
  const ready = verdicts.filter(({ type }) => type === 'ready');
  const shown = pool.spec.type === 'nfs' ? ready.slice(0, 1) : ready;
  return shown.flatMap((verdict) => {
    const storage = quantityOf(verdict.mount?.status?.sizeBytes);
    const source = sourceOf(situation, verdict);
    if (storage === undefined || !source) return [];
    const node = nodeKey(pool, verdict);
    const spec = {
      capacity: { storage },
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: pool.spec.expose?.storageClassName ?? '',
      ...source,
    } as const;
    return [{ name: volumeName(pool, node), node, storage, spec }];
  });
}

export function nodeKey({ spec }: StoragePool, { node }: MountVerdict): string {
  return spec.type === 'nfs' ? ANY_NODE : node;
}

function sourceOf(
  { pool, nodes, sources }: Situation,
  { node, mount }: MountVerdict,
): Partial<NonNullable<PersistentVolume['spec']>> | undefined {
  if (pool.spec.type === 'nfs') {
    const nfs = nfsEndpoint(pool, sources);
    return (
      nfs && {
        accessModes: ['ReadWriteMany', 'ReadOnlyMany', 'ReadWriteOnce'],
        mountOptions: [`nfsvers=${nfs.version}`, ...nfs.options, ...protections],
        nfs: { server: nfs.server, path: nfs.exportPath },
      }
    );
  }
  const path = mount?.status?.mountPath;
  if (path === undefined) return undefined;
  const seen = findNode(nodes, node)?.node;
  const hostname = seen?.labels['kubernetes.io/hostname'] ?? node;
  const isShared = pool.spec.type === 'cephfs';
  return {
    accessModes: isShared ? ['ReadWriteMany', 'ReadWriteOnce'] : ['ReadWriteOnce'],
    local: { path },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] },
            ],
          },
        ],
      },
    },
  };
}

/** As on nodes: set-uid programs and devices on a server's disk count for nothing in pods either. */
const protections = ['nosuid', 'nodev'];

const MEBIBYTE = 1024 ** 2;

function quantityOf(sizeBytes: number | undefined): string | undefined {
  const size = Math.floor((sizeBytes ?? 0) / MEBIBYTE);
  return size > 0 ? `${size}Mi` : undefined;
}

const NAME_MAX_LENGTH = 200;
const HASH_LENGTH = 10;

/** Cluster-wide unique, and readable as far as names fit. */
export function volumeName({ metadata }: StoragePool, node: string): string {
  const { namespace, name } = metadata;
  const digest = createHash('sha256').update([namespace, name, node].join('\0')).digest('hex');
  const parts = node === ANY_NODE ? [namespace, name] : [namespace, name, node];
  const readable = parts.join('-').replaceAll('.', '-').slice(0, NAME_MAX_LENGTH);
  return `${readable}-${digest.slice(0, HASH_LENGTH)}`;
}

/** Cluster-wide objects can't be owned by a namespaced one: these tell whose they are. */
export function volumeLabels({ metadata }: StoragePool, node: string): Record<string, string> {
  const wanted = {
    [MANAGED_BY]: MANAGER,
    [labels.poolKind]: 'StoragePool',
    [labels.pool]: metadata.name,
    [labels.poolNamespace]: metadata.namespace,
    [labels.poolUid]: metadata.uid,
    [labels.node]: node,
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value.length <= 63));
}

/** As an annotation it fits whatever its length. */
export function nodeOfVolume({ annotations }: PersistentVolume['metadata']): string {
  return annotations?.[labels.node] ?? ANY_NODE;
}

export function isOwn({ metadata }: PersistentVolume, pool: StoragePool): boolean {
  return metadata.labels?.[labels.poolUid] === pool.metadata.uid;
}

/** Also while the claim has only just chosen it. A Released one holds nobody's claim any more. */
export function isBound({ spec, status }: PersistentVolume): boolean {
  return spec?.claimRef !== undefined && status?.phase !== 'Released' && status?.phase !== 'Failed';
}
