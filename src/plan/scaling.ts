// How many members a warm pool should gain or lose now. Shared by VM pools and disk pools: both count
// the same way, and the ceiling is counted in slots, so that nobody's stale view can exceed it.

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
  readonly lastScaleDownAt: number | undefined;
  /** After failed creations: nothing is created before this moment. */
  readonly createNotBefore: number | undefined;
  /** Paused or being deleted: nothing is created and nothing free is taken away. */
  readonly frozen: boolean;
}

export interface ScalingDecision {
  readonly create: readonly { readonly ordinal: number; readonly zone?: string }[];
  /** Members to retire, the longest free first. */
  readonly retire: readonly ScalingMember[];
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
  const { limits, members } = input;
  const count = (role: MemberRole): number => members.filter((m) => m.role === role).length;
  const free = count('free');
  const creating = count('creating');
  const nothing = { create: [], retire: [], reconsiderAt: undefined, nextScaleDownAt: undefined };
  if (input.frozen) return { ...nothing, because: 'the pool is frozen', limitedByMaxTotal: false };

  const wanted = Math.max(0, limits.minFree - free - creating + input.waitingClaims);
  const room = Math.max(0, limits.maxTotal - members.length);
  const limitedByMaxTotal = wanted > room;
  if (wanted > 0) {
    const delayed = input.createNotBefore !== undefined && input.createNotBefore > now;
    const budget = Math.max(0, MAX_CREATING - creating);
    const number = delayed ? 0 : Math.min(wanted, room, budget);
    return {
      ...nothing,
      create: chooseSlots(input, number),
      because: `${free} free and ${creating} being created, ${input.waitingClaims} claims wait, minFree is ${limits.minFree}`,
      reconsiderAt: delayed ? input.createNotBefore : undefined,
      limitedByMaxTotal,
    };
  }

  const surplus = free - limits.maxFree;
  if (surplus <= 0) return { ...nothing, because: 'within minFree and maxFree', limitedByMaxTotal };
  const cooledDownAt = (input.lastScaleDownAt ?? 0) + limits.scaleDownCooldownMilliseconds;
  if (cooledDownAt > now || creating > 0) {
    return {
      ...nothing,
      because: 'above maxFree, waiting for the cooldown',
      // While something is being created its completion wakes us; time alone does not help.
      reconsiderAt: cooledDownAt > now ? cooledDownAt : undefined,
      nextScaleDownAt: Math.max(cooledDownAt, now),
      limitedByMaxTotal,
    };
  }
  return {
    ...nothing,
    retire: longestFree(members).slice(0, surplus),
    because: `${free} free, maxFree is ${limits.maxFree}`,
    limitedByMaxTotal,
  };
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

/** Stable: equal ages go by name, so that two passes never disagree. */
export function longestFree(members: readonly ScalingMember[]): ScalingMember[] {
  return members
    .filter((member) => member.role === 'free')
    .sort((a, b) => a.freeSince - b.freeSince || a.ordinal - b.ordinal);
}
