// What both kinds of warm pool decide alike: which slots to fill, which members to retire, what to
// remember of failures, when to look again, and what to say.
import { timestamp } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import { childrenFinalizer } from '../api/names.ts';
import type { ObjectMeta } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { Scaling } from '../api/scaling.ts';
import { type CreationFailures, type RecentAction, recentActionsMaximum } from '../api/status.ts';
import { latestError, rememberFailures } from './creation-failures.ts';
import type { PoolDiscovery } from './discovery.ts';
import { decideDeletion, retirement } from './pool-deletion.ts';
import { isUnproven, type Member, roleOf } from './pool-roles.ts';
import {
  decideScaling,
  type MemberRole,
  type ScalingDecision,
  type ScalingMember,
} from './scaling.ts';

export type PoolStep =
  | { readonly type: 'holdPool' }
  | { readonly type: 'releasePool' }
  /** Let a free instance hold a fresh volume ahead of time. */
  | { readonly type: 'prewarm'; readonly instance: PoolInstance; readonly volume: PoolVolume }
  | { readonly type: 'createMember'; readonly ordinal: number; readonly zone?: string }
  /** The member stays in Azure and is nobody's business any more: marked first, by compare-and-swap. */
  | { readonly type: 'orphanMember'; readonly member: Member }
  /** DELETE with preconditions: refused when anyone bound the member in the meantime. */
  | {
      readonly type: 'retireMember';
      readonly name: string;
      readonly uid: string;
      readonly resourceVersion: string;
    };

/** The part of a pool's status that this file reads and writes. */
interface PoolMemory {
  readonly lastScaleUpTime?: string | undefined;
  readonly lastScaleDownTime?: string | undefined;
  readonly nextScaleDownTime?: string | undefined;
  readonly creationFailures?: CreationFailures | undefined;
  readonly recentActions: RecentAction[];
}

export interface PoolInput {
  readonly metadata: ObjectMeta;
  readonly scaling: Scaling;
  readonly memory: PoolMemory;
  readonly members: readonly Member[];
  readonly waitingClaims: number;
  readonly zones: readonly string[];
  /** Nothing may be created: paused, stalled, or the golden snapshot isn't ready. */
  readonly blocked: boolean;
  readonly paused: boolean;
  readonly deletionPolicy: 'Block' | 'Orphan';
  /** Nothing can be had in Azure before this moment. */
  readonly createNotBefore?: number | undefined;
  /** A failed member that says nothing about the next one: it is replaced without a pause. */
  readonly isExcused?: (member: Member) => boolean;
  /** Names of members made from another template or snapshot than is asked for now. */
  readonly outdated?: ReadonlySet<string>;
  /** Absent: nothing is known of what exists in Azure without a record. */
  readonly discovery?: PoolDiscovery | undefined;
}

export interface PoolDecision {
  readonly steps: readonly PoolStep[];
  readonly memory: PoolMemory;
  readonly scaling: ScalingDecision;
  readonly roles: ReadonlyMap<MemberRole, number>;
  /** Free members made from another template or snapshot than is asked for now. */
  readonly outdated: number;
  readonly waitMilliseconds?: number;
  /** Present while the pool is being deleted: what it still waits for. */
  readonly deletion?: { readonly message: string };
}

export function decidePool(input: PoolInput, now: number): PoolDecision {
  const { metadata, members } = input;
  if (metadata.deletionTimestamp !== undefined) {
    return { ...idle(input), ...decideDeletion(input) };
  }
  if (!metadata.finalizers?.includes(childrenFinalizer)) {
    return { ...idle(input), steps: [{ type: 'holdPool' }] };
  }

  const { counted, failed, leaving, roles, outdated } = survey(input);
  const failures = rememberFailures(input, failed, now);
  const pauses = [failures && Date.parse(failures.nextAttemptTime), input.createNotBefore];
  const notBefore = Math.max(0, ...pauses.filter((pause) => pause !== undefined));
  const scaling = decideScaling(
    {
      limits: {
        minFree: input.scaling.minFree,
        maxFree: input.scaling.maxFree,
        maxTotal: input.scaling.maxTotal,
        scaleDownCooldownMilliseconds: parseDuration(input.scaling.scaleDownCooldown),
      },
      members: [...counted, ...missingMembers(input)],
      waitingClaims: input.waitingClaims,
      zones: input.zones,
      lastScaledAt: lastScaling(leaving, input.memory),
      createNotBefore: notBefore > 0 ? notBefore : undefined,
      frozen: input.paused || input.blocked,
      discoveryComplete: input.discovery?.state === 'complete',
      creationHeld: input.discovery?.wasComplete === false,
    },
    now,
  );

  const replaced = input.paused ? [] : failed;
  const surplus = new Set([...scaling.retire, ...scaling.replace].map(({ name }) => name));
  const surplusMembers =
    surplus.size > 0 ? members.filter((member) => surplus.has(member.metadata.name)) : [];
  const retired = [...replaced, ...surplusMembers];
  const steps: PoolStep[] = [
    ...retired.map(retirement),
    ...scaling.create.map((slot) => ({ type: 'createMember' as const, ...slot })),
  ];
  return {
    steps,
    scaling,
    roles,
    outdated,
    memory: remember(input, scaling, failures, replaced, now),
    ...waitUntil(scaling.reconsiderAt, now),
  };
}

