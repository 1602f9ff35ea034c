// What stories about lost records do: take records away as no operator would, and count what Azure
// was asked for meanwhile.

import assert from 'node:assert/strict';
import type { AnyObject, Resource } from '../../src/api/object.ts';
import { instanceClaims, poolInstances, poolVolumes } from '../../src/api/resources.ts';
import type { PoolsWorld } from './pools-world.ts';

export const scaling = {
  minFree: 2,
  maxFree: 4,
  maxTotal: 10,
  scaleDownCooldown: '0s',
  discoveryInterval: '5s',
};

/** Strips the finalizers and deletes: as somebody does who wants it gone at any price. */
export async function forceDelete<T extends AnyObject>(
  { client }: PoolsWorld,
  resource: Resource<T>,
  objects: readonly AnyObject[],
): Promise<void> {
  for (const { metadata } of objects) {
    const reference = { namespace: metadata.namespace, name: metadata.name };
    await client
      .mergePatch(resource, reference, { metadata: { finalizers: null } })
      .catch(() => undefined);
    await client.delete(resource, reference).catch(() => undefined);
  }
}

export async function forceDeleteRecords(world: PoolsWorld): Promise<void> {
  await Promise.all([
    forceDelete(world, poolInstances, await world.instances()),
    forceDelete(world, poolVolumes, await world.volumes()),
  ]);
}

export async function forceDeleteClaims(world: PoolsWorld): Promise<void> {
  const claims = await world.client.list(instanceClaims, { namespace: 'stories' });
  await forceDelete(world, instanceClaims, claims);
}

/** Who has what: the same before and after, whatever happened to the records. */
export async function bindings(world: PoolsWorld): Promise<string[]> {
  const members = [...(await world.instances()), ...(await world.volumes())];
  return members
    .map(({ kind, metadata, spec, status }) => {
      const holder = 'instanceRef' in spec ? spec.instanceRef?.name : undefined;
      const name = status?.azure?.name;
      return [kind, metadata.name, name, status?.phase, spec.claimRef?.uid, holder].join(' ');
    })
    .sort();
}

/** Machines and disks asked for, and deletions, since the log was last reset. */
export function changes({ running }: PoolsWorld): string[] {
  return running.azure.log
    .requests()
    .filter(
      ({ operation, method }) =>
        method === 'DELETE' || (method === 'PUT' && operation.endsWith('createOrUpdate')),
    )
    .map(({ operation, name }) => `${operation} ${name}`);
}

/** Stops a world in which somebody broke the rules on purpose: only those breaches are forgiven. */
export async function stopForgiving(world: PoolsWorld, forgiven: RegExp): Promise<void> {
  await world.stop().catch((error) => {
    if (world.watch.violations.length === 0) throw error;
  });
  assert.deepEqual(
    world.watch.violations.filter((violation) => !forgiven.test(violation)),
    [],
  );
}
