// Which namespaces an operator obeys. What lies in others is somebody else's: it is neither recorded, nor
// missed, nor garbage, whatever it looks like from here.
import type { AnyObject, Resource } from '../api/object.ts';
import type { ControllerContext } from './context.ts';

type Watching = Pick<ControllerContext, 'watchNamespaces'>;

/** The namespaces, sorted; undefined when it is all of them. */
export function watchedNamespaces({ watchNamespaces = [] }: Watching): string[] | undefined {
  return watchNamespaces.length === 0 ? undefined : [...new Set(watchNamespaces)].sort();
}

/** False too for what tells of no namespace, unless all of them are watched. */
export function isWatched(context: Watching, namespace: string): boolean {
  return watchedNamespaces(context)?.includes(namespace) ?? true;
}

/** The API server's word on all objects of a kind that concern this operator. */
export async function listWatched<T extends AnyObject>(
  context: Pick<ControllerContext, 'client' | 'watchNamespaces'>,
  resource: Resource<T>,
): Promise<T[]> {
  const namespaces = watchedNamespaces(context);
  if (!namespaces) return context.client.list(resource);
  const lists = namespaces.map((namespace) => context.client.list(resource, { namespace }));
  return (await Promise.all(lists)).flat();
}
