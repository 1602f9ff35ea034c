// What of Azure the pools of a namespace may name. The operator's rights in Azure are not the author's:
// whoever may write a pool gets no more of them than the installation's configuration says.

import type { ResolvedScope } from '../api/azure-scope.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import type { Image } from '../api/machine.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { readTags } from './adoption-tags.ts';
import type { InstallationDefaults, Refusal } from './pool-scope.ts';
import { isWithin, parseResourceId, type ResourceIdPath } from './resource-id.ts';

/**
 * What one namespace may use. Ids allow themselves and everything below them: a resource group all that is
 * in it, a gallery all its images. Azure ignores case in all of it, and so does every comparison here.
 */
export interface Allowance {
  /** Ids of subscriptions or resource groups that machines and disks are made in. */
  readonly scopes?: readonly string[] | undefined;
  readonly locations?: readonly string[] | undefined;
  /** Absent: every subnet within the scopes. */
  readonly subnetIds?: readonly string[] | undefined;
  /** Absent: none. A machine acts in Azure as its identities. */
  readonly identityIds?: readonly string[] | undefined;
  /** Absent: every snapshot within the scopes but those that pools of other namespaces built. */
  readonly snapshotIds?: readonly string[] | undefined;
  /** Absent: every image within the scopes. Marketplace images are everybody's. */
  readonly imageIds?: readonly string[] | undefined;
}

export interface Tenancy {
  readonly defaults: InstallationDefaults;
  /** By namespace; `*` is for all that have no entry of their own. */
  readonly namespaces: Readonly<Record<string, Allowance>>;
}

type Pool = InstancePool | VolumePool;

/** The allowance of one namespace with what is left out filled in. */
interface Allowed {
  readonly namespace: string;
  readonly scopes: readonly string[];
  readonly locations: readonly string[];
  readonly entry: Allowance;
}

/** One thing that a pool names. */
interface Named {
  readonly field: string;
  readonly value: string;
  /** The setting that would allow it. */
  readonly setting: keyof Allowance;
}

/** Undefined when the pool may use all that it names; else the first thing that it may not. */
export function refusePool(
  pool: Pool,
  scope: ResolvedScope,
  tenancy: Tenancy,
): Refusal | undefined {
  const allowed = allowedTo(tenancy, pool.metadata.namespace);
  return (
    refuseScope(pool, scope, allowed) ??
    (isInstancePool(pool) ? refuseTemplate(pool, allowed) : refuseGolden(pool, allowed))
  );
}

/** For a disk whose record names the snapshot that it is to be copied from. */
export function refuseSnapshot(
  namespace: string,
  snapshotId: string,
  tenancy: Tenancy,
): Refusal | undefined {
  const named = { field: 'spec.source.snapshotId', value: snapshotId } as const;
  return refuseId({ ...named, setting: 'snapshotIds' }, allowedTo(tenancy, namespace));
}

export interface SeenSnapshot {
  readonly pool: VolumePool;
  readonly snapshot: { readonly id: string; readonly tags?: Readonly<Record<string, string>> };
  readonly installation: string;
}

/**
 * A snapshot that another namespace's pool built may hold what that namespace keeps to itself: being in
 * the same resource group is not enough, it must be on the list.
 */
export function refuseForeignSnapshot(
  { pool, snapshot, installation }: SeenSnapshot,
  tenancy: Tenancy,
): Refusal | undefined {
  const { namespace } = pool.metadata;
  const tags = readTags(snapshot.tags ?? {});
  const isOurs = tags.installation === installation && tags.poolNamespace === namespace;
  const isBuilt = tags.role === 'golden';
  const { entry } = allowedTo(tenancy, namespace);
  if (!isBuilt || isOurs || entry.snapshotIds) return undefined;
  const owner = `namespace ${tags.poolNamespace} of installation ${tags.installation}`;
  const what = `spec.goldenSnapshot.existing.id: snapshot ${snapshot.id} was built for ${owner}`;
  const message = `${what}, and namespace ${namespace} may not copy it; ${howToAllow(namespace, 'snapshotIds')}`;
  return { reason: 'ScopeNotAllowed', message };
}

function allowedTo({ defaults, namespaces }: Tenancy, namespace: string): Allowed {
  const entry = namespaces[namespace] ?? namespaces['*'] ?? {};
  const { subscriptionId, resourceGroup, location } = defaults;
  const own =
    subscriptionId !== undefined && resourceGroup !== undefined
      ? [`/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`]
      : [];
  return {
    namespace,
    scopes: entry.scopes ?? own,
    locations: entry.locations ?? (location === undefined ? [] : [location]),
    entry,
  };
}

