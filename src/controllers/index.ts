// Starts every controller of the operator and says what wakes each of them.
import type { PoolVolume } from '../api/pool-volume.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import {
  type Controller,
  changedBeyondStatus,
  isEqual,
  type KubeClient,
  keyOfObject,
  PRIORITY,
  runController,
  type WorkQueue,
  watchAndEnqueue,
} from '../kube/index.ts';
import type { ControllerContext, Sources } from './context.ts';
import { createDiscoveryMemory, startDiscovery } from './discovery/start.ts';
import { reconcileGoldenSnapshot } from './golden-snapshot/index.ts';
import { goldenSnapshotMayDiffer, watchGoldenSnapshots } from './golden-snapshot/watches.ts';
import { startClaims } from './instance-claim/start.ts';
import { reconcileInstancePool } from './instance-pool/index.ts';
import {
  instancePoolKey,
  mayNeedStep,
  ownKey,
  poolKey,
  poolOf,
  prewarmingPools,
  roleMayDiffer,
  volumePoolKey,
} from './keys.ts';
import { instancesConcerned, instanceWakes, ofClaim, volumeWakes } from './member-wakes.ts';
import { reconcilePoolInstance } from './pool-instance/index.ts';
import { reconcilePoolVolume } from './pool-volume/index.ts';
import {
  type BackendProber,
  PROBE_WORKERS,
  PROBES_PER_SERVER,
  reconcileStorageBackend,
  serverOf,
  watchStorageBackends,
} from './storage-backend/index.ts';
import { reconcileStorageNode, watchStorageNodes } from './storage-node/index.ts';
import {
  type Agents,
  reconcileStoragePool,
  trackAgents,
  watchStoragePools,
} from './storage-pool/index.ts';
import { keyOfVolumePool } from './storage-pool/lease.ts';
import { BY_CLAIM, BY_INSTANCE, BY_POOL, machineToLeave } from './stores.ts';
import { createTcpProbe, type TcpProbe } from './tcp-probe.ts';
import { reconcileVolumePool } from './volume-pool/index.ts';

export interface StartOptions {
  readonly context: Omit<ControllerContext, 'discovery'>;
  readonly sources: Sources;
  readonly backendProber: BackendProber;
  /** For golden snapshots whose builder is ready when a port answers; default: real sockets. */
  readonly tcpProbe?: TcpProbe;
  /** For the writes that claims wait for; default: the context's client. */
  readonly urgentClient?: KubeClient;
  /** Controllers start once this resolves: caches synced, leadership won. */
  readonly startWhen: Promise<unknown>;
}

