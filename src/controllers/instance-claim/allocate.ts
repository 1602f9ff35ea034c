// Binds waiting claims of one pool to free instances and volumes. Keyed by the pool, so that claims
// are served in their order; each binding is a compare-and-swap that can only be lost, never shared.

import type { InstanceClaim } from '../../api/instance-claim.ts';
import { labels } from '../../api/names.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { poolInstances, poolVolumes } from '../../api/resources.ts';
import { isLostRace, type Key, keyOfObject, locked, type Reconcile } from '../../kube/index.ts';
import { formerUid, planRecovery } from '../../plan/adoption-recovery.ts';
import { allocate, type Binding, type WaitingClaim } from '../../plan/allocation.ts';
import { type ClaimHoldings, holdingsOf } from '../../plan/claim-holdings.ts';
import { isOver, isWaiting } from '../../plan/instance-claim.ts';
import { looseSpec } from '../../plan/volume-release.ts';
import type { ControllerContext } from '../context.ts';
import { keptVolumes } from '../storage-pool/lease.ts';
import { BY_CLAIM, BY_INSTANCE, BY_LACKING, BY_POOL, BY_SHELF, shelfKey } from '../stores.ts';
import type { LooseEnds } from './loose-ends.ts';

/** Bindings written at once: the API server's round trip, not our own work, is what limits them. */
const PARALLEL_BINDINGS = 16;

/** The cache is behind: asking again at once would only lose again. */
const LOST_RACE_MILLISECONDS = 50;

export interface AllocationOptions {
  readonly looseEnds: LooseEnds;
  /** Called with the keys of claims that could not be served, so that they say why. */
  readonly tellWaiting: (claims: readonly Key[]) => void;
}

export function reconcileAllocation(
  context: ControllerContext,
  { looseEnds, tellWaiting }: AllocationOptions,
): Reconcile {
  return async (key) => {
    const claims = waitingClaims(context, key, looseEnds);
    if (claims.length === 0) return { type: 'done' };
    const bindings = planBindings(context, key, claims);
    const lost = await bindAll(context, bindings);
    const served = new Set(bindings.map(({ claim }) => claim.metadata.uid));
    tellWaiting(
      claims
        .filter(({ claim }) => !served.has(claim.metadata.uid))
        .map(({ claim }) => keyOfObject(claim)),
    );
    // The cache shows what the winner wrote; the next round proposes another pair.
    return lost > 0
      ? { type: 'wait', afterMilliseconds: LOST_RACE_MILLISECONDS, why: `${lost} races lost` }
      : { type: 'done' };
  };
}

function planBindings(
  { stores }: ControllerContext,
  key: Key,
  claims: readonly WaitingClaim[],
): Binding[] {
  const pool = stores.instancePools.byKey(key);
  if (!pool || pool.metadata.deletionTimestamp !== undefined) return [];
  const { namespace } = pool.metadata;
  const recovering = claims.filter(({ claim }) => formerUid(claim) !== undefined);
  const recovered = recovering.flatMap((claim) => {
    const instances = stores.poolInstances.byIndex(BY_POOL, key);
    return planRecovery(claim, instances, stores.poolVolumes.list(namespace)) ?? [];
  });
  const allocated = allocate({
    claims: claims.filter((claim) => !recovering.includes(claim)),
    kept: keptVolumes(
      stores,
      claims.map(({ claim }) => claim),
    ),
    freeInstances: (shelf) => stores.poolInstances.byIndex(BY_SHELF, shelfKey(key, shelf)),
    freshVolumes: (name, shelf) =>
      stores.poolVolumes.byIndex(BY_SHELF, shelfKey(`${namespace}/${name}`, shelf)),
    volumeNamed: (name) => stores.poolVolumes.get(namespace, name),
    heldBy: ({ metadata }) => stores.poolVolumes.byIndex(BY_INSTANCE, metadata.uid),
  });
  return [...recovered, ...allocated];
}

