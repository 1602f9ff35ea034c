// Which resources are served right now, found by their place in the URL.
import { asObject, asString } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { clusterResources } from './cluster.ts';
import { coreResources } from './core.ts';
import { resourceTypesOf } from './custom-resources.ts';
import { coreEvents, newEvents } from './events.ts';
import { leases } from './leases.ts';
import type { ResourceType } from './resource-type.ts';
import { storedResources } from './stored-only.ts';
import { workloadResources } from './workloads.ts';

const BUILT_INS: readonly ResourceType[] = [
  ...coreResources,
  coreEvents,
  newEvents,
  leases,
  ...clusterResources,
  ...workloadResources,
  ...storedResources,
];

export class Registry {
  readonly #builtIns = new Map(BUILT_INS.map((type) => [placeOf(type), type]));
  readonly #custom = new Map<string, readonly ResourceType[]>();
  readonly #listeners = new Set<() => void>();
  #byPlace = new Map(this.#builtIns);

  find(group: string, version: string, plural: string): ResourceType | undefined {
    return this.#byPlace.get(`${group}/${version}/${plural}`);
  }

  /** Every served resource in every version, built-ins first. */
  all(): ResourceType[] {
    return [...this.#byPlace.values()];
  }

  /** One type per shelf, for those who visit every object. */
  shelves(): Map<string, ResourceType> {
    const types = new Map<string, ResourceType>();
    for (const type of this.all()) if (!types.has(type.shelf)) types.set(type.shelf, type);
    return types;
  }

  versions(group: string): string[] {
    const versions = this.all().filter((type) => type.group === group);
    return [...new Set(versions.map((type) => type.version))];
  }

  groups(): string[] {
    return [...new Set(this.all().map((type) => type.group))];
  }

  define(definition: KubeObject): void {
    this.#custom.set(definition.metadata.name, resourceTypesOf(definition));
    this.#rebuild();
  }

  undefine(definitionName: string): void {
    if (this.#custom.delete(definitionName)) this.#rebuild();
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #rebuild(): void {
    this.#byPlace = new Map(this.#builtIns);
    for (const type of [...this.#custom.values()].flat()) this.#byPlace.set(placeOf(type), type);
    for (const listener of this.#listeners) listener();
  }
}

function placeOf(type: ResourceType): string {
  return `${type.group}/${type.version}/${type.plural}`;
}

/** The shelf on which a definition's instances are kept. */
export function shelfOfDefinition(definition: KubeObject): string {
  const spec = asObject(definition['spec']);
  return `${asString(spec['group'])}/${asString(asObject(spec['names'])['plural'])}`;
}
