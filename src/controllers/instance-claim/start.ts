// Starts what serves claims: the allocation, which binds, and the controller that tells the user.
import type { InstanceClaim } from '../../api/instance-claim.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import {
  type Controller,
  changedBeyondStatus,
  type Key,
  type KubeClient,
  keyOfObject,
  PRIORITY,
  runController,
  watchAndEnqueue,
} from '../../kube/index.ts';
import { isLacking, isOver } from '../../plan/instance-claim.ts';
import type { ControllerContext, Sources } from '../context.ts';
import { claimKey, instancePoolKey, ownKey, poolKey, roleMayDiffer } from '../keys.ts';
import { BY_CLAIM, BY_VOLUME_POOL } from '../stores.ts';
import { createTcpProbe, type TcpProbe } from '../tcp-probe.ts';
import { reconcileAllocation } from './allocate.ts';
import { rememberFirstSights } from './first-sights.ts';
import { reconcileInstanceClaim } from './index.ts';
import { noticeLooseEnds } from './loose-ends.ts';
import { createPortProbes } from './port-probes.ts';

type Claim = DeepReadonly<InstanceClaim>;

export interface ClaimOptions {
  readonly context: ControllerContext;
  readonly sources: Sources;
  readonly tcpProbe?: TcpProbe;
  /** For the writes that claims wait for; default: the context's client. */
  readonly urgentClient?: KubeClient;
  readonly startWhen: Promise<unknown>;
}

/** So that the claims of no pool take all workers, whatever becomes of their writes. */
const CLAIM_WORKERS = 64;
const CLAIMS_PER_POOL = 24;

export function startClaims({
  context: given,
  sources,
  startWhen,
  ...options
}: ClaimOptions): Controller[] {
  const context = { ...given, client: options.urgentClient ?? given.client };
  const { runtime, stores } = context;
  const probes = createPortProbes(options.tcpProbe ?? createTcpProbe(runtime.clock), (key) =>
    claims.queue.add(key, high),
  );
  const claims = runController({
    name: 'instance-claim',
    runtime,
    startWhen,
    workers: CLAIM_WORKERS,
    fairness: { groupOf: poolOfClaim(stores), maxPerGroup: CLAIMS_PER_POOL },
    reconcile: reconcileInstanceClaim(
      context,
      rememberFirstSights(sources.instanceClaims, runtime.clock),
      probes,
    ),
  });
  const high = { priority: PRIORITY.high };
  const bound = ({ metadata }: Claim): boolean =>
    stores.poolInstances.byIndex(BY_CLAIM, metadata.uid).length > 0;
  // A claim that nothing is bound to yet goes to the allocation first: served at once, it is told once.
  // One that is over may have been let go of by everything just before a crash: it must be told too.
  watchAndEnqueue(
    sources.instanceClaims,
    claims.queue,
    (claim) => (bound(claim) || isOver(claim as InstanceClaim) ? [keyOfObject(claim)] : []),
    { ...high, updatesWhen: changedBeyondStatus },
  );
  watchAndEnqueue(sources.poolInstances, claims.queue, claimKey, high);
  watchAndEnqueue(sources.poolVolumes, claims.queue, claimKey, high);

  const allocation = runController({
    name: 'allocation',
    runtime,
    startWhen,
    workers: 8,
    reconcile: reconcileAllocation(context, {
      looseEnds: noticeLooseEnds(sources),
      tellWaiting: (keys) => {
        for (const key of keys) claims.queue.add(key);
      },
    }),
  });
  watchAndEnqueue(
    sources.instanceClaims,
    allocation.queue,
    (claim) => (bound(claim) && !isLacking(claim as InstanceClaim) ? [] : instancePoolKey(claim)),
    { ...high, updatesWhen: changedBeyondStatus },
  );
  watchAndEnqueue(sources.instancePools, allocation.queue, ownKey, {
    updatesWhen: changedBeyondStatus,
  });
  watchAndEnqueue(sources.poolInstances, allocation.queue, poolKey, {
    ...high,
    updatesWhen: roleMayDiffer,
  });
  watchAndEnqueue(
    sources.poolVolumes,
    allocation.queue,
    (volume) => interestedPools(context, volume),
    { ...high, updatesWhen: roleMayDiffer },
  );
  const stop = async (): Promise<void> => {
    probes.stop();
    await claims.stop();
  };
  return [{ name: claims.name, queue: claims.queue, stop }, allocation];
}

function poolOfClaim({ instanceClaims }: ControllerContext['stores']): (key: Key) => string {
  return (key) => {
    const claim = instanceClaims.byKey(key);
    return claim ? `${claim.metadata.namespace}/${claim.spec.instancePoolRef.name}` : key;
  };
}

/** The instance pools whose claims may have waited for this volume. */
function interestedPools({ stores }: ControllerContext, volume: DeepReadonly<PoolVolume>): Key[] {
  const { namespace, name } = volume.metadata;
  const fresh = stores.instanceClaims.byIndex(
    BY_VOLUME_POOL,
    `${namespace}/${volume.spec.poolRef.name}`,
  );
  const named = volume.spec.lastClaimRef
    ? stores.instanceClaims
        .list(namespace)
        .filter(
          ({ spec }) => spec.volume?.type === 'Existing' && spec.volume.existing.name === name,
        )
    : [];
  return [...fresh, ...named].flatMap((claim) => instancePoolKey(claim));
}
