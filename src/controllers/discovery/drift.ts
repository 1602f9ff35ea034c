// Sends settled members to have a look at their resource where the last rows speak against the record.
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { type Doubt, findDrift, isSettled } from '../../plan/discovery.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import type { DiscoveryMemory } from './memory.ts';

export interface DriftOptions {
  readonly context: ControllerContext;
  readonly memory: DiscoveryMemory;
  readonly log: Log;
  readonly lagMilliseconds: number;
  /** Puts a member on its controller's queue. */
  readonly wake: (member: PoolInstance | PoolVolume) => void;
}

export function followDrift(options: DriftOptions, subscriptionId: string): void {
  const { context, memory, log, lagMilliseconds, wake } = options;
  const { stores, installation, runtime } = context;
  const now = runtime.clock.now();
  const members = [...stores.poolInstances.list(), ...stores.poolVolumes.list()].filter(
    (member) =>
      member.spec.azure.subscriptionId.toLowerCase() === subscriptionId &&
      isSettled(member, now - lagMilliseconds),
  );
  const absent = members
    .filter(({ status }) => !memory.row(subscriptionId, status!.azure!.resourceId))
    .map(({ metadata }) => metadata.uid);
  const missed = memory.countMissed(subscriptionId, absent);
  const doubts = findDrift(
    {
      members,
      row: (id) => memory.row(subscriptionId, id),
      missedPasses: (uid) => missed.get(uid) ?? 0,
      installation,
      waitsRunning: ({ metadata, spec }) =>
        stores.instancePools.get(metadata.namespace, spec.poolRef.name)?.spec.warmState ===
        'Running',
      lagMilliseconds,
    },
    now,
  );
  for (const { member, because } of doubts.flatMap((doubt) => withHolder(context, doubt))) {
    if (!memory.doubt(member.metadata.uid)) continue;
    const { namespace, name } = member.metadata;
    log.info('looking at the resource itself', { kind: member.kind, namespace, name, because });
    wake(member);
  }
}

/** An attached disk is its instance's to attach again. */
function withHolder({ stores }: ControllerContext, doubt: Doubt): Doubt[] {
  const { spec } = doubt.member;
  const holder = 'instanceRef' in spec && spec.instanceRef;
  const instance = holder ? stores.poolInstances.byUid(holder.uid) : undefined;
  return instance ? [doubt, { member: instance, because: doubt.because }] : [doubt];
}
