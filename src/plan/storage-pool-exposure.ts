// Offering a pool to pods: one PersistentVolume per node that has it mounted (for nfs a single one, which
// every node can mount), and the StorageClass by which claims find them. What a claim holds is protected:
// neither its volume nor the mount below goes before the claim.
import { isDeepStrictEqual } from 'node:util';
import type { PersistentVolume, StorageClass } from '../api/built-in.ts';
import { labels } from '../api/names.ts';
import type { Reason } from '../api/reasons.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { NodeSeen } from './storage-pool-children.ts';
import {
  ANY_NODE,
  isBound,
  isOwn,
  MANAGED_BY,
  MANAGER,
  nodeKey,
  nodeOfVolume,
  volumeLabels,
  type WantedVolume,
  wantedVolumes,
} from './storage-pool-exposure-volumes.ts';
import type { StorageSources } from './storage-pool-sources.ts';
import type { MountVerdict } from './storage-pool-verdict.ts';

export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

export interface ExposureSeen {
  /** Those that carry this pool's uid, and any that stands where one of them should. */
  readonly volumes: readonly PersistentVolume[];
  /** By name: the class that the pool wants, and those of its volumes; undefined where there is none. */
  readonly classes: ReadonlyMap<string, StorageClass | undefined>;
  /** Those that other pools offer. */
  readonly volumesOfOthers: readonly PersistentVolume[];
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
  | {
      readonly type: 'changeVolume';
      readonly volume: PersistentVolume;
      /** A merge patch of its spec. */
      readonly changes: Partial<NonNullable<PersistentVolume['spec']>>;
    }
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
  /** What deletion waits for: claims that hold volumes. */
  readonly inUse: string | undefined;
  /** Volumes that nothing of ours holds any more, and that are not gone yet all the same. */
  readonly going: string | undefined;
}

interface Situation {
  readonly pool: StoragePool;
  readonly verdicts: readonly MountVerdict[];
  readonly nodes: readonly NodeSeen[];
  readonly sources: StorageSources;
  readonly seen: ExposureSeen;
}

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
    going: describeGoing(going),
  };
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
    if (present.spec?.storageClassName !== className) continue;
    const changes = changesOf(present, storage, spec.mountOptions);
    if (changes) steps.push({ type: 'changeVolume', volume: present, changes });
  }
  return steps;
}

/** What may change of a volume that is there; pods see other mount options from their next start on. */
function changesOf(
  { spec }: PersistentVolume,
  storage: string,
  mountOptions: readonly string[] | undefined,
): Partial<NonNullable<PersistentVolume['spec']>> | undefined {
  const isSameSize = spec?.capacity?.['storage'] === storage;
  const isSameMount = isDeepStrictEqual(spec?.mountOptions ?? [], mountOptions ?? []);
  if (isSameSize && isSameMount) return undefined;
  return {
    ...(isSameSize ? {} : { capacity: { storage } }),
    ...(isSameMount ? {} : { mountOptions: [...(mountOptions ?? [])] }),
  };
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
  // What is offered already stays offered.
  const isThere = new Set(seen.volumes.map(({ metadata }) => metadata.name));
  const isNew = ({ name }: WantedVolume): boolean => !isThere.has(name);
  if (!other) return refuseShared(seen.volumesOfOthers, wanted.filter(isNew));
  const message =
    `PersistentVolume ${other.metadata.name} is there and belongs to another, such as a former ` +
    'pool of this name; it has to go first';
  return { reason: 'CleanupBlocked', message };
}

/** Of two volumes on one directory, two claims that know nothing of each other would get the same bytes. */
function refuseShared(
  others: readonly PersistentVolume[],
  wanted: readonly WantedVolume[],
): Refusal | undefined {
  for (const { node, spec } of wanted) {
    const path = spec.local?.path;
    const other = others.find(
      (one) => nodeOfVolume(one.metadata) === node && overlap(one.spec?.local?.path, path),
    );
    if (!other) continue;
    const message =
      `${path} of ${node} is offered to pods already, as ${other.spec?.local?.path} by ` +
      `PersistentVolume ${other.metadata.name}; two claims would get the same bytes`;
    return { reason: 'MountPathInUse', message };
  }
  return undefined;
}

function overlap(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
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

function describeGoing(going: readonly PersistentVolume[]): string | undefined {
  const [first] = going;
  if (!first) return undefined;
  const { name, finalizers = [] } = first.metadata;
  const held = finalizers.length > 0 ? `, which ${finalizers.join(', ')} holds` : '';
  const more = going.length > 1 ? ` and ${going.length - 1} more` : '';
  return `waits for PersistentVolume ${name}${held}${more} to go: kubectl describe pv ${name}`;
}
