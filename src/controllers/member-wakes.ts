// When a member is looked at after something happened to it. Most things are urgent; what merely tells
// Azure of a binding is not: it lets the claims of a burst go first.
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { DeepReadonly } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { type Key, keyOfObject, PRIORITY, type WorkQueue } from '../kube/index.ts';
import { isOver } from '../plan/instance-claim.ts';
import { isKnownAs } from '../plan/member.ts';
import type { ControllerContext } from './context.ts';
import { BY_CLAIM, BY_INSTANCE } from './stores.ts';

type Stores = ControllerContext['stores'];

/** Long enough for a burst of claims to be bound, short enough that nobody misses the tags. */
const UNHURRIED_MILLISECONDS = 250;

/** The queue of instances: those that only have to be tagged for their claim come a little later. */
export function instanceWakes(queue: WorkQueue, stores: Stores): Pick<WorkQueue, 'add'> {
  return unhurried(queue, (key) => {
    const instance = stores.poolInstances.byKey(key);
    return instance !== undefined && isServingAlready(instance, stores);
  });
}

/** The queue of volumes: those of claims follow what their instances say. */
export function volumeWakes(queue: WorkQueue, { poolVolumes }: Stores): Pick<WorkQueue, 'add'> {
  return unhurried(queue, (key) => poolVolumes.byKey(key)?.spec.claimRef !== undefined);
}

/** Bound just now, and all that its claim needs is there: the machine runs and holds its disks. */
function isServingAlready(instance: PoolInstance, stores: Stores): boolean {
  const { metadata, spec, status } = instance;
  if (!spec.claimRef || status?.phase !== 'Free' || metadata.deletionTimestamp) return false;
  if (status.azure?.powerState !== 'running') return false;
  if (stores.instancePools.get(metadata.namespace, spec.poolRef.name)?.spec.hooks.onClaim)
    return false;
  const attached = new Set(status.volumes.map(({ uid }) => uid));
  const wanted = stores.poolVolumes.byIndex(BY_INSTANCE, metadata.uid);
  return wanted.length === attached.size && wanted.every((one) => attached.has(one.metadata.uid));
}

/** Instances that a change of their claim concerns: it is over, or was told of another one. */
export function instancesConcerned({ poolInstances }: Stores) {
  return (claim: DeepReadonly<InstanceClaim>, type: 'add' | 'update' | 'delete'): Key[] => {
    const { metadata, status } = claim;
    const told = status?.instance?.uid;
    const isOut = type === 'delete' || isOver(claim as InstanceClaim);
    return poolInstances
      .byIndex(BY_CLAIM, metadata.uid)
      .filter((instance) => isOut || (told !== undefined && !isKnownAs(instance, told)))
      .map(keyOfObject);
  };
}

export function ofClaim({ spec }: DeepReadonly<PoolInstance | PoolVolume>): number {
  return spec.claimRef ? PRIORITY.high : PRIORITY.normal;
}

function unhurried(queue: WorkQueue, mayWait: (key: Key) => boolean): Pick<WorkQueue, 'add'> {
  return {
    add: (key, options) => queue.addAfter(key, mayWait(key) ? UNHURRIED_MILLISECONDS : 0, options),
  };
}
