// Marks a member as let go of, before anything else happens to it: from then on nothing deletes it.
import { timestamp } from '../api/conditions.ts';
import type { Resource } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { isConflict, locked } from '../kube/index.ts';
import { orphanedFrom } from '../plan/member.ts';
import type { ControllerContext } from './context.ts';

/** Somebody who changed the member meanwhile wins: the next pass looks at it again. */
export async function orphan<M extends PoolInstance | PoolVolume>(
  { client, installation, runtime }: ControllerContext,
  resource: Resource<M>,
  member: M,
): Promise<void> {
  const { namespace, name } = member.metadata;
  const mark = { from: orphanedFrom(member, installation), time: timestamp(runtime.clock.now()) };
  const patch = locked(member, { spec: { orphan: mark } });
  await client.mergePatch(resource, { namespace, name }, patch).catch((error) => {
    if (!isConflict(error)) throw error;
  });
}
