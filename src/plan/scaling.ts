// How many members a warm pool should gain or lose now. Shared by VM pools and disk pools: both count
// the same way, and the ceiling is counted in slots, so that nobody's stale view can exceed it.
import { decideRollout, longestFree, type Rollout } from './rollout.ts';

/** What a member counts as. Everything that exists in any state counts against maxTotal. */
export type MemberRole =
  | 'free'
  | 'creating'
  | 'claimed'
  | 'releasing'
  | 'retained'
  | 'deleting'
  | 'failed'
  | 'quarantined';

export interface ScalingMember {
  readonly name: string;
  readonly ordinal: number;
  readonly role: MemberRole;
  readonly zone?: string;
  /** Milliseconds since the epoch: when it last became free; for the oldest-first order. */
  readonly freeSince: number;
  /** Made from another template, snapshot, size or sku than the pool now asks for. */
  readonly outdated?: boolean;
}

export interface ScalingLimits {
  readonly minFree: number;
  readonly maxFree: number;
  readonly maxTotal: number;
  readonly scaleDownCooldownMilliseconds: number;
}

export interface ScalingInput {
  readonly limits: ScalingLimits;
  readonly members: readonly ScalingMember[];
  /** Claims that wait for a member of this pool right now. */
  readonly waitingClaims: number;
  /** Zones to spread over; empty for a pool without zones. */
  readonly zones: readonly string[];
  /** When the pool last grew or shrank: the cooldown runs from there. */
  readonly lastScaledAt: number | undefined;
  /** After failed creations: nothing is created before this moment. */
  readonly createNotBefore: number | undefined;
  /** Paused or being deleted: nothing is created and nothing free is taken away. */
  readonly frozen: boolean;
  /** The last look at what exists in Azure was complete. Nothing free is taken away unless it was. */
  readonly discoveryComplete?: boolean;
  /** It isn't known yet which members exist without a record: nothing may be made in their place. */
  readonly creationHeld?: boolean;
}

export interface ScalingDecision {
  readonly create: readonly { readonly ordinal: number; readonly zone?: string }[];
  /** Members to retire because there are too many, the longest free first. */
  readonly retire: readonly ScalingMember[];
  /** Outdated members to retire because newer ones take their place: no scale-down. */
  readonly replace: readonly ScalingMember[];
  readonly because: string;
  /** When time alone changes this decision. */
  readonly reconsiderAt: number | undefined;
  /** The moment the next scale-down may happen; only while there is something to scale down. */
  readonly nextScaleDownAt: number | undefined;
  /** True when claims or minFree want more members than maxTotal allows. */
  readonly limitedByMaxTotal: boolean;
}

/**
 * Creations under way at once per pool. More fills a pool faster and makes a wrong template fail more
 * often before anyone sees it; 40 VM creations stay far below a subscription's burst of 1,500 writes.
 */
const MAX_CREATING = 40;

export function decideScaling(input: ScalingInput, now: number): ScalingDecision {
  const { limits, members, waitingClaims } = input;
  const free = countOf(members, 'free');
  const creating = countOf(members, 'creating');
  if (input.frozen) return { ...NOTHING, because: 'the pool is frozen' };

  const wanted = Math.max(0, limits.minFree - free - creating + waitingClaims);
  const room = Math.max(0, limits.maxTotal - members.length);
  const rollout = decideRollout(input, now);
  if (wanted > 0 && (room > 0 || rollout.retire.length === 0)) {
    const delayed = input.createNotBefore !== undefined && input.createNotBefore > now;
    const budget = Math.max(0, MAX_CREATING - creating);
    const isHeld = delayed || input.creationHeld === true;
    const number = isHeld ? 0 : Math.min(wanted, room, budget);
    return {
      ...NOTHING,
      create: chooseSlots(input, number),
      because: `${free} free and ${creating} being created, ${waitingClaims} claims wait, minFree is ${limits.minFree}`,
      reconsiderAt: delayed ? input.createNotBefore : undefined,
      limitedByMaxTotal: wanted > room,
    };
  }
  const limitedByMaxTotal = wanted > room;
  if (rollout.surge > 0) {
    const step = stepRollout(input, rollout);
    if (step) return { ...step, limitedByMaxTotal };
  }
  return { ...decideScaleDown(input, rollout, now), limitedByMaxTotal };
}

