// Rebuilds the records of tagged VMs and disks that have none. What a claim's status says goes before
// what tags say; where they disagree, or where nothing proves that a free member was never handed out,
// the member is set aside. The plan is only a proposal: the API server's uniqueness of slots decides.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import type { PoolInstance, PoolInstanceSpec } from '../api/pool-instance.ts';
import type { PoolVolume, PoolVolumeSpec } from '../api/pool-volume.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { chooseSlots } from './adoption-slots.ts';
import { type FoundTags, readTags } from './adoption-tags.ts';
import { judgeInstance, judgeVolume, lostClaims, type Verdict } from './adoption-verdict.ts';

/** A live resource with a uid tag that no record bears. */
export interface FoundInstance {
  /** In Azure's own casing. */
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly zone?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly vmSize: string;
  readonly priority: 'Regular' | 'Spot';
}

export interface FoundVolume extends Omit<FoundInstance, 'vmSize' | 'priority'> {
  readonly sizeGiB: number;
  readonly sku: string;
  readonly sourceSnapshotId?: string;
  /** The VM that holds it, lower-cased. */
  readonly managedBy?: string;
}

/** Everything is read live: a cache that is a moment behind would make a second record of one VM. */
export interface AdoptionWorld {
  readonly instancePools: readonly InstancePool[];
  readonly volumePools: readonly VolumePool[];
  readonly instances: readonly PoolInstance[];
  readonly volumes: readonly PoolVolume[];
  readonly claims: readonly InstanceClaim[];
  readonly storagePools?: readonly StoragePool[];
}

export interface Adoption<Pool, Spec> {
  readonly pool: Pool;
  readonly spec: Spec;
  readonly because: string;
}

export function planInstanceAdoptions(
  found: readonly FoundInstance[],
  world: AdoptionWorld,
): Adoption<InstancePool, PoolInstanceSpec>[] {
  const lost = lostClaims(world.claims);
  return adoptAll(found, world.instancePools, world.instances, (resource, tags, pool, siblings) => {
    const lostClaim = lost(siblings);
    const verdict = judgeInstance(resource, tags, { ...world, pool, siblings, lostClaim });
    return {
      ...verdict,
      spec: {
        templateRevision: tags.revision || 'unknown',
        vmSize: resource.vmSize,
        priority: resource.priority,
      },
    };
  });
}

/** To be planned once the instances that hold the disks have their records. */
export function planVolumeAdoptions(
  found: readonly FoundVolume[],
  world: AdoptionWorld,
): Adoption<VolumePool, PoolVolumeSpec>[] {
  // A disk may also be a StoragePool's.
  const lost = lostClaims(world.claims, world.storagePools);
  return adoptAll(found, world.volumePools, world.volumes, (resource, tags, pool, siblings) => {
    const lostClaim = lost(siblings);
    const verdict = judgeVolume(resource, tags, { ...world, pool, siblings, lostClaim });
    const { sourceSnapshotId } = resource;
    const version = tags.revision || sourceSnapshotId?.split('/').at(-1) || 'unknown';
    return (
      verdict && {
        ...verdict,
        spec: {
          sizeGiB: resource.sizeGiB,
          sku: resource.sku as PoolVolumeSpec['sku'],
          source: {
            ...(sourceSnapshotId === undefined ? {} : { snapshotId: sourceSnapshotId }),
            version,
          },
          ...(verdict.holder ? { instanceRef: verdict.holder } : {}),
          ...(verdict.node ? { node: verdict.node } : {}),
        },
      }
    );
  });
}

interface AnyFound {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly zone?: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface Pool {
  readonly metadata: InstancePool['metadata'];
}

function adoptAll<R extends AnyFound, P extends Pool, S extends object>(
  found: readonly R[],
  pools: readonly P[],
  members: readonly (PoolInstance | PoolVolume)[],
  judge: (
    resource: R,
    tags: FoundTags,
    pool: P,
    siblings: readonly FoundTags[],
  ) => (Verdict & { readonly spec: S }) | undefined,
): Adoption<P, never>[] {
  const adoptions: Adoption<P, never>[] = [];
  const owners = new Set<string>();
  for (const pool of pools) {
    const { namespace, name } = pool.metadata;
    const ofPool = found
      .map((resource) => ({ resource, tags: readTags(resource.tags) }))
      .filter(({ tags }) => tags.pool === name && tags.poolNamespace === namespace)
      .sort((a, b) => (a.tags.uid < b.tags.uid ? -1 : 1));
    const siblings = ofPool.map(({ tags }) => tags);
    const judged = ofPool.flatMap(({ resource, tags }) => {
      const verdict = judge(resource, tags, pool, siblings);
      return verdict ? [{ resource, tags, verdict: once(verdict, owners) }] : [];
    });
    const taken = members
      .filter(({ metadata, spec }) => {
        return metadata.namespace === namespace && spec.poolRef.name === name;
      })
      .map(({ spec }) => spec.ordinal);
    const slots = chooseSlots(
      judged.map(({ tags }) => tags.slot),
      taken,
    );
    for (const [index, { resource, tags, verdict }] of judged.entries()) {
      const ordinal = slots[index];
      if (ordinal === undefined) continue;
      const { claimRef, lastClaimRef, quarantine } = verdict;
      const spec = {
        poolRef: { name, uid: pool.metadata.uid },
        ordinal,
        azure: scopeOf(resource),
        ...verdict.spec,
        adopt: {
          name: resource.name,
          resourceId: resource.id,
          uid: tags.uid,
          ...(quarantine === undefined ? {} : { quarantine: quarantine.slice(0, 512) }),
        },
        ...(claimRef ? { claimRef } : {}),
        ...(lastClaimRef ? { lastClaimRef } : {}),
      };
      adoptions.push({ pool, spec: spec as never, because: verdict.because });
    }
  }
  return adoptions;
}

/** Make sure that no claim gets two of a kind, whatever the tags say. */
function once<V extends Verdict>(verdict: V, owners: Set<string>): V {
  const { claimRef, ...rest } = verdict;
  // A StoragePool has as many disks as it asks for.
  if (!claimRef || 'node' in verdict) return verdict;
  if (!owners.has(claimRef.uid)) {
    owners.add(claimRef.uid);
    return verdict;
  }
  const because = `claim ${claimRef.name} owns another`;
  const quarantine = `found without a record; ${because}`;
  return { ...rest, lastClaimRef: claimRef, quarantine, because } as unknown as V;
}

function scopeOf({ id, location, zone }: AnyFound): PoolInstanceSpec['azure'] {
  const [, , subscriptionId = '', , resourceGroup = ''] = id.split('/');
  const scope = { subscriptionId, resourceGroup, location };
  return zone === undefined ? scope : { ...scope, zone: zone as '1' };
}
