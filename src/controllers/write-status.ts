// The one place where a controller writes a status: the difference only, and nothing when there is none.
import type { AnyObject, Resource } from '../api/object.ts';
import { type KubeClient, mergeStatus, statusPatch } from '../kube/index.ts';

/**
 * Resolves true when something was written. A successor of the same name is never touched;
 * `unlessChanged` refuses, with a conflict, to write over what somebody else wrote meanwhile.
 */
export async function writeStatus<T extends AnyObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  status: object,
  options: { readonly unlessChanged?: boolean } = {},
): Promise<boolean> {
  const patch = statusPatch(object as { readonly status?: unknown }, status);
  if (!patch) return false;
  await mergeStatus(client, resource, object, patch, options);
  return true;
}