const NOTHING: ScalingDecision = {
  create: [],
  retire: [],
  replace: [],
  because: '',
  reconsiderAt: undefined,
  nextScaleDownAt: undefined,
  limitedByMaxTotal: false,
};

/** Either some old members go or some new ones are made ahead of them; undefined: wait for those. */
function stepRollout(input: ScalingInput, { surge, retire }: Rollout): ScalingDecision | undefined {
  const { limits, members, waitingClaims } = input;
  const free = countOf(members, 'free');
  const outdated = members.filter((member) => member.role === 'free' && member.outdated).length;
  const because = `${outdated} of ${free} free are outdated`;
  if (retire.length > 0) {
    return input.discoveryComplete ? { ...NOTHING, replace: retire, because } : undefined;
  }
  if (input.creationHeld) return undefined;
  const ahead = limits.minFree + surge - free - countOf(members, 'creating') + waitingClaims;
  const number = Math.min(ahead, limits.maxTotal - members.length);
  return number > 0 ? { ...NOTHING, create: chooseSlots(input, number), because } : undefined;
}

function decideScaleDown(input: ScalingInput, rollout: Rollout, now: number): ScalingDecision {
  const { limits, members, waitingClaims } = input;
  const free = countOf(members, 'free');
  // Those made ahead of a rollout are no surplus: they are what the old ones are replaced with. Nor are
  // those made for claims that can't take them yet: they would be made again as soon as they are gone.
  const needed = limits.minFree + rollout.surge + waitingClaims;
  const surplus = free - Math.max(limits.maxFree, needed);
  if (surplus <= 0) return { ...NOTHING, because: 'within minFree and maxFree' };
  const cooledDownAt = (input.lastScaledAt ?? 0) + limits.scaleDownCooldownMilliseconds;
  if (cooledDownAt > now || countOf(members, 'creating') > 0) {
    return {
      ...NOTHING,
      because: 'above maxFree, waiting for the cooldown',
      // While something is being created its completion wakes us; time alone does not help.
      reconsiderAt: cooledDownAt > now ? cooledDownAt : undefined,
      nextScaleDownAt: Math.max(cooledDownAt, now),
    };
  }
  if (!input.discoveryComplete) {
    return { ...NOTHING, because: 'above maxFree, waiting for a complete look at Azure' };
  }
  return {
    ...NOTHING,
    retire: longestFree(members, surplus),
    because: `${free} free, maxFree is ${limits.maxFree}`,
  };
}

function countOf(members: readonly ScalingMember[], role: MemberRole): number {
  let count = 0;
  for (const member of members) if (member.role === role) count++;
  return count;
}

/** Lowest unused ordinals, each in the zone that has the fewest members free or on the way. */
function chooseSlots(
  input: ScalingInput,
  number: number,
): { readonly ordinal: number; readonly zone?: string }[] {
  const used = new Set(input.members.map((member) => member.ordinal));
  const perZone = new Map(input.zones.map((zone) => [zone, 0]));
  for (const { zone, role } of input.members) {
    if (zone !== undefined && perZone.has(zone) && (role === 'free' || role === 'creating')) {
      perZone.set(zone, perZone.get(zone)! + 1);
    }
  }
  const slots: { ordinal: number; zone?: string }[] = [];
  for (let ordinal = 0; ordinal < input.limits.maxTotal && slots.length < number; ordinal++) {
    if (used.has(ordinal)) continue;
    const zone = [...perZone].sort((a, b) => a[1] - b[1])[0]?.[0];
    if (zone === undefined) slots.push({ ordinal });
    else {
      perZone.set(zone, perZone.get(zone)! + 1);
      slots.push({ ordinal, zone });
    }
  }
  return slots;
}
