// Defines a built-in resource with the usual properties, of which each only says the exceptions.
import { ageColumn, nameColumn } from './columns.ts';
import { ALL_VERBS, type ResourceType, shelfName } from './resource-type.ts';

type Required = Pick<ResourceType, 'group' | 'version' | 'kind' | 'plural' | 'namespaced'>;

export function defineResource(given: Required & Partial<ResourceType>): ResourceType {
  return {
    listKind: `${given.kind}List`,
    singular: given.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: ALL_VERBS,
    shelf: shelfName(given.group, given.plural),
    nameRule: 'subdomain',
    statusSubresource: false,
    generations: false,
    custom: false,
    schema: undefined,
    columns: [nameColumn, ageColumn],
    ...given,
  };
}