/** What is known to exist without a record keeps its slot: it is adopted before anything is made. */
function missingMembers({ discovery, members }: PoolInput): ScalingMember[] {
  const missing = discovery?.missing ?? [];
  if (missing.length === 0) return [];
  const used = new Set(members.map(({ spec }) => spec.ordinal));
  return missing.map(({ uid, ordinal }) => ({
    name: uid,
    // In a slot that is taken by now it counts all the same, but keeps no other from being filled.
    ordinal: ordinal === undefined || used.has(ordinal) ? -1 : ordinal,
    role: 'creating' as const,
    freeSince: 0,
  }));
}

function idle(input: PoolInput): PoolDecision {
  const scaling: ScalingDecision = {
    create: [],
    retire: [],
    replace: [],
    because: '',
    reconsiderAt: undefined,
    nextScaleDownAt: undefined,
    limitedByMaxTotal: false,
  };
  const { roles, outdated } = survey(input);
  return { steps: [], scaling, roles, outdated, memory: input.memory };
}

interface Survey {
  readonly counted: readonly ScalingMember[];
  readonly roles: ReadonlyMap<MemberRole, number>;
  /** Of this pool: to be replaced. */
  readonly failed: readonly Member[];
  /** Of this pool: on their way out. */
  readonly leaving: readonly Member[];
  /** How many of the free ones. */
  readonly outdated: number;
}

/** Each member is looked at once: with thousands of them that is what a plan costs. */
function survey(input: PoolInput): Survey {
  const counted: ScalingMember[] = [];
  const roles = new Map<MemberRole, number>();
  const failed: Member[] = [];
  const leaving: Member[] = [];
  let outdated = 0;
  for (const member of input.members) {
    const role = roleOf(member);
    const isOwn = member.spec.poolRef.uid === input.metadata.uid;
    const isOutdated = input.outdated?.has(member.metadata.name) ?? false;
    counted.push(new Counted(member, isOwn ? role : 'deleting', isOutdated));
    roles.set(role, (roles.get(role) ?? 0) + 1);
    if (isOutdated && role === 'free') outdated++;
    if (isOwn && (role === 'failed' || isUnproven(member))) failed.push(member);
    if (isOwn && member.metadata.deletionTimestamp !== undefined) leaving.push(member);
  }
  return { counted, roles, failed, leaving, outdated };
}

/** A time is read only where an order is asked for: for all members that would be most of a plan's work. */
class Counted implements ScalingMember {
  readonly name: string;
  readonly ordinal: number;
  readonly role: MemberRole;
  readonly outdated: boolean;
  readonly zone?: string;
  readonly #member: Member;

  constructor(member: Member, role: MemberRole, outdated: boolean) {
    const { metadata, spec } = member;
    this.#member = member;
    this.name = metadata.name;
    this.ordinal = spec.ordinal;
    this.role = role;
    this.outdated = outdated;
    if (spec.azure.zone !== undefined) this.zone = spec.azure.zone;
  }

  get freeSince(): number {
    const { metadata, status } = this.#member;
    return Date.parse(status?.freeSince ?? metadata.creationTimestamp);
  }
}

/**
 * When the pool last grew or shrank: the recorded times, or that of a retirement whose record was lost
 * in a crash: a free member that is going away without ever having failed or been claimed was scaled
 * down.
 */
function lastScaling(leaving: readonly Member[], memory: PoolMemory): number | undefined {
  const times = leaving
    .filter(({ status, spec }) => {
      const wasClaimed = spec.claimRef !== undefined || spec.lastClaimRef !== undefined;
      return status?.lastError === undefined && !wasClaimed;
    })
    .map(({ metadata }) => metadata.deletionTimestamp)
    .concat(memory.lastScaleDownTime, memory.lastScaleUpTime)
    .filter((time) => time !== undefined)
    .map((time) => Date.parse(time));
  return times.length === 0 ? undefined : Math.max(...times);
}

function remember(
  input: PoolInput,
  scaling: ScalingDecision,
  failures: CreationFailures | undefined,
  failed: readonly Member[],
  now: number,
): PoolMemory {
  const time = timestamp(now);
  const actions: RecentAction[] = [];
  const record = (action: string, names: readonly string[], because: string): void => {
    if (names.length === 0) return;
    const [only, ...others] = names;
    const text = others.length === 0 ? because : `${names.length} members: ${because}`;
    actions.push({
      time,
      action,
      because: text.slice(0, 512),
      ...(others.length === 0 ? { object: only! } : {}),
    });
  };
  const { name } = input.metadata;
  record(
    'Create',
    scaling.create.map(({ ordinal }) => `${name}-${ordinal}`),
    scaling.because,
  );
  record(
    'ScaleDown',
    scaling.retire.map((member) => member.name),
    scaling.because,
  );
  record(
    'RollOut',
    scaling.replace.map((member) => member.name),
    scaling.because,
  );
  record(
    'Replace',
    failed.map((member) => member.metadata.name),
    latestError(failed)?.message ?? 'failed',
  );
  return {
    ...input.memory,
    creationFailures: failures,
    lastScaleUpTime: scaling.create.length > 0 ? time : input.memory.lastScaleUpTime,
    lastScaleDownTime: scaling.retire.length > 0 ? time : input.memory.lastScaleDownTime,
    nextScaleDownTime:
      scaling.nextScaleDownAt === undefined ? undefined : timestamp(scaling.nextScaleDownAt),
    recentActions: [...actions, ...input.memory.recentActions].slice(0, recentActionsMaximum),
  };
}

function waitUntil(at: number | undefined, now: number): { waitMilliseconds?: number } {
  return at === undefined ? {} : { waitMilliseconds: Math.max(0, at - now) };
}
