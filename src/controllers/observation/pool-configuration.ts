// A pool's settings as the debug endpoint shows them: chosen field by field, because scripts and user
// data may hold passwords. A new field of the spec is hidden until somebody adds it here.
import type { InstancePool } from '../../api/instance-pool.ts';
import type { GoldenSnapshot, VolumePool } from '../../api/volume-pool.ts';
import type { Pool } from './census.ts';

export function configurationOf(pool: Pool): object {
  const { scaling, deletionPolicy, paused } = pool.spec;
  return {
    // What it was resolved to says more than what was left open.
    azure: pool.status?.scope ?? pool.spec.azure,
    scaling,
    deletionPolicy,
    paused,
    ...(isInstancePool(pool) ? machines(pool) : disks(pool)),
  };
}

function machines({ spec }: InstancePool): object {
  const { template, warmState, prewarm, recyclePolicy, hooks } = spec;
  const { vmSizes, image, osDisk, subnetId, priority, identityIds, userData } = template;
  return {
    warmState,
    prewarm,
    recyclePolicy,
    hooks: { onClaim: hooks.onClaim !== undefined, onRelease: hooks.onRelease !== undefined },
    template: {
      vmSizes,
      image,
      osDisk,
      subnetId,
      priority,
      identityIds,
      userData: userData?.type ?? 'None',
    },
  };
}

function disks({ spec, status }: VolumePool): object {
  const { volume, reclaimPolicy, goldenSnapshot } = spec;
  const { id, version, phase } = status?.goldenSnapshot ?? {};
  return {
    volume,
    reclaimPolicy,
    goldenSnapshot: { ...recipeOf(goldenSnapshot), inUse: { id, version, phase } },
  };
}

function recipeOf(snapshot: GoldenSnapshot): object {
  if (snapshot.type === 'Existing') return { type: snapshot.type, id: snapshot.existing.id };
  if (snapshot.type === 'Empty') return { type: snapshot.type };
  const { image, vmSize, subnetId, dataDiskMountPath, keepVersions } = snapshot.build;
  return { type: snapshot.type, image, vmSize, subnetId, dataDiskMountPath, keepVersions };
}

function isInstancePool(pool: Pool): pool is InstancePool {
  return pool.kind === 'InstancePool';
}
