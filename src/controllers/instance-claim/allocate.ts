// Binds waiting claims of one pool to free instances and volumes. Keyed by the pool, so that claims
// are served in their order; each binding is a compare-and-swap that can only be lost, never shared.

import type { InstanceClaim } from '../../api/instance-claim.ts';
import { labels } from '../../api/names.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { poolInstances, poolVolumes } from '../../api/resources.ts';
import {
  isConflict,
  isNotFound,
  type Key,
  keyOfObject,
  locked,
  type Reconcile,
} from '../../kube/index.ts';
import { formerUid, planRecovery } from '../../plan/adoption-recovery.ts';
import { allocate, type Binding, type WaitingClaim } from '../../plan/allocation.ts';
import { type ClaimHoldings, holdingsOf } from '../../plan/claim-holdings.ts';
import { isOver, isWaiting } from '../../plan/instance-claim.ts';
import type { ControllerContext } from '../context.ts';
import { BY_CLAIM, BY_INSTANCE, BY_INSTANCE_POOL, BY_POOL } from '../stores.ts';

/** Bindings written at once: the API server's round trip, not our own work, is what limits them. */
const PARALLEL_BINDINGS = 16;

/** `tellWaiting` is called with the keys of claims that could not be served, so that they say why. */
export function reconcileAllocation(
  context: ControllerContext,
  tellWaiting: (claims: readonly Key[]) => void,
): Reconcile {
  return async (key) => {
    const { stores } = context;
    const pool = stores.instancePools.byKey(key);
    const claims = waitingClaims(context, key);
    if (claims.length === 0) return { type: 'done' };
    const open = pool && pool.metadata.deletionTimestamp === undefined;
    const [namespace] = key.split('/');
    const instances = stores.poolInstances.byIndex(BY_POOL, key);
    const recovering = open ? claims.filter(({ claim }) => formerUid(claim) !== undefined) : [];
    const recovered = recovering.flatMap((claim) => {
      const held = stores.poolVolumes.list(namespace);
      return planRecovery(claim, instances, held) ?? [];
    });
    const allocated = open
      ? allocate({
          claims: claims.filter((claim) => !recovering.includes(claim)),
          instances,
          volumesOf: (name) => stores.poolVolumes.byIndex(BY_POOL, `${namespace}/${name}`),
          volumeNamed: (name) => stores.poolVolumes.get(namespace, name),
          heldBy: ({ metadata }) => stores.poolVolumes.byIndex(BY_INSTANCE, metadata.uid),
        })
      : [];
    const bindings = [...recovered, ...allocated];
    const lost = await bindAll(context, bindings);
    const served = new Set(bindings.map(({ claim }) => claim.metadata.uid));
    tellWaiting(
      claims
        .filter(({ claim }) => !served.has(claim.metadata.uid))
        .map(({ claim }) => keyOfObject(claim)),
    );
    // The cache shows what the winner wrote; the next round proposes another pair.
    return lost > 0
      ? { type: 'wait', afterMilliseconds: 10, why: `${lost} races lost` }
      : { type: 'done' };
  };
}

function waitingClaims({ stores }: ControllerContext, poolKey: Key): WaitingClaim[] {
  const claims: WaitingClaim[] = [];
  for (const claim of stores.instanceClaims.byIndex(BY_INSTANCE_POOL, poolKey)) {
    const { uid } = claim.metadata;
    const holdings = holdingsOf(
      claim,
      stores.poolInstances.byIndex(BY_CLAIM, uid),
      stores.poolVolumes.byIndex(BY_CLAIM, uid),
    );
    const { instance, volume } = holdings;
    if (isWaiting(claim, instance, volume) || holdsSpare(stores, claim, holdings)) {
      claims.push({ claim, ...holdings });
    }
  }
  return claims;
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
    for (const held of unwanted) await letGo(context, held);
    return true;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return false;
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
async function letGo({ client }: ControllerContext, volume: PoolVolume): Promise<void> {
  const { namespace, name } = volume.metadata;
  const { claimRef } = volume.spec;
  const spec = {
    instanceRef: null,
    // A machine in use may have written to it: it is never handed out as a fresh one.
    ...(claimRef ? { claimRef: null, lastClaimRef: claimRef } : {}),
  };
  const patch = { metadata: { labels: { [labels.claim]: null } }, spec };
  await client.mergePatch(poolVolumes, { namespace, name }, locked(volume, patch));
}

function referenceTo({ metadata: { namespace, name, uid } }: InstanceClaim) {
  return { namespace, name, uid };
}