function waitingClaims(
  { stores }: ControllerContext,
  poolKey: Key,
  looseEnds: LooseEnds,
): WaitingClaim[] {
  const waiting: WaitingClaim[] = [];
  const holdings = (claim: InstanceClaim): ClaimHoldings => {
    const { uid } = claim.metadata;
    const instances = stores.poolInstances.byIndex(BY_CLAIM, uid);
    return holdingsOf(claim, instances, stores.poolVolumes.byIndex(BY_CLAIM, uid));
  };
  for (const claim of stores.instanceClaims.byIndex(BY_LACKING, poolKey)) {
    const held = holdings(claim);
    if (isWaiting(claim, held.instance, held.volume)) waiting.push({ claim, ...held });
  }
  for (const key of looseEnds.claims()) {
    const claim = stores.instanceClaims.byKey(key);
    if (claim && instancePoolKey(claim) !== poolKey) continue;
    const held = claim && holdings(claim);
    if (!claim || !held || !holdsSpare(stores, claim, held)) looseEnds.settle(key);
    else if (!waiting.some((one) => one.claim === claim)) waiting.push({ claim, ...held });
  }
  return waiting;
}

function instancePoolKey({ metadata, spec }: InstanceClaim): Key {
  return `${metadata.namespace}/${spec.instancePoolRef.name}`;
}

/**
 * Its instance holds a volume ahead of time that nobody owns: a crash came before it was let go of. Or
 * it holds a second one of the claim, which another operator gave it.
 */
function holdsSpare(
  stores: ControllerContext['stores'],
  claim: InstanceClaim,
  { instance, surplus }: ClaimHoldings,
): boolean {
  if (!instance || isOver(claim)) return false;
  if (surplus.length > 0) return true;
  const held = stores.poolVolumes.byIndex(BY_INSTANCE, instance.metadata.uid);
  return held.some(({ spec }) => spec.claimRef === undefined);
}

async function bindAll(context: ControllerContext, bindings: readonly Binding[]): Promise<number> {
  const pending = [...bindings];
  let lost = 0;
  const work = async (): Promise<void> => {
    for (let binding = pending.shift(); binding; binding = pending.shift()) {
      if (!(await bind(context, binding))) lost++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_BINDINGS, bindings.length) }, work));
  return lost;
}

/** The instance first: it is the authority. False when somebody else was faster. */
async function bind(context: ControllerContext, binding: Binding): Promise<boolean> {
  const { claim, instance, alreadyBound, volume, unwanted } = binding;
  try {
    if (!alreadyBound) await bindInstance(context, claim, instance);
    if (volume) await bindVolume(context, claim, instance, volume);
    for (const held of unwanted) await letGo(context, binding, held);
    return true;
  } catch (error) {
    if (isLostRace(error)) return false;
    throw error;
  }
}

async function bindInstance(
  { client }: ControllerContext,
  claim: InstanceClaim,
  instance: PoolInstance,
): Promise<void> {
  const { namespace, name } = instance.metadata;
  const patch = {
    metadata: { labels: { [labels.claim]: claim.metadata.name } },
    spec: { claimRef: referenceTo(claim) },
  };
  await client.mergePatch(poolInstances, { namespace, name }, locked(instance, patch));
}

async function bindVolume(
  { client }: ControllerContext,
  claim: InstanceClaim,
  instance: PoolInstance,
  volume: PoolVolume,
): Promise<void> {
  const { namespace, name } = volume.metadata;
  const { name: instanceName, uid } = instance.metadata;
  const patch = {
    metadata: { labels: { [labels.claim]: claim.metadata.name } },
    spec: { claimRef: referenceTo(claim), instanceRef: { name: instanceName, uid } },
  };
  await client.mergePatch(poolVolumes, { namespace, name }, locked(volume, patch));
}

/** The instance detaches what no longer refers to it, in the same write that attaches what does. */
async function letGo(
  { client }: ControllerContext,
  { claim, instance }: Binding,
  volume: PoolVolume,
): Promise<void> {
  const { namespace, name } = volume.metadata;
  // A machine in use may have written to it: it is never handed out as a fresh one.
  const spec = looseSpec(volume, instance, referenceTo(claim));
  const patch = { metadata: { labels: { [labels.claim]: null } }, spec };
  await client.mergePatch(poolVolumes, { namespace, name }, locked(volume, patch));
}

function referenceTo({ metadata: { namespace, name, uid } }: InstanceClaim) {
  return { namespace, name, uid };
}
