// Offering a pool to pods: one PersistentVolume per node that has it mounted (for nfs a single one, which
// every node can mount), and the StorageClass by which claims find them. What a claim holds is protected:
// neither its volume nor the mount below goes before the claim.
import { createHash } from 'node:crypto';
import type { PersistentVolume, StorageClass } from '../api/built-in.ts';
import { labels } from '../api/names.ts';
import type { Reason } from '../api/reasons.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { NodeSeen } from './storage-pool-children.ts';
import { nfsEndpoint } from './storage-pool-endpoint.ts';
import { findNode } from './storage-pool-lookup.ts';
import type { StorageSources } from './storage-pool-sources.ts';
import type { MountVerdict } from './storage-pool-verdict.ts';

export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGER = 'poolkeeper';

export interface ExposureSeen {
  /** Those that carry this pool's uid, and any that stands where one of them should. */
  readonly volumes: readonly PersistentVolume[];
  /** By name: the class that the pool wants, and those of its volumes; undefined where there is none. */
  readonly classes: ReadonlyMap<string, StorageClass | undefined>;
  /** Classes that other pools offer volumes of. */
  readonly classesOfOthers: ReadonlySet<string>;
}

export type ExposureStep =
  | { readonly type: 'createClass'; readonly name: string }
  | { readonly type: 'deleteClass'; readonly storageClass: StorageClass }
  | {
      readonly type: 'createVolume';
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
      readonly spec: NonNullable<PersistentVolume['spec']>;
    }
  | { readonly type: 'resizeVolume'; readonly volume: PersistentVolume; readonly storage: string }
  /** With preconditions: a claim that has just taken it makes the deletion fail. */
  | { readonly type: 'deleteVolume'; readonly volume: PersistentVolume };

export interface ExposurePlan {
  readonly steps: readonly ExposureStep[];
  readonly condition:
    | { readonly status: 'True' | 'False'; readonly reason: Reason; readonly message: string }
    | undefined;
  /** Whose volumes are still there: their mounts stay. */
  readonly keptNodes: ReadonlySet<string>;
  /** All mounts stay: volumes are there that any node may have mounted. */
  readonly keepsAll: boolean;
  /** What deletion waits for. */
  readonly inUse: string | undefined;
}

interface Situation {
  readonly pool: StoragePool;
  readonly verdicts: readonly MountVerdict[];
  readonly nodes: readonly NodeSeen[];
  readonly sources: StorageSources;
  readonly seen: ExposureSeen;
}

/** For the one volume of a pool that every node can mount. */
const ANY_NODE = '';

export function planExposure(situation: Situation): ExposurePlan {
  const { pool, seen } = situation;
  const isWanted = pool.spec.expose !== undefined && pool.metadata.deletionTimestamp === undefined;
  const own = seen.volumes.filter((volume) => isOwn(volume, pool));
  const wanted = isWanted ? wantedVolumes(situation) : [];
  const names = new Set(wanted.map(({ name }) => name));
  const keys = new Set(situation.verdicts.map((one) => nodeKey(pool, one)));
  const surplus = own.filter(({ metadata, spec }) => {
    const isOfClass = spec?.storageClassName === pool.spec.expose?.storageClassName;
    if (!isWanted || !isOfClass) return true;
    // A node that is unwell for a while keeps its volume; one that isn't asked any more doesn't.
    const node = nodeOfVolume(metadata);
    return !names.has(metadata.name) && !keys.has(node);
  });
  const bound = surplus.filter(isBound);
  const going = surplus.filter((volume) => !isBound(volume));
  const refusal = isWanted ? refuse(situation, wanted) : undefined;
  const steps: ExposureStep[] = [];
  if (!refusal) steps.push(...planPresence(situation, own, wanted));
  steps.push(...planClassRemoval(situation, surplus));
  for (const volume of going)
    if (volume.metadata.deletionTimestamp === undefined)
      steps.push({ type: 'deleteVolume', volume });
  const left = own.map(({ metadata }) => nodeOfVolume(metadata));
  return {
    steps,
    condition: describe({ pool, own, bound, refusal, isWanted }),
    keptNodes: new Set(left.filter((node) => node !== ANY_NODE)),
    keepsAll: left.includes(ANY_NODE),
    inUse: bound.length > 0 ? describeBound(bound) : undefined,
  };
}

interface WantedVolume {
  readonly name: string;
  readonly node: string;
  readonly storage: string;
  readonly spec: NonNullable<PersistentVolume['spec']>;
}

