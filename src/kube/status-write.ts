// Writes the status of one object and never that of its successor. A server ignores the uid that comes
// with a status: only the version tells two objects of one name apart.
import type { AnyObject, DeepReadonly, ObjectMeta, Resource } from '../api/object.ts';
import type { KubeClient } from './client.ts';
import { isConflict } from './errors.ts';
import type { MergePatch } from './patch.ts';

interface Target {
  readonly metadata: DeepReadonly<
    Pick<ObjectMeta, 'name' | 'uid' | 'resourceVersion'> & { namespace?: string | undefined }
  >;
}

/** So many writers in a row come in between only where something is very wrong. */
const MAX_ATTEMPTS = 5;

/**
 * Sends a patch of the form `{status: …}`. What others wrote to the object meanwhile is kept, unless
 * `unlessChanged` asks for a conflict then. Throws a conflict, too, when another object has its name.
 */
export async function mergeStatus<T extends AnyObject>(
  client: KubeClient,
  resource: Resource<T>,
  { metadata: { namespace, name, uid, resourceVersion } }: Target,
  patch: MergePatch,
  { unlessChanged = false } = {},
): Promise<void> {
  let version = resourceVersion;
  for (let attempt = 1; ; attempt++) {
    const body = { ...patch, metadata: { uid, resourceVersion: version } };
    try {
      await client.mergePatch(resource, { namespace, name }, body, { subresource: 'status' });
      return;
    } catch (error) {
      if (!isConflict(error) || unlessChanged || attempt >= MAX_ATTEMPTS) throw error;
      const live = await client.get(resource, { namespace, name });
      if (live?.metadata.uid !== uid) throw error;
      version = live.metadata.resourceVersion;
    }
  }
}
