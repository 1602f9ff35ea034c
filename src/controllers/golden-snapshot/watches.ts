// What wakes the building of golden snapshots, and what of it wakes the pool.
import type { DeepReadonly } from '../../api/object.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import {
  changedBeyondStatus,
  isEqual,
  keyOfObject,
  type WorkQueue,
  watchAndEnqueue,
} from '../../kube/index.ts';
import type { Sources } from '../context.ts';

type Pool = DeepReadonly<VolumePool>;

export function watchGoldenSnapshots(
  sources: Pick<Sources, 'volumePools' | 'poolVolumes'>,
  queue: WorkQueue,
): void {
  watchAndEnqueue(sources.volumePools, queue, (pool) => [keyOfObject(pool)], {
    updatesWhen: (pool, old) =>
      changedBeyondStatus(pool, old) || (pool.status?.scope && !old.status?.scope) === true,
  });
  // A disk that could not be copied may be the snapshot's fault; one that was frees an old version.
  watchAndEnqueue(
    sources.poolVolumes,
    queue,
    ({ metadata, spec }) => [`${metadata.namespace}/${spec.poolRef.name}`],
    { updatesWhen: creationDiffers },
  );
}

function creationDiffers({ status }: DeepReadonly<PoolVolume>, old: DeepReadonly<PoolVolume>) {
  const isOver = old.status?.phase === 'Creating' && status?.phase !== 'Creating';
  const { lastError } = status ?? {};
  return isOver || (lastError !== undefined && lastError.time !== old.status?.lastError?.time);
}

/** True when the builder told the pool something new. */
export function goldenSnapshotMayDiffer({ spec, status }: Pool, old: Pool): boolean {
  if (spec.goldenSnapshot.type !== 'Build') return false;
  return (
    !isEqual(status?.goldenSnapshot, old.status?.goldenSnapshot) ||
    status?.snapshotBuild?.outcome !== old.status?.snapshotBuild?.outcome
  );
}
