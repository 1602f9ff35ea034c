// The one place where a controller writes a status: the difference only, and nothing when there is none.
import type { AnyObject, Resource } from '../api/object.ts';
import { type KubeClient, statusPatch } from '../kube/index.ts';

/** Resolves true when something was written. The uid guards a successor of the same name. */
export async function writeStatus<T extends AnyObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  status: object,
): Promise<boolean> {
  const patch = statusPatch(object as { readonly status?: unknown }, status);
  if (!patch) return false;
  const { namespace, name, uid } = object.metadata;
  await client.mergePatch(
    resource,
    { namespace, name },
    { ...patch, metadata: { uid } },
    { subresource: 'status' },
  );
  return true;
}
