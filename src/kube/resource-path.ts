// Where a kind and its objects live under the API server's URL.
import type { Resource } from '../api/object.ts';
import { assert } from '../runtime/assert.ts';
import type { ObjectReference } from './object-key.ts';

/** The collection in one namespace, or without one across all. */
export function collectionPath(resource: Resource<unknown>, namespace?: string): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  const scope =
    resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}/${resource.version}${scope}/${resource.plural}`;
}

export function objectPath(resource: Resource<unknown>, reference: ObjectReference): string {
  assert(reference.name !== '', `a ${resource.kind} needs a name`);
  assert(
    !resource.namespaced || reference.namespace,
    `the ${resource.kind} ${reference.name} needs a namespace`,
  );
  const collection = collectionPath(resource, reference.namespace);
  return `${collection}/${encodeURIComponent(reference.name)}`;
}
