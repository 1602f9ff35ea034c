// Makes new records for members that have lost theirs. Everything that decides is read live: caches and
// Resource Graph only say where to look.
import { labels, resourceFinalizer } from '../../api/names.ts';
import { type AnyObject, ownerReferenceTo, type Resource } from '../../api/object.ts';
import { instanceClaims, poolInstances, poolVolumes, storagePools } from '../../api/resources.ts';
import type { CallContext, ObservedInstance, ObservedVolume } from '../../azure/port.ts';
import { type Draft, isAlreadyExists } from '../../kube/index.ts';
import {
  type Adoption,
  type AdoptionWorld,
  planInstanceAdoptions,
  planVolumeAdoptions,
} from '../../plan/adoption.ts';
import { readTags } from '../../plan/adoption-tags.ts';
import { isKnownAs } from '../../plan/member.ts';
import { slotName } from '../../plan/names.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import { inParallel } from './in-parallel.ts';
import type { DiscoveryMemory, MissingMember } from './memory.ts';

interface Pass {
  readonly context: ControllerContext;
  readonly memory: DiscoveryMemory;
  readonly call: CallContext;
  readonly log: Log;
}

/** Resolves with the number of records made. */
export async function adoptMissing(pass: Pass, subscriptionId: string): Promise<number> {
  const { context, memory } = pass;
  const { stores } = context;
  const lost = memory.missing(subscriptionId).filter(({ kind, namespace, pool }) => {
    const pools = kind === 'instance' ? stores.instancePools : stores.volumePools;
    return pools.get(namespace, pool) !== undefined;
  });
  if (lost.length === 0) return 0;
  const world = await readWorld(context, new Set(lost.map(({ namespace }) => namespace)));
  const unrecorded = lost.filter(({ kind, uid }) => {
    const members = kind === 'instance' ? world.instances : world.volumes;
    return !members.some((member) => isKnownAs(member, uid));
  });
  const machines = await lookAt(pass, unrecorded, 'instance');
  const instances = await recordAll(pass, poolInstances, planInstanceAdoptions(machines, world));
  const disks = await lookAt(pass, unrecorded, 'volume');
  const then = { ...world, instances: [...world.instances, ...instances] };
  const volumes = await recordAll(pass, poolVolumes, planVolumeAdoptions(disks, then));
  return instances.length + volumes.length;
}

async function readWorld(
  { client, stores }: ControllerContext,
  namespaces: ReadonlySet<string>,
): Promise<AdoptionWorld> {
  const listed = await Promise.all(
    [...namespaces].map((namespace) =>
      Promise.all([
        client.list(poolInstances, { namespace }),
        client.list(poolVolumes, { namespace }),
        client.list(instanceClaims, { namespace }),
        client.list(storagePools, { namespace }),
      ]),
    ),
  );
  return {
    instancePools: stores.instancePools.list(),
    volumePools: stores.volumePools.list(),
    instances: listed.flatMap(([instances]) => instances),
    volumes: listed.flatMap(([, volumes]) => volumes),
    claims: listed.flatMap(([, , claims]) => claims),
    storagePools: listed.flatMap(([, , , pools]) => pools),
  };
}

interface Live {
  readonly instance: ObservedInstance;
  readonly volume: ObservedVolume;
}

/** The live resources among them that still are what they were found as. */
async function lookAt<K extends 'instance' | 'volume'>(
  { context, memory, call }: Pass,
  missing: readonly MissingMember[],
  kind: K,
): Promise<Live[K][]> {
  const found: Live[K][] = [];
  const ofKind = missing.filter((member) => member.kind === kind);
  await inParallel(ofKind, async (member) => {
    const live = (await context.cloud.get(kind, member.id, call)) as Live[K] | undefined;
    const tags = live && readTags(live.tags);
    const isOurs = tags?.installation === context.installation && tags.uid === member.uid;
    if (!live || !isOurs) memory.notThere(member);
    // One that goes needs no record; when it is gone, it is known to be.
    else if (live.provisioningState !== 'Deleting') found.push(live);
  });
  return found;
}

async function recordAll<P extends AnyObject, M extends AnyObject, S extends { ordinal: number }>(
  { context, log }: Pass,
  resource: Resource<M>,
  adoptions: readonly Adoption<P, S>[],
): Promise<M[]> {
  const made: M[] = [];
  await inParallel(adoptions, async ({ pool, spec, because }) => {
    const { namespace, name: poolName } = pool.metadata;
    const name = slotName(poolName, spec.ordinal);
    const draft = {
      metadata: {
        name,
        namespace,
        labels: { [labels.pool]: poolName, [labels.poolKind]: pool.kind, ...claimLabel(spec) },
        finalizers: [resourceFinalizer],
        ownerReferences: [ownerReferenceTo(pool)],
      },
      spec,
    };
    try {
      made.push(await context.client.create(resource, draft as unknown as Draft<M>));
    } catch (error) {
      // Somebody filled the slot meanwhile: the next pass finds another.
      if (!isAlreadyExists(error)) throw error;
      return;
    }
    log.info('record rebuilt', { kind: resource.kind, namespace, name, because });
    context.events.event(pool, 'Normal', 'Adopted', 'Adopt', `${name}: ${because}`);
  });
  return made;
}

function claimLabel(spec: object): Record<string, string> {
  const { claimRef } = spec as { readonly claimRef?: { readonly name: string } };
  return claimRef ? { [labels.claim]: claimRef.name } : {};
}