function refuseScope(
  { spec }: Pool,
  { subscriptionId, resourceGroup, location }: ResolvedScope,
  allowed: Allowed,
): Refusal | undefined {
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
  const { azure } = spec;
  if (!isAnyWithin(parseResourceId(group), allowed.scopes)) {
    const asked = (['resourceGroup', 'subscriptionId'] as const).find((field) => azure[field]);
    const field = asked ? `spec.azure.${asked}` : 'spec.azure';
    return refusal({ field, value: group, setting: 'scopes' }, allowed.scopes, allowed);
  }
  const isHere = allowed.locations.some((one) => one.toLowerCase() === location.toLowerCase());
  if (isHere) return undefined;
  const named = { field: 'spec.azure.location', value: location, setting: 'locations' } as const;
  return refusal(named, allowed.locations, allowed);
}

function refuseTemplate({ spec }: InstancePool, allowed: Allowed): Refusal | undefined {
  const { subnetId, identityIds = [], image } = spec.template;
  return firstRefusal(allowed, [
    { field: 'spec.template.subnetId', value: subnetId, setting: 'subnetIds' },
    ...identityIds.map(
      (value, index): Named => ({
        field: `spec.template.identityIds[${index}]`,
        value,
        setting: 'identityIds',
      }),
    ),
    ...namedImage('spec.template.image', image),
  ]);
}

function refuseGolden({ spec }: VolumePool, allowed: Allowed): Refusal | undefined {
  const { goldenSnapshot } = spec;
  if (goldenSnapshot.type === 'Existing') {
    const field = 'spec.goldenSnapshot.existing.id';
    const value = goldenSnapshot.existing.id;
    return firstRefusal(allowed, [{ field, value, setting: 'snapshotIds' }]);
  }
  if (goldenSnapshot.type === 'Empty') return undefined;
  const { subnetId, image } = goldenSnapshot.build;
  return firstRefusal(allowed, [
    { field: 'spec.goldenSnapshot.build.subnetId', value: subnetId, setting: 'subnetIds' },
    ...namedImage('spec.goldenSnapshot.build.image', image),
  ]);
}

function namedImage(field: string, image: Image): Named[] {
  if (image.type !== 'Resource') return [];
  return [{ field: `${field}.resource.id`, value: image.resource.id, setting: 'imageIds' }];
}

function firstRefusal(allowed: Allowed, all: readonly Named[]): Refusal | undefined {
  for (const named of all) {
    const refused = refuseId(named, allowed);
    if (refused) return refused;
  }
  return undefined;
}

function refuseId(named: Named, allowed: Allowed): Refusal | undefined {
  const parsed = parseResourceId(named.value);
  if (!parsed) {
    const message = `${named.field} "${named.value}" is no plain Azure resource id: write it without empty, dotted or escaped parts`;
    return { reason: 'InvalidSpec', message };
  }
  const within = allowed.entry[named.setting] ?? defaultFor(named.setting, allowed);
  return isAnyWithin(parsed, within) ? undefined : refusal(named, within, allowed);
}

function defaultFor(setting: keyof Allowance, { scopes }: Allowed): readonly string[] {
  return setting === 'identityIds' ? [] : scopes;
}

function isAnyWithin(id: ResourceIdPath | undefined, parents: readonly string[]): boolean {
  return id !== undefined && parents.some((parent) => isWithin(id, parent));
}

/** More of them would drown the message. */
const NAMED_ALTERNATIVES = 5;

function refusal(
  { field, value, setting }: Named,
  alternatives: readonly string[],
  { namespace }: Allowed,
): Refusal {
  const shown = alternatives.slice(0, NAMED_ALTERNATIVES).join(', ');
  const more = alternatives.length > NAMED_ALTERNATIVES ? ' and others' : '';
  const what =
    alternatives.length === 0 ? 'nothing is' : `only ${shown}${more} and what is in it is`;
  const choice =
    setting === 'locations' && alternatives.length > 0 ? `only ${shown}${more} is` : what;
  const message = `${field} "${value}" is not allowed for namespace ${namespace}: ${choice}; ${howToAllow(namespace, setting)}`;
  return { reason: 'ScopeNotAllowed', message };
}

function howToAllow(namespace: string, setting: keyof Allowance): string {
  return `whoever runs this installation can allow it in the controller's configuration, tenancy."${namespace}".${setting}`;
}

function isInstancePool(pool: Pool): pool is InstancePool {
  return pool.kind === 'InstancePool';
}
