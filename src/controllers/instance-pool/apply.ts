// Carries out an instance pool's plan: fills slots with records of VMs to come, retires free ones.
import type { InstancePool, InstancePoolStatus } from '../../api/instance-pool.ts';
import type { PoolInstanceSpec } from '../../api/pool-instance.ts';
import { instancePools, poolInstances } from '../../api/resources.ts';
import { chooseSize } from '../../plan/capacity.ts';
import type { PoolPlan } from '../../plan/volume-pool.ts';
import type { ControllerContext } from '../context.ts';
import { applyPoolSteps } from '../pool-steps.ts';

export async function apply(
  context: ControllerContext,
  pool: InstancePool,
  plan: PoolPlan<InstancePoolStatus>,
): Promise<void> {
  await applyPoolSteps(context, pool, plan.steps, {
    poolResource: instancePools,
    memberResource: poolInstances,
    memberSpec: (slot) => memberSpec(pool, plan.status, slot),
  });
}

function memberSpec(
  { metadata, spec }: InstancePool,
  { scope, templateRevision, unavailableSizes }: InstancePoolStatus,
  { ordinal, zone }: { ordinal: number; zone?: string },
): PoolInstanceSpec {
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
    templateRevision: templateRevision!,
    vmSize: chooseSize(spec.template.vmSizes, zone, unavailableSizes) ?? spec.template.vmSizes[0]!,
    priority: spec.template.priority,
  };
}
