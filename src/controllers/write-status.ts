// The one place where a controller writes a status: the difference only, and nothing when there is none.
import type { AnyObject, Resource } from '../api/object.ts';
import { type KubeClient, statusPatch } from '../kube/index.ts';

/**
 * Resolves true when something was written. The uid guards a successor of the same name; `unlessChanged`
 * refuses, with a conflict, to write over what somebody else wrote meanwhile.
 */
export async function writeStatus<T extends AnyObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  status: object,
  { unlessChanged = false } = {},
): Promise<boolean> {
  const patch = statusPatch(object as { readonly status?: unknown }, status);
  if (!patch) return false;
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const metadata = unlessChanged ? { uid, resourceVersion } : { uid };
  await client.mergePatch(
    resource,
    { namespace, name },
    { ...patch, metadata },
    { subresource: 'status' },
  );
  return true;
}
