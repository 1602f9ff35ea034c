// Looking after an array that is mounted: its members follow the spec, it grows, its copies are
// compared. Whatever goes wrong here, the storage stays in use.
//
// One thing at a time, each found anew by looking, so that it can be broken off anywhere. Redundancy
// is never given up for a change: a new disk takes over before the old one is let go.
import { identityKey } from './disks.ts';
import type {
  ArrayFacts,
  ArrayMemberFacts,
  MdadmFacts,
  MdadmIntent,
} from './node-mount-mdadm-facts.ts';
import { planGrowth } from './node-mount-mdadm-growth.ts';
import { isArrayFailed } from './node-mount-mdadm-health.ts';
import { planMembers } from './node-mount-mdadm-members.ts';
import { planScrub } from './node-mount-mdadm-scrub.ts';
import { has, type Stock, takeStock } from './node-mount-mdadm-stock.ts';
import { type NodeMountPlan, type Note, upkeep } from './node-mount-step.ts';

export function planUpkeep(
  intent: MdadmIntent,
  facts: MdadmFacts,
  array: ArrayFacts,
): NodeMountPlan {
  const stock = takeStock(intent, facts, array);
  // Nothing that is done to a failed array makes its data come back; much would make it worse.
  if (isArrayFailed(array)) return { type: 'settled' };
  const recorded = recordMembers(stock);
  if (recorded) return recorded;
  const complaints: Note[] = [];
  const next =
    planMembers(stock, complaints) ?? planGrowth(stock, complaints) ?? planScrub(stock, complaints);
  if (next) return next;
  const [complaint] = complaints;
  return complaint ? { type: 'settled', complaint } : { type: 'settled' };
}

/** Written down at once: after a restart nothing else tells an old copy from a good one. */
function recordMembers(stock: Stock): NodeMountPlan | undefined {
  const { facts, array, leaving } = stock;
  const before = { outdated: facts.journal.outdated ?? [], failed: facts.journal.failed ?? [] };
  const stateOf = (key: string): ArrayMemberFacts | undefined => {
    const device = facts.devices.find((one) => identityKey(one) === key);
    return array.members.find((one) => !one.isGone && one.kernelName === device?.kernelName);
  };
  const keys = facts.journal.claims.map(identityKey);
  // Those that were let go, but not erased, stay on record: they are old copies for ever.
  const others = before.outdated.filter((key) => !keys.includes(key));
  const outdated = [...keys, ...others].filter((key) => {
    const member = stateOf(key);
    if (member && has(member, 'in_sync')) return false;
    return array.degraded > 0 || before.outdated.includes(key);
  });
  const isReplacing = leaving.some((member) => has(member, 'in_sync'));
  const failed = keys.filter((key) => {
    const member = stateOf(key);
    // What was replaced on purpose ends up as "faulty" too, were it named again meanwhile.
    if (member && has(member, 'faulty') && !before.failed.includes(key))
      return array.degraded > 0 || !(leaving.includes(member) || isReplacing);
    return before.failed.includes(key) && !(member && has(member, 'in_sync'));
  });
  if (isSame(outdated, before.outdated) && isSame(failed, before.failed)) return undefined;
  return upkeep('The state of a member has changed.', { type: 'recordMembers', outdated, failed });
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key) => other.includes(key));
}
