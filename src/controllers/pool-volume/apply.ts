// Carries out the one step of a pooled disk's plan and returns the status that follows from it.
import { labels, resourceFinalizer } from '../../api/names.ts';
import type { PoolVolume, PoolVolumeStatus } from '../../api/pool-volume.ts';
import { poolVolumes } from '../../api/resources.ts';
import type { OperationRecord } from '../../api/status.ts';
import type { CallContext } from '../../azure/port.ts';
import { locked, removeFinalizerPatch } from '../../kube/index.ts';
import {
  EMPTY_VOLUME_STATUS,
  type MemberPlan,
  type PoolVolumeStep,
} from '../../plan/pool-volume.ts';
import { looseSpec } from '../../plan/volume-release.ts';
import { type Effect, type EffectOutcome, noOperation, runEffect } from '../cloud-effect.ts';
import type { ControllerContext } from '../context.ts';

export async function apply(
  context: ControllerContext,
  volume: PoolVolume,
  plan: MemberPlan<PoolVolumeStep, PoolVolumeStatus>,
  call: CallContext,
): Promise<EffectOutcome<PoolVolumeStatus>> {
  const { client, cloud, runtime } = context;
  const { namespace, name, uid, resourceVersion } = volume.metadata;
  const { step, status } = plan;
  const effect = (
    type: OperationRecord['type'] | undefined,
    run: Effect<PoolVolumeStatus>['run'],
  ): Promise<EffectOutcome<PoolVolumeStatus>> => {
    const before = volume.status ?? EMPTY_VOLUME_STATUS;
    return runEffect(runtime, { before, after: status, run, ...(type ? { type } : {}) });
  };
  switch (step?.type) {
    case undefined:
      return { status };
    case 'createDisk':
      return effect('Create', () => cloud.create('volume', intent(volume, step), call));
    case 'deleteDisk':
      return effect('Delete', () => cloud.delete('volume', step.id, call));
    case 'tagDisk':
      return effect(undefined, () =>
        cloud.tag('volume', step.id, step.tags, call).then(noOperation),
      );
    case 'retire':
      await client.delete(poolVolumes, { namespace, name }, { uid, resourceVersion });
      return { status };
    case 'forgetHolder': {
      const spec = looseSpec(volume, undefined);
      const patch = { metadata: { labels: { [labels.claim]: null } }, spec };
      await client.mergePatch(poolVolumes, { namespace, name }, locked(volume, patch));
      return { status };
    }
    case 'releaseRecord': {
      context.discovery.expectRelease(volume.metadata.uid);
      const patch = removeFinalizerPatch(volume, resourceFinalizer);
      if (patch) await client.mergePatch(poolVolumes, { namespace, name }, patch);
      return { status };
    }
  }
}

function intent(volume: PoolVolume, step: PoolVolumeStep & { type: 'createDisk' }) {
  const { azure, sizeGiB, sku, source } = volume.spec;
  const { subscriptionId, resourceGroup, location, zone } = azure;
  return {
    scope: { subscriptionId, resourceGroup, location },
    name: step.name,
    sizeGiB,
    sku,
    ...(source.snapshotId === undefined ? {} : { sourceSnapshotId: source.snapshotId }),
    tags: step.tags,
    ...(zone === undefined ? {} : { zone }),
  };
}