export interface RunningControllers {
  /** Keys that wait for a worker, by controller. */
  queues(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** The controllers of both kinds of pool or member. */
interface Pair {
  readonly volumes: Controller;
  readonly instances: Controller;
}

/**
 * Pools wait this long after a member or claim changed, so that a burst of them costs one pass. Far
 * below the 250 ms in which a claim must have led to an intent to refill.
 */
const COALESCE_MILLISECONDS = 100;

type Start = StartOptions & { readonly context: ControllerContext };

export function startControllers(given: StartOptions): RunningControllers {
  const agents = trackAgents(given.sources.leases, given.context.runtime.clock);
  const memory = createDiscoveryMemory(given.context);
  const options: Start = { ...given, context: { ...given.context, discovery: memory } };
  const pools = startPools(options);
  const members = startMembers(options);
  const controllers = [
    pools.volumes,
    pools.instances,
    startGoldenSnapshots(options),
    members.volumes,
    members.instances,
    startDiscovery({
      ...options,
      memory,
      queues: {
        InstancePool: pools.instances.queue,
        VolumePool: pools.volumes.queue,
        PoolInstance: members.instances.queue,
        PoolVolume: members.volumes.queue,
      },
    }),
    ...startClaims(options),
    ...startStorage(options, agents),
  ];
  options.context.tenancy.onChange(() => reconsiderPools(options, controllers));
  return {
    queues: () => Object.fromEntries(controllers.map(({ name, queue }) => [name, queue.length])),
    stop: async () => {
      agents.stop();
      await Promise.all(controllers.map((controller) => controller.stop()));
    },
  };
}

/** What pools may use has changed: each looks at itself again, and so do the builders of snapshots. */
function reconsiderPools({ context }: Start, controllers: readonly Controller[]): void {
  const queueOf = (wanted: string) => controllers.find(({ name }) => name === wanted)?.queue;
  const { instancePools, volumePools } = context.stores;
  for (const pool of instancePools.list()) queueOf('instance-pool')?.add(keyOfObject(pool));
  for (const pool of volumePools.list()) {
    queueOf('volume-pool')?.add(keyOfObject(pool));
    queueOf('golden-snapshot')?.add(keyOfObject(pool));
  }
}

function startPools({ context, sources, startWhen }: Start): Pair {
  const { runtime } = context;
  const volumePools = runController({
    name: 'volume-pool',
    runtime,
    startWhen,
    workers: 4,
    reconcile: reconcileVolumePool(context),
  });
  watchAndEnqueue(sources.volumePools, volumePools.queue, ownKey, {
    updatesWhen: (pool, old) =>
      changedBeyondStatus(pool, old) || goldenSnapshotMayDiffer(pool, old),
  });
  watchAndEnqueue(sources.poolVolumes, later(volumePools.queue), poolKey, {
    updatesWhen: roleMayDiffer,
  });
  watchAndEnqueue(sources.instanceClaims, later(volumePools.queue), volumePoolKey);
  watchAndEnqueue(sources.storagePools, later(volumePools.queue), (pool) =>
    keyOfVolumePool(pool as StoragePool),
  );

  const instancePools = runController({
    name: 'instance-pool',
    runtime,
    startWhen,
    workers: 4,
    reconcile: reconcileInstancePool(context),
  });
  watchAndEnqueue(sources.instancePools, instancePools.queue, ownKey, {
    updatesWhen: changedBeyondStatus,
  });
  watchAndEnqueue(sources.poolInstances, later(instancePools.queue), poolKey, {
    updatesWhen: roleMayDiffer,
  });
  watchAndEnqueue(sources.instanceClaims, later(instancePools.queue), instancePoolKey);
  // A fresh disk may be what a free machine waits for.
  const prewarming = prewarmingPools(context.stores.instancePools);
  watchAndEnqueue(sources.poolVolumes, later(instancePools.queue), prewarming, {
    updatesWhen: roleMayDiffer,
  });
  return { volumes: volumePools, instances: instancePools };
}

function startGoldenSnapshots(options: Start): Controller {
  const { context, sources, startWhen } = options;
  const { runtime } = context;
  const tcpProbe = options.tcpProbe ?? createTcpProbe(runtime.clock);
  const builds = runController({
    name: 'golden-snapshot',
    runtime,
    startWhen,
    workers: 4,
    reconcile: reconcileGoldenSnapshot(context, tcpProbe),
  });
  watchGoldenSnapshots(sources, builds.queue);
  return builds;
}

/**
 * A worker is held while Azure does not answer, up to a minute. No pool may have more than a part of
 * them, and some are kept for claims and releases, so that what hangs for one pool holds up no other.
 */
const MEMBER_WORKERS = 256;
const MEMBER_WORKERS_FOR_CLAIMS = 96;
const MEMBERS_PER_POOL = 48;

function startMembers({ context, sources, startWhen }: Start): Pair {
  const { runtime, stores } = context;
  const volumes = runController({
    name: 'pool-volume',
    runtime,
    startWhen,
    workers: MEMBER_WORKERS,
    urgentWorkers: MEMBER_WORKERS_FOR_CLAIMS,
    fairness: { groupOf: poolOf(stores.poolVolumes), maxPerGroup: MEMBERS_PER_POOL },
    reconcile: reconcilePoolVolume(context),
  });
  watchAndEnqueue(sources.poolVolumes, volumeWakes(volumes.queue, stores), ownKey, {
    updatesWhen: mayNeedStep,
    priority: ofClaim,
  });
  watchAndEnqueue(sources.poolInstances, volumes.queue, ({ metadata }) =>
    stores.poolVolumes.byIndex(BY_INSTANCE, metadata.uid).map(keyOfObject),
  );
  watchAndEnqueue(
    sources.storagePools,
    volumes.queue,
    ({ metadata }) => stores.poolVolumes.byIndex(BY_CLAIM, metadata.uid).map(keyOfObject),
    { updatesWhen: (pool, old) => !isEqual(pool.status?.volumes, old.status?.volumes) },
  );
  watchAndEnqueue(
    sources.volumePools,
    volumes.queue,
    (pool) => stores.poolVolumes.byIndex(BY_POOL, keyOfObject(pool)).map(keyOfObject),
    { updatesWhen: changedBeyondStatus, priority: PRIORITY.low },
  );

  const instances = runController({
    name: 'pool-instance',
    runtime,
    startWhen,
    workers: MEMBER_WORKERS,
    urgentWorkers: MEMBER_WORKERS_FOR_CLAIMS,
    fairness: { groupOf: poolOf(stores.poolInstances), maxPerGroup: MEMBERS_PER_POOL },
    reconcile: reconcilePoolInstance(context),
  });
  const wakes = instanceWakes(instances.queue, stores);
  watchAndEnqueue(sources.poolInstances, wakes, ownKey, {
    updatesWhen: mayNeedStep,
    priority: ofClaim,
  });
  watchAndEnqueue(
    sources.poolVolumes,
    wakes,
    (volume) => {
      const { metadata, spec } = volume;
      if (spec.instanceRef) return [`${metadata.namespace}/${spec.instanceRef.name}`];
      const [machine] = machineToLeave(volume as PoolVolume);
      if (machine === undefined) return [];
      return stores.poolInstances
        .list(metadata.namespace)
        .filter((instance) => instance.status?.azure?.resourceId.toLowerCase() === machine)
        .map(keyOfObject);
    },
    { priority: ofClaim },
  );
  watchAndEnqueue(sources.instanceClaims, wakes, instancesConcerned(stores), {
    priority: PRIORITY.high,
  });
  return { volumes, instances };
}

function startStorage(
  { context, sources, startWhen, backendProber: prober }: Start,
  agents: Agents,
): Controller[] {
  const { runtime } = context;
  const pools = runController({
    name: 'storage-pool',
    runtime,
    startWhen,
    workers: 8,
    reconcile: reconcileStoragePool(context, agents),
  });
  watchStoragePools(sources, agents, pools.queue);
  const backends = runController({
    name: 'storage-backend',
    runtime,
    startWhen,
    workers: PROBE_WORKERS,
    fairness: { groupOf: serverOf(context), maxPerGroup: PROBES_PER_SERVER },
    reconcile: reconcileStorageBackend({ context, prober, agents }),
  });
  watchStorageBackends(sources, agents, backends.queue);
  const inventories = runController({
    name: 'storage-node',
    runtime,
    startWhen,
    workers: 1,
    reconcile: reconcileStorageNode(context, agents),
  });
  watchStorageNodes(sources, agents, inventories.queue);
  return [pools, backends, inventories];
}

/** The queue, but everything arrives a moment later, so that bursts fold into one pass. */
function later(queue: WorkQueue): Pick<WorkQueue, 'add'> {
  return { add: (key, options) => queue.addAfter(key, COALESCE_MILLISECONDS, options) };
}
