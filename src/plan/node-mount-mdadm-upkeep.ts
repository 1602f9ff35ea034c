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
  const { outdated = [], failed = [], replacing = [], claims } = facts.journal;
  const stateOf = (key: string): ArrayMemberFacts | undefined => {
    const device = facts.devices.find((one) => identityKey(one) === key);
    return array.members.find((one) => !one.isGone && one.kernelName === device?.kernelName);
  };
  const is = (key: string, word: string): boolean => {
    const member = stateOf(key);
    return member !== undefined && has(member, word);
  };
  const keys = claims.map(identityKey);
  const handsOver = (key: string): boolean => is(key, 'want_replacement') || is(key, 'faulty');
  // What was replaced on purpose ends up as "faulty", too, were it named again meanwhile.
  const isReplaced = (key: string): boolean =>
    array.degraded === 0 &&
    (replacing.includes(key) || leaving.some((one) => one === stateOf(key)));
  const after = {
    // Those that were let go, but not erased, stay on record: they are old copies for ever.
    outdated: [...new Set([...keys, ...outdated])].filter(
      (key) => !is(key, 'in_sync') && (array.degraded > 0 || outdated.includes(key)),
    ),
    failed: keys.filter((key) => {
      if (failed.includes(key)) return !is(key, 'in_sync');
      return is(key, 'faulty') && !isReplaced(key);
    }),
    replacing: replacing.filter(handsOver),
  };
  if (
    isSame(after.outdated, outdated) &&
    isSame(after.failed, failed) &&
    isSame(after.replacing, replacing)
  )
    return undefined;
  return upkeep('The state of a member has changed.', { type: 'recordMembers', ...after });
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key) => other.includes(key));
}
