// Carries out a volume pool's plan: fills slots with records of disks to come, retires free ones.
import type { PoolVolumeSpec } from '../../api/pool-volume.ts';
import { poolVolumes, volumePools } from '../../api/resources.ts';
import type { VolumePool, VolumePoolStatus } from '../../api/volume-pool.ts';
import type { PoolPlan } from '../../plan/volume-pool.ts';
import type { ControllerContext } from '../context.ts';
import { applyPoolSteps } from '../pool-steps.ts';

export async function apply(
  context: ControllerContext,
  pool: VolumePool,
  plan: PoolPlan<VolumePoolStatus>,
): Promise<void> {
  await applyPoolSteps(context, pool, plan.steps, {
    poolResource: volumePools,
    memberResource: poolVolumes,
    memberSpec: (slot) => memberSpec(pool, plan.status, slot),
  });
}

function memberSpec(
  { metadata, spec }: VolumePool,
  { scope, goldenSnapshot }: VolumePoolStatus,
  { ordinal, zone }: { ordinal: number; zone?: string },
): PoolVolumeSpec {
  const { subscriptionId, resourceGroup, location } = scope!;
  return {
    poolRef: { name: metadata.name, uid: metadata.uid },
    ordinal,
    azure: {
      subscriptionId,
      resourceGroup,
      location,
      ...(zone === undefined ? {} : { zone: zone as '1' }),
    },
    sizeGiB: spec.volume.sizeGiB,
    sku: spec.volume.sku,
    source: {
      ...(goldenSnapshot?.id === undefined ? {} : { snapshotId: goldenSnapshot.id }),
      version: goldenSnapshot!.version!,
    },
  };
}
