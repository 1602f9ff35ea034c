// Everything a pooled VM's plan is made from. Azure is asked only when the plan depends on it.
import type { PoolInstance } from '../../api/pool-instance.ts';
import { instanceClaims } from '../../api/resources.ts';
import {
  type CallContext,
  computeResourceId,
  type ObservedInstance,
  osDiskName,
} from '../../azure/port.ts';
import { isSurplusInstance } from '../../plan/claim-holdings.ts';
import { isOver } from '../../plan/instance-claim.ts';
import { isToldOfOrphan } from '../../plan/instance-claim-orphan.ts';
import { isInstanceAtWork } from '../../plan/operation-wait.ts';
import {
  type ClaimSeen,
  instanceNeedsLook,
  type Leftover,
  machineName,
  type PoolInstanceSnapshot,
} from '../../plan/pool-instance.ts';
import type { ControllerContext } from '../context.ts';
import { BY_CLAIM, BY_INSTANCE, BY_MACHINE } from '../stores.ts';
import { refusalOf } from '../tenancy.ts';
import { findAbandoned, findStrays } from './strays.ts';

export interface Gathered extends PoolInstanceSnapshot {
  /** The live VM with everything a write needs; undefined when unread or absent. */
  readonly live: ObservedInstance | undefined;
}

export async function gather(
  context: ControllerContext,
  instance: PoolInstance,
  call: CallContext,
): Promise<Gathered> {
  const { stores, installation, pollPace } = context;
  const { metadata, spec } = instance;
  const pool = stores.instancePools.get(metadata.namespace, spec.poolRef.name);
  const volumes = stores.poolVolumes.byIndex(BY_INSTANCE, metadata.uid);
  const claim = await lookAtClaim(context, instance);
  const ownPool = pool?.metadata.uid === spec.poolRef.uid ? pool : undefined;
  const isDoubted = context.discovery.isDoubted(metadata.uid);
  const abandoned = await findAbandoned(context, instance, volumes);
  const isDisturbed = isDoubted || abandoned.length > 0 || holdsStranger(context, instance);
  const look = isDisturbed || instanceNeedsLook(instance, { volumes, claim, pool: ownPool });
  const isAtWork = !isDisturbed && isInstanceAtWork(instance, claim, context.runtime.clock.now());
  const { live, machine, operation } = look
    ? await lookAtMachine(context, instance, isAtWork, call)
    : UNREAD;
  const deleting = metadata.deletionTimestamp !== undefined;
  const wanted = volumes.filter((volume) => !abandoned.includes(volume));
  return {
    instance,
    pool: ownPool,
    machine,
    live,
    operation,
    claim,
    volumes,
    abandoned,
    isClaimTold: spec.orphan ? await isClaimTold(context, instance) : false,
    strays: live ? await findStrays(context, instance, live, wanted) : [],
    leftovers: deleting && machine === 'absent' ? await findLeftovers(context, instance, call) : [],
    installation,
    pollPace,
    refusal: ownPool && machine === 'absent' ? refusalOf(context, ownPool) : undefined,
  };
}

const UNREAD = { live: undefined, machine: 'unread', operation: undefined } as const;

/** Before its operation has ended there is nothing to be seen of the VM that would matter. */
async function lookAtMachine(
  { cloud }: ControllerContext,
  instance: PoolInstance,
  isAtWork: boolean,
  call: CallContext,
): Promise<Pick<Gathered, 'live' | 'machine' | 'operation'>> {
  const { operation } = instance.status ?? {};
  const asking = operation?.url ? cloud.poll(operation, call) : undefined;
  if (isAtWork) {
    const state = await asking;
    if (state?.state === 'InProgress') return { ...UNREAD, operation: state };
  }
  const [live, state] = await Promise.all([
    cloud.get('instance', instanceId(instance), call),
    asking,
  ]);
  return { live, machine: live ?? 'absent', operation: state };
}

/** A volume that is not meant for this VM waits to be taken off it. */
function holdsStranger({ stores }: ControllerContext, instance: PoolInstance): boolean {
  return stores.poolVolumes
    .byIndex(BY_MACHINE, instanceId(instance).toLowerCase())
    .some(({ spec }) => spec.instanceRef?.uid !== instance.metadata.uid);
}

/** Releasing is for ever, so the cache's word alone is not enough: a claim counts as gone only live. */
async function lookAtClaim(
  { stores, client }: ControllerContext,
  instance: PoolInstance,
): Promise<ClaimSeen> {
  const { claimRef } = instance.spec;
  if (!claimRef) return 'none';
  const known = stores.instanceClaims.byUid(claimRef.uid);
  if (known) {
    const instances = stores.poolInstances.byIndex(BY_CLAIM, claimRef.uid);
    return isOver(known) || isSurplusInstance(instance, known, instances) ? 'over' : 'active';
  }
  const { namespace, name } = claimRef;
  const live = await client.get(instanceClaims, { namespace, name });
  if (live?.metadata.uid !== claimRef.uid) return 'over';
  return isOver(live) ? 'over' : 'active';
}

/** Live, because with the record goes the last that could tell it. */
async function isClaimTold(
  { client }: ControllerContext,
  { spec: { claimRef } }: PoolInstance,
): Promise<boolean> {
  if (!claimRef) return true;
  const { uid, ...reference } = claimRef;
  const claim = await client.get(instanceClaims, reference);
  return claim?.metadata.uid !== uid || isOver(claim) || isToldOfOrphan(claim.status);
}

/** NICs and OS disks go with their VM unless its creation or deletion failed half-way. */
async function findLeftovers(
  { cloud }: ControllerContext,
  instance: PoolInstance,
  call: CallContext,
): Promise<Leftover[]> {
  const { networkInterfaceIds = [], osDiskId } = instance.status?.azure ?? {};
  // A VM that failed before anybody saw it may have left its OS disk all the same.
  const byName = computeResourceId(instance.spec.azure, 'disks', osDiskName(machineName(instance)));
  const candidates: Leftover[] = [
    ...networkInterfaceIds.map((id) => ({ kind: 'networkInterface' as const, id })),
    { kind: 'volume', id: osDiskId ?? byName },
  ];
  const found = await Promise.all(
    candidates.map(
      async (candidate) => (await cloud.get(candidate.kind, candidate.id, call)) && candidate,
    ),
  );
  return found.filter((candidate) => candidate !== undefined);
}

export function instanceId(instance: PoolInstance): string {
  const { adopt, azure } = instance.spec;
  return adopt?.resourceId ?? computeResourceId(azure, 'virtualMachines', machineName(instance));
}
