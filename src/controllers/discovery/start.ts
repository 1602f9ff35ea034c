// Starts the looks at Azure and says what wakes them: pools that come, records that go.
import type { DeepReadonly } from '../../api/object.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { computeResourceId } from '../../azure/port.ts';
import {
  type Controller,
  changedBeyondStatus,
  keyOfObject,
  PRIORITY,
  runController,
  type WorkQueue,
  watchAndEnqueue,
} from '../../kube/index.ts';
import { machineName } from '../../plan/pool-instance.ts';
import { diskName } from '../../plan/pool-volume.ts';
import type { ControllerContext, Sources } from '../context.ts';
import { BY_FORMER_UID } from '../stores.ts';
import { LAG_MILLISECONDS, reconcileDiscovery, subscriptionOf } from './index.ts';
import { DiscoveryMemory, type MissingMember } from './memory.ts';

type Basis = Omit<ControllerContext, 'discovery'>;

export function createDiscoveryMemory({ runtime, stores, pollPace }: Basis): DiscoveryMemory {
  return new DiscoveryMemory({
    clock: runtime.clock,
    isRecorded: (kind, uid) => {
      const members = kind === 'instance' ? stores.poolInstances : stores.poolVolumes;
      return members.byUid(uid) !== undefined || members.byIndex(BY_FORMER_UID, uid).length > 0;
    },
    lagMilliseconds: LAG_MILLISECONDS / pollPace,
  });
}

export interface DiscoveryStart {
  readonly context: ControllerContext;
  readonly memory: DiscoveryMemory;
  readonly sources: Sources;
  readonly startWhen: Promise<unknown>;
  readonly queues: Readonly<Record<Waked, Pick<WorkQueue, 'add'>>>;
}

type Waked = 'InstancePool' | 'VolumePool' | 'PoolInstance' | 'PoolVolume';

export function startDiscovery(start: DiscoveryStart): Controller {
  const { context, memory, sources, startWhen, queues } = start;
  const { runtime } = context;
  const isRecorded = createIsRecorded(context);
  const controller = runController({
    name: 'discovery',
    runtime,
    startWhen,
    workers: 4,
    reconcile: reconcileDiscovery({
      context,
      memory,
      isRecorded,
      wakePool: (pool) => queues[pool.kind as Waked].add(keyOfObject(pool)),
      wakeMember: (member) =>
        queues[member.kind as Waked].add(keyOfObject(member), { priority: PRIORITY.low }),
    }),
  });
  const { queue } = controller;
  const options = { updatesWhen: changedBeyondStatus };
  watchAndEnqueue(sources.instancePools, queue, (pool) => keysOf(pool as never), options);
  watchAndEnqueue(sources.volumePools, queue, (pool) => keysOf(pool as never), options);
  sources.poolInstances.subscribe((type, instance) => {
    if (type === 'delete') lose(lostInstance(instance as PoolInstance));
  });
  sources.poolVolumes.subscribe((type, volume) => {
    if (type === 'delete') lose(lostVolume(volume as PoolVolume));
  });
  return controller;

  function keysOf(pool: Parameters<typeof subscriptionOf>[1]): string[] {
    const subscriptionId = subscriptionOf(context, pool);
    return subscriptionId === undefined ? [] : [subscriptionId];
  }
  function lose(member: MissingMember): void {
    // Before the first look nothing needs to be remembered: it shows what has no record.
    if (!memory.lastDiscovery(member.subscriptionId)) return;
    if (memory.lose(member)) queue.add(member.subscriptionId, { priority: PRIORITY.high });
  }
}

function createIsRecorded({ stores }: ControllerContext): (uid: string) => boolean {
  return (uid) =>
    [stores.poolInstances, stores.poolVolumes].some(
      (members) =>
        members.byUid(uid) !== undefined || members.byIndex(BY_FORMER_UID, uid).length > 0,
    );
}

function lostInstance(instance: PoolInstance): MissingMember {
  const { spec, status } = instance;
  const id =
    spec.adopt?.resourceId ??
    status?.azure?.resourceId ??
    computeResourceId(spec.azure, 'virtualMachines', machineName(instance));
  return { kind: 'instance', id, ...lostMember(instance) };
}

function lostVolume(volume: PoolVolume): MissingMember {
  const { spec, status } = volume;
  const id =
    spec.adopt?.resourceId ??
    status?.azure?.resourceId ??
    computeResourceId(spec.azure, 'disks', diskName(volume));
  return { kind: 'volume', id, ...lostMember(volume) };
}

function lostMember({
  metadata,
  spec,
}: DeepReadonly<PoolInstance | PoolVolume>): Omit<MissingMember, 'kind' | 'id'> {
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    pool: spec.poolRef.name,
    ordinal: spec.ordinal,
    subscriptionId: spec.azure.subscriptionId.toLowerCase(),
  };
}
