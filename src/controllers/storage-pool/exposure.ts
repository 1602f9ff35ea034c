// The PersistentVolumes and the StorageClass by which pods get at a pool: looked up, made and removed.
import type { PersistentVolume, StorageClass } from '../../api/built-in.ts';
import { persistentVolumes, storageClasses } from '../../api/built-in.ts';
import { labels } from '../../api/names.ts';
import type { StoragePool } from '../../api/storage-pool.ts';
import {
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubeClient,
  locked,
} from '../../kube/index.ts';
import {
  type ExposureSeen,
  type ExposureStep,
  NO_PROVISIONER,
} from '../../plan/storage-pool-exposure.ts';
import { MANAGED_BY, MANAGER, volumeName } from '../../plan/storage-pool-exposure-volumes.ts';
import type { ControllerContext } from '../context.ts';
import { BY_STORAGE_POOL } from '../stores.ts';
import { isWatched } from '../watched-namespaces.ts';

/** Undefined for a pool of which nothing is offered to pods, nor ever was. */
export async function gatherExposure(
  context: ControllerContext,
  pool: StoragePool,
  nodeNames: readonly string[],
): Promise<ExposureSeen | undefined> {
  const { client, stores } = context;
  const own = stores.persistentVolumes.byIndex(BY_STORAGE_POOL, pool.metadata.uid);
  const wanted = pool.spec.expose?.storageClassName;
  if (wanted === undefined && own.length === 0) return undefined;
  const standing = ['', ...nodeNames].flatMap(
    (node) => stores.persistentVolumes.get(undefined, volumeName(pool, node)) ?? [],
  );
  const volumes = [...new Set([...own, ...standing])];
  const names = new Set(own.map(({ spec }) => spec?.storageClassName ?? ''));
  if (wanted !== undefined) names.add(wanted);
  names.delete('');
  const classes = new Map<string, StorageClass | undefined>();
  for (const name of names) classes.set(name, await client.get(storageClasses, { name }));
  return {
    volumes,
    classes,
    volumesOfOthers: pool.spec.type === 'local' ? volumesOfOthers(context, pool) : [],
    classesOfOthers: classesOfOthers(context, pool),
  };
}

function volumesOfOthers({ stores }: ControllerContext, pool: StoragePool): PersistentVolume[] {
  const { uid } = pool.metadata;
  return stores.persistentVolumes
    .list()
    .filter(({ metadata }) => metadata.labels?.[labels.poolUid] !== uid) as PersistentVolume[];
}

function classesOfOthers(context: ControllerContext, pool: StoragePool): Set<string> {
  const { stores } = context;
  const { uid } = pool.metadata;
  const wanted = stores.storagePools
    .list()
    .filter(({ metadata }) => metadata.uid !== uid && metadata.deletionTimestamp === undefined)
    .flatMap(({ spec }) => spec.expose?.storageClassName ?? []);
  // Pools of namespaces that this operator doesn't watch show by what they offer.
  const offered = stores.persistentVolumes
    .list()
    .filter(({ metadata }) => !isWatched(context, metadata.labels?.[labels.poolNamespace] ?? ''))
    .flatMap(({ spec }) => spec?.storageClassName ?? []);
  return new Set([...wanted, ...offered]);
}

export async function applyExposure(client: KubeClient, step: ExposureStep): Promise<void> {
  switch (step.type) {
    case 'createClass':
      await client.create(storageClasses, draftOfClass(step.name)).catch(unless(isAlreadyExists));
      return;
    case 'deleteClass': {
      const { name, uid, resourceVersion } = step.storageClass.metadata;
      const preconditions = { uid, resourceVersion };
      await client.delete(storageClasses, { name }, preconditions).catch(unless(isConflict));
      return;
    }
    case 'createVolume': {
      const { name, labels, annotations, spec } = step;
      // Taken: the cache will show by whom, and the next pass says so.
      await client
        .create(persistentVolumes, { metadata: { name, labels, annotations }, spec })
        .catch(unless(isAlreadyExists));
      return;
    }
    case 'changeVolume': {
      const patch = locked(step.volume, { spec: step.changes });
      await client
        .mergePatch(persistentVolumes, referenceTo(step.volume), patch)
        .catch(unless(isNotFound));
      return;
    }
    case 'deleteVolume': {
      const { uid, resourceVersion } = step.volume.metadata;
      // A conflict means that a claim has taken it meanwhile: then it stays.
      await client
        .delete(persistentVolumes, referenceTo(step.volume), { uid, resourceVersion })
        .catch(unless(isConflict));
    }
  }
}

function draftOfClass(name: string) {
  return {
    metadata: { name, labels: { [MANAGED_BY]: MANAGER } },
    provisioner: NO_PROVISIONER,
    reclaimPolicy: 'Retain' as const,
    // A claim is bound to a volume of a node that its pod can run on.
    volumeBindingMode: 'WaitForFirstConsumer' as const,
  };
}

function referenceTo({ metadata }: PersistentVolume): { name: string } {
  return { name: metadata.name };
}

function unless(expected: (error: unknown) => boolean): (error: unknown) => void {
  return (error) => {
    if (!expected(error)) throw error;
  };
}