function wantedVolumes(situation: Situation): WantedVolume[] {
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

function nodeKey({ spec }: StoragePool, { node }: MountVerdict): string {
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
        mountOptions: [`nfsvers=${nfs.version}`, ...nfs.options],
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
function nodeOfVolume({ annotations }: PersistentVolume['metadata']): string {
  return annotations?.[labels.node] ?? ANY_NODE;
}

function isOwn({ metadata }: PersistentVolume, pool: StoragePool): boolean {
  return metadata.labels?.[labels.poolUid] === pool.metadata.uid;
}

/** Also while the claim has only just chosen it. A Released one holds nobody's claim any more. */
function isBound({ spec, status }: PersistentVolume): boolean {
  return spec?.claimRef !== undefined && status?.phase !== 'Released' && status?.phase !== 'Failed';
}

function planPresence(
  { pool, seen }: Situation,
  own: readonly PersistentVolume[],
  wanted: readonly WantedVolume[],
): ExposureStep[] {
  const className = pool.spec.expose?.storageClassName;
  if (className === undefined || wanted.length === 0) return [];
  const steps: ExposureStep[] = [];
  if (!seen.classes.get(className)) steps.push({ type: 'createClass', name: className });
  const byName = new Map(own.map((volume) => [volume.metadata.name, volume]));
  for (const { name, node, storage, spec } of wanted) {
    const present = byName.get(name);
    if (!present) {
      const annotations = { [labels.node]: node };
      steps.push({
        type: 'createVolume',
        name,
        labels: volumeLabels(pool, node),
        annotations,
        spec,
      });
      continue;
    }
    const isSame = present.spec?.capacity?.['storage'] === storage;
    if (!isSame && present.spec?.storageClassName === className)
      steps.push({ type: 'resizeVolume', volume: present, storage });
  }
  return steps;
}

/** The class goes before the last volumes of it, so that a crash in between leaves none behind. */
function planClassRemoval(
  { pool, seen }: Situation,
  surplus: readonly PersistentVolume[],
): ExposureStep[] {
  const isDeleting = pool.metadata.deletionTimestamp !== undefined;
  const wanted = isDeleting ? undefined : pool.spec.expose?.storageClassName;
  const former = new Set(surplus.map(({ spec }) => spec?.storageClassName ?? ''));
  if (isDeleting && pool.spec.expose) former.add(pool.spec.expose.storageClassName);
  return [...former].flatMap((name): ExposureStep[] => {
    const storageClass = seen.classes.get(name);
    const isOurs = storageClass?.metadata.labels?.[MANAGED_BY] === MANAGER;
    if (!storageClass || !isOurs || name === wanted || seen.classesOfOthers.has(name)) return [];
    // Somebody's claim still names it.
    if (surplus.some((one) => one.spec?.storageClassName === name && isBound(one))) return [];
    return [{ type: 'deleteClass', storageClass }];
  });
}

interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

function refuse({ pool, seen }: Situation, wanted: readonly WantedVolume[]): Refusal | undefined {
  const name = pool.spec.expose?.storageClassName ?? '';
  const present = seen.classes.get(name);
  if (present && present.provisioner !== NO_PROVISIONER) {
    const message =
      `spec.expose.storageClassName: StorageClass ${name} is there and makes volumes with ` +
      `${present.provisioner}; choose another name`;
    return { reason: 'StorageClassMismatch', message };
  }
  const names = new Set(wanted.map((one) => one.name));
  const other = seen.volumes.find((one) => names.has(one.metadata.name) && !isOwn(one, pool));
  if (!other) return undefined;
  const message =
    `PersistentVolume ${other.metadata.name} is there and belongs to another, such as a former ` +
    'pool of this name; it has to go first';
  return { reason: 'CleanupBlocked', message };
}

function describe(now: {
  pool: StoragePool;
  own: readonly PersistentVolume[];
  bound: readonly PersistentVolume[];
  refusal: Refusal | undefined;
  isWanted: boolean;
}): ExposurePlan['condition'] {
  const { pool, own, bound, refusal, isWanted } = now;
  if (refusal) return { status: 'False', ...refusal };
  if (bound.length > 0)
    return { status: 'False', reason: 'VolumesBound', message: describeBound(bound) };
  if (!isWanted) return undefined;
  const name = pool.spec.expose?.storageClassName;
  if (own.length === 0) {
    const message = 'no node has it mounted yet, so there is nothing to offer';
    return { status: 'False', reason: 'Progressing', message };
  }
  const used = own.filter(isBound).length;
  const what = own.length === 1 ? '1 PersistentVolume' : `${own.length} PersistentVolumes`;
  const message = `${what} of class ${name}, ${used} in use`;
  return { status: 'True', reason: 'AsExpected', message };
}

const NAMED_CLAIMS_MAX = 3;

function describeBound(bound: readonly PersistentVolume[]): string {
  const named = bound.slice(0, NAMED_CLAIMS_MAX).map(({ metadata, spec }) => {
    const { namespace, name } = spec?.claimRef ?? {};
    return `PersistentVolume ${metadata.name} is bound to claim ${namespace}/${name}`;
  });
  const more = bound.length - named.length;
  const rest = more > 0 ? `; and ${more} more` : '';
  return `${named.join('; ')}${rest}; it stays until the claim is deleted`;
}
