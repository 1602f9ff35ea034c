// Replaces free members of an older template, snapshot, size or sku, a few at a time, in both pools
// alike. The rules:
// - Only free members go. Claimed, attached and retained ones are left as they are.
// - New ones are made first, beyond minFree, as far as maxTotal has room; then as many old ones go, the
//   longest free first. So minFree holds all along.
// - Where maxTotal has no room for even one more, one old member goes at a time, and for as long as its
//   successor takes the pool has one free member less than minFree. Not while claims wait.
// - While creations fail nothing old is taken away: a broken template must not eat a working pool.
import type { ScalingInput, ScalingMember } from './scaling.ts';

export interface Rollout {
  /** How many free members beyond minFree to have while old ones are replaced. */
  readonly surge: number;
  /** Outdated members to retire now. */
  readonly retire: readonly ScalingMember[];
}

/**
 * Replaced at once, at most: a tenth of the free ones. More is faster, and loses more to a new version
 * that looks well and isn't.
 */
const REPLACED_FRACTION = 0.1;

const NOTHING: Rollout = { surge: 0, retire: [] };

export function decideRollout(input: ScalingInput, now: number): Rollout {
  const { limits, members, waitingClaims } = input;
  const outdated = members.filter(({ outdated, role }) => outdated === true && role === 'free');
  const isFailing = input.createNotBefore !== undefined && input.createNotBefore > now;
  if (outdated.length === 0 || isFailing) return NOTHING;

  const count = (role: ScalingMember['role']): number =>
    members.filter((member) => member.role === role).length;
  const free = count('free');
  const budget = Math.max(1, Math.floor(free * REPLACED_FRACTION));
  const surge = Math.min(budget, outdated.length);
  const spare = free - limits.minFree - waitingClaims;
  const leaving = count('deleting');
  if (spare > 0) {
    const number = Math.min(spare, Math.max(0, budget - leaving));
    return { surge, retire: longestFree(outdated, number) };
  }
  const isFull = members.length >= limits.maxTotal;
  const isQuiet = count('creating') === 0 && leaving === 0 && waitingClaims === 0;
  return { surge, retire: longestFree(outdated, isFull && isQuiet ? 1 : 0) };
}

/** Stable: equal ages go by slot, so that two passes never disagree. */
export function longestFree(members: readonly ScalingMember[], number: number): ScalingMember[] {
  if (number <= 0) return [];
  const aged = members
    .filter(({ role }) => role === 'free')
    .map((member) => ({ member, since: member.freeSince }));
  // One at a time is how a full pool rolls, pass after pass: no need to sort all the others.
  const [first] = aged;
  if (first && number === 1) {
    return [aged.reduce((best, one) => (compare(one, best) < 0 ? one : best), first).member];
  }
  const sorted = aged.sort(compare).slice(0, number);
  return sorted.map(({ member }) => member);
}

interface Aged {
  readonly member: ScalingMember;
  readonly since: number;
}

function compare(one: Aged, other: Aged): number {
  return one.since - other.since || one.member.ordinal - other.member.ordinal;
}
