// Everything there is to say about the pools, for a person who debugs: GET /debug/pools. Holds no
// secrets: settings are chosen field by field, and messages are those of the statuses.
import { findCondition } from '../../api/conditions.ts';
import { roleOf } from '../../plan/pool-roles.ts';
import type { MemberRole } from '../../plan/scaling.ts';
import type { Stores } from '../context.ts';
import {
  countStates,
  type Member,
  membersOf,
  type Pool,
  poolsOf,
  waitingClaims,
} from './census.ts';
import { configurationOf } from './pool-configuration.ts';

export interface PoolFilter {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Members are listed one by one for a pool asked for by name only, claims always; so many at most. */
const MAX_LISTED = 500;

/** `now` in milliseconds since the epoch. Plain data, ready for JSON. */
export function reportPools(stores: Stores, filter: PoolFilter, now: number): object[] {
  return poolsOf(stores)
    .filter(({ metadata }) => !filter.namespace || metadata.namespace === filter.namespace)
    .filter(({ metadata }) => !filter.name || metadata.name === filter.name)
    .sort((a, b) => (titleOf(a) < titleOf(b) ? -1 : 1))
    .map((pool) => reportPool(stores, pool, { now, isDetailed: filter.name !== undefined }));
}

function reportPool(
  stores: Stores,
  pool: Pool,
  { now, isDetailed }: { now: number; isDetailed: boolean },
): object {
  const { kind, metadata, status } = pool;
  const members = membersOf(stores, pool);
  const waiting = waitingClaims(stores, pool);
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    deleting: metadata.deletionTimestamp !== undefined,
    generation: metadata.generation,
    observedGeneration: status?.observedGeneration,
    configuration: configurationOf(pool),
    members: reportStates(members, now),
    waitingClaims: waiting.slice(0, MAX_LISTED).map(({ metadata: claim, status: told }, index) => {
      const why = findCondition(told?.conditions ?? [], 'Bound');
      return {
        position: index + 1,
        name: `${claim.namespace}/${claim.name}`,
        waitsForSeconds: secondsSince(claim.creationTimestamp, now),
        reason: why?.reason,
        message: why?.message,
      };
    }),
    operations: members
      .filter((member) => member.status?.operation !== undefined)
      .slice(0, MAX_LISTED)
      .map((member) => reportMember(member, now)),
    failures: {
      creations: status?.creationFailures,
      members: members
        .filter((member) => (member.status?.attempts ?? 0) > 0 || roleOf(member) === 'failed')
        .slice(0, MAX_LISTED)
        .map((member) => reportMember(member, now)),
      ...(status && 'unavailableSizes' in status && { unavailableSizes: status.unavailableSizes }),
    },
    scaling: {
      lastScaleUpTime: status?.lastScaleUpTime,
      lastScaleDownTime: status?.lastScaleDownTime,
      nextScaleDownTime: status?.nextScaleDownTime,
    },
    recentActions: status?.recentActions ?? [],
    conditions: status?.conditions ?? [],
    ...(isDetailed && {
      list: members.slice(0, MAX_LISTED).map((member) => reportMember(member, now)),
    }),
  };
}

/** How many are in each state, and how long the first and the last of them have been in it. */
function reportStates(members: readonly Member[], now: number): object {
  const ages = new Map<MemberRole, number[]>();
  for (const member of members) {
    const state = roleOf(member);
    const known = ages.get(state) ?? [];
    known.push(secondsSince(phaseSince(member), now));
    ages.set(state, known);
  }
  const states = [...countStates(members)].map(([state, count]) => {
    const seconds = ages.get(state) ?? [];
    const oldest = seconds.reduce((one, other) => Math.max(one, other), 0);
    const newest = seconds.reduce((one, other) => Math.min(one, other), oldest);
    return [
      state,
      count === 0 ? { count } : { count, oldestSeconds: oldest, newestSeconds: newest },
    ];
  });
  return { total: members.length, ...Object.fromEntries(states) };
}

function reportMember(member: Member, now: number): object {
  const { metadata, spec, status } = member;
  const { operation } = status ?? {};
  return {
    name: metadata.name,
    uid: metadata.uid,
    state: roleOf(member),
    phase: status?.phase ?? 'Pending',
    inPhaseSeconds: secondsSince(phaseSince(member), now),
    zone: spec.azure.zone,
    resourceId: status?.azure?.resourceId,
    claim: spec.claimRef && `${spec.claimRef.namespace}/${spec.claimRef.name}`,
    operation: operation && {
      type: operation.type,
      runsForSeconds: secondsSince(operation.startedAt, now),
      subject: operation.subject,
    },
    attempts: status?.attempts || undefined,
    nextAttemptTime: status?.nextAttemptTime,
    lastError: status?.lastError,
  };
}

function phaseSince({ metadata, status }: Member): string {
  return status?.history[0]?.time ?? metadata.creationTimestamp;
}

function secondsSince(time: string, now: number): number {
  return Math.max(0, Math.round((now - Date.parse(time)) / 1000));
}

function titleOf({ kind, metadata }: Pool): string {
  return `${metadata.namespace}/${metadata.name}/${kind}`;
}
