// Carries out the one step of a pooled VM's plan and returns the status that follows from it.
import { labels, resourceFinalizer } from '../../api/names.ts';
import type { PoolInstance, PoolInstanceStatus } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { poolInstances, poolVolumes } from '../../api/resources.ts';
import type { OperationRecord } from '../../api/status.ts';
import type { CallContext } from '../../azure/port.ts';
import { locked, removeFinalizerPatch } from '../../kube/index.ts';
import { orphanTags, ownsTags } from '../../plan/member.ts';
import { EMPTY_INSTANCE_STATUS, type PoolInstancePlan } from '../../plan/pool-instance.ts';
import { looseSpec } from '../../plan/volume-release.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { type Effect, type EffectOutcome, noOperation, runEffect } from '../cloud-effect.ts';
import type { ControllerContext } from '../context.ts';
import { orphan } from '../orphan.ts';
import type { Gathered } from './gather.ts';
import { instanceIntent } from './intent.ts';

export async function apply(
  context: ControllerContext,
  { instance, pool, live }: Gathered,
  { step, status }: PoolInstancePlan,
  call: CallContext,
): Promise<EffectOutcome<PoolInstanceStatus>> {
  const { client, cloud, runtime } = context;
  const { namespace, name, uid, resourceVersion } = instance.metadata;
  const effect = (
    type: OperationRecord['type'] | undefined,
    run: Effect<PoolInstanceStatus>['run'],
  ): Promise<EffectOutcome<PoolInstanceStatus>> => {
    const before = instance.status ?? EMPTY_INSTANCE_STATUS;
    return runEffect(runtime, { before, after: status, run, ...(type ? { type } : {}) });
  };
  switch (step?.type) {
    case undefined:
      return { status };
    case 'createInstance':
      return effect('Create', async () =>
        cloud.create('instance', await instanceIntent(context, instance, pool!, step), call),
      );
    case 'changeDataDisks': {
      const { operation, attach, detach, tags } = step;
      return effect(operation, () => cloud.changeDataDisks(live!, { attach, detach, tags }, call));
    }
    case 'power':
      if (step.action !== 'start') await confirmView(context, instance);
      return effect(step.operation, () => cloud.power(step.id, step.action, call));
    case 'runHook':
      await confirmView(context, instance);
      return effect('RunCommand', () => cloud.runCommand(live!.id, step.script, call));
    case 'tagInstance':
      return effect(undefined, () =>
        cloud.tag('instance', step.id, step.tags, { ...call, seen: live }).then(noOperation),
      );
    case 'deleteInstance':
      return effect('Delete', () => cloud.delete('instance', step.id, call));
    case 'deleteLeftover':
      return effect('Delete', () => cloud.delete(step.leftover.kind, step.leftover.id, call));
    case 'releaseVolumes':
      await Promise.all(step.volumes.map((volume) => releaseVolume(context, instance, volume)));
      return { status };
    case 'orphanVolumes':
      await Promise.all(step.volumes.map((volume) => orphan(context, poolVolumes, volume)));
      return { status };
    case 'orphanMachine':
      return effect(undefined, () =>
        orphanMachine(context, instance, step, call).then(noOperation),
      );
    case 'retire':
      await client.delete(poolInstances, { namespace, name }, { uid, resourceVersion });
      return { status };
    case 'clearClaim':
      await clearClaim(context, instance);
      return { status };
    case 'releaseRecord': {
      context.discovery.expectRelease(instance.metadata.uid);
      const patch = removeFinalizerPatch(instance, resourceFinalizer);
      if (patch) await client.mergePatch(poolInstances, { namespace, name }, patch);
      return { status };
    }
  }
}

/**
 * Azure refuses neither to switch off a machine nor to run a script in it, whoever uses it by now: a
 * process that was stopped, or cut off, must not act on what it remembers of the record.
 */
async function confirmView({ client }: ControllerContext, { metadata }: PoolInstance) {
  const { namespace, name, resourceVersion } = metadata;
  const live = await client.get(poolInstances, { namespace, name });
  if (live?.metadata.resourceVersion === resourceVersion) return;
  const message = `the record ${name} has changed since it was looked at`;
  throw new PoolkeeperError('StaleView', message, { retry: 'now' });
}

/** Its NIC and its OS disk carry tags of ours too; the machine's own go last, as proof for the rest. */
async function orphanMachine(
  { cloud, installation }: ControllerContext,
  instance: PoolInstance,
  { id, tags, parts }: Extract<PoolInstancePlan['step'], { type: 'orphanMachine' }>,
  call: CallContext,
): Promise<void> {
  const all = [
    ...parts.networkInterfaceIds.map((part) => ['networkInterface', part] as const),
    ...(parts.osDiskId === undefined ? [] : [['volume', parts.osDiskId] as const]),
  ];
  for (const [kind, part] of all) {
    const seen = await cloud.get(kind, part, call);
    if (seen && ownsTags(instance, seen.tags)) {
      await cloud.tag(kind, part, orphanTags(instance, installation, seen.tags), call);
    }
  }
  await cloud.tag('instance', id, tags, call);
}

/** One write lets go of the instance and of the claim, and remembers whose bytes the disk holds. */
async function releaseVolume(
  { client }: ControllerContext,
  instance: PoolInstance,
  volume: PoolVolume,
): Promise<void> {
  const { namespace, name } = volume.metadata;
  const spec = looseSpec(volume, instance);
  const patch = { metadata: { labels: { [labels.claim]: null } }, spec };
  await client.mergePatch(poolVolumes, { namespace, name }, locked(volume, patch));
}

async function clearClaim({ client }: ControllerContext, instance: PoolInstance): Promise<void> {
  const { namespace, name } = instance.metadata;
  const patch = {
    metadata: { labels: { [labels.claim]: null } },
    spec: { claimRef: null, lastClaimRef: instance.spec.claimRef },
  };
  await client.mergePatch(poolInstances, { namespace, name }, locked(instance, patch));
}
