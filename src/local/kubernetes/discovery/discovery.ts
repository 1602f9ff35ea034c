// Tells clients which groups, versions and resources there are: in the old form, one document
// per group version, and in the aggregated one.
import type { Registry } from '../resources/registry.ts';
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts';
import { extraSubresources, REVIEWS, type ReviewType } from './reviews.ts';

const SERVER_ADDRESSES = [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }];
const STATUS_VERBS = ['get', 'patch', 'update'];

export class Discovery {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  coreVersions(): object {
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: SERVER_ADDRESSES,
    };
  }

  groupList(): object {
    const groups = this.#groups().filter((group) => group !== '');
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((g) => this.#group(g)) };
  }

  group(name: string): object | undefined {
    if (!this.#groups().includes(name)) return undefined;
    return { kind: 'APIGroup', apiVersion: 'v1', ...this.#group(name) };
  }

  resourceList(group: string, version: string): object | undefined {
    const types = this.#types(group, version);
    const reviews = REVIEWS.filter((r) => r.group === group && r.version === version);
    if (types.length + reviews.length === 0) return undefined;
    const resources = [...types.flatMap(resourceEntries), ...reviews.map(reviewEntry)];
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersionOf({ group, version }),
      resources,
    };
  }

  /** The aggregated form of `/api` (core) or `/apis` (all others). */
  aggregated(core: boolean, apiVersion: 'v2' | 'v2beta1'): object {
    const groups = this.#groups().filter((group) => (group === '') === core);
    return {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
      metadata: {},
      items: groups.map((group) => ({
        metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
        versions: this.#versions(group).map((version) => ({
          version,
          resources: [
            ...this.#types(group, version).map(aggregatedEntry),
            ...REVIEWS.filter((r) => r.group === group && r.version === version).map(
              aggregatedReview,
            ),
          ],
          freshness: 'Current',
        })),
      })),
    };
  }

  groupVersions(): { group: string; version: string }[] {
    return this.#groups().flatMap((group) =>
      this.#versions(group).map((version) => ({ group, version })),
    );
  }

  #groups(): string[] {
    return [...new Set([...this.#registry.groups(), ...REVIEWS.map((review) => review.group)])];
  }

  #versions(group: string): string[] {
    const reviews = REVIEWS.filter((review) => review.group === group);
    const versions = [...this.#registry.versions(group), ...reviews.map((r) => r.version)];
    return [...new Set(versions)].sort(newestFirst);
  }

  #types(group: string, version: string): ResourceType[] {
    return this.#registry.all().filter((type) => type.group === group && type.version === version);
  }

  #group(name: string): object {
    const versions = this.#versions(name).map((version) => ({
      groupVersion: apiVersionOf({ group: name, version }),
      version,
    }));
    return { name, versions, preferredVersion: versions[0] };
  }
}

/** Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, everything else. */
function newestFirst(left: string, right: string): number {
  const [a, b] = [rank(left), rank(right)];
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return b[i]! - a[i]!;
  return left < right ? -1 : 1;
}

function rank(version: string): number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return [-1, 0, 0];
  const stability = match[2] === 'alpha' ? 0 : match[2] === 'beta' ? 1 : 2;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}

function resourceEntries(type: ResourceType): object[] {
  const entry = {
    name: type.plural,
    singularName: type.singular,
    namespaced: type.namespaced,
    kind: type.kind,
    verbs: type.verbs,
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
    ...(type.categories.length > 0 ? { categories: type.categories } : {}),
    storageVersionHash: '',
  };
  const sub = (name: string, kind: object, verbs: readonly string[]): object => ({
    name: `${type.plural}/${name}`,
    singularName: '',
    namespaced: type.namespaced,
    ...kind,
    verbs,
  });
  const status = type.statusSubresource ? [sub('status', { kind: type.kind }, STATUS_VERBS)] : [];
  const extra = extraSubresources(type).map((e) => sub(e.name, e.kind, e.verbs));
  return [entry, ...status, ...extra];
}

function reviewEntry(review: ReviewType): object {
  const { plural, kind, namespaced } = review;
  const singularName = kind.toLowerCase();
  return { name: plural, singularName, namespaced, kind, verbs: ['create'] };
}

function aggregatedEntry(type: ResourceType): object {
  const kind = { group: type.group, version: type.version, kind: type.kind };
  const status = { subresource: 'status', responseKind: kind, verbs: STATUS_VERBS };
  const subresources = [
    ...(type.statusSubresource ? [status] : []),
    ...extraSubresources(type).map((extra) => ({
      subresource: extra.name,
      responseKind: extra.kind,
      verbs: extra.verbs,
    })),
  ];
  return {
    resource: type.plural,
    responseKind: kind,
    scope: type.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: type.singular,
    verbs: type.verbs,
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
    ...(type.categories.length > 0 ? { categories: type.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function aggregatedReview(review: ReviewType): object {
  const { group, version, kind, plural, namespaced } = review;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.toLowerCase(),
    verbs: ['create'],
  };
}
