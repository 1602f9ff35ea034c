// How many members an array can do without, and whether it has lost more.
import type { ArrayFacts } from './node-mount-mdadm-facts.ts';

const failedStates = new Set(['broken', 'inactive', 'clear']);

export function isArrayFailed(array: ArrayFacts): boolean {
  if (failedStates.has(array.state)) return true;
  // The kernel notices only at the next write that a striped array lost a member.
  if (array.level === 0) return array.members.some(({ isGone }) => isGone);
  if (array.level === 10) return hasLostAllCopies(array);
  return array.degraded > toleratedFailures(array.level, array.raidDisks);
}

/** How many members may be missing; for level 10 it also depends on which, so this is the least. */
export function toleratedFailures(level: number, raidDisks: number): number {
  if (level === 0) return 0;
  if (level === 1) return raidDisks - 1;
  return level === 6 ? 2 : 1;
}

/** What mdadm makes unless told otherwise: two near copies, one far. */
const DEFAULT_LAYOUT = 0x102;

/**
 * All copies of a chunk lie on neighbours. Near copies alone, where they divide the members, make fixed
 * groups; else every run of neighbours has some chunk.
 */
function hasLostAllCopies({ members, raidDisks, degraded, layout = DEFAULT_LAYOUT }: ArrayFacts) {
  const near = layout & 0xff || 1;
  const far = (layout >> 8) & 0xff || 1;
  const copies = near * far;
  if (degraded < copies) return false;
  const present = new Set(
    members.filter(({ state }) => state.includes('in_sync')).map(({ slot }) => slot),
  );
  const stride = far === 1 && raidDisks % near === 0 ? near : 1;
  for (let slot = 0; slot < raidDisks; slot += stride) {
    const group = Array.from({ length: copies }, (_, offset) => (slot + offset) % raidDisks);
    if (group.every((one) => !present.has(one))) return true;
  }
  return false;
}

const syncActions = new Set(['resync', 'recover', 'reshape', 'frozen']);

/** Whether the kernel is moving data, or about to; a comparison only reads. */
export function isSyncing({ syncAction }: ArrayFacts): boolean {
  return syncAction !== undefined && syncActions.has(syncAction);
}

/** Whether so many members are enough to start it; for level 10 mdadm itself must say. */
export function canStart(level: number, raidDisks: number, present: number): boolean {
  if (level === 10) return present >= Math.ceil(raidDisks / 2);
  return raidDisks - present <= toleratedFailures(level, raidDisks);
}
