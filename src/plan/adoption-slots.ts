// Which slot an adopted member fills: its own if that is free, else the lowest that is. A resource that
// exists is recorded wherever there is room, also beyond maxTotal: it counts and it costs.
import { membersMaximum } from '../api/scaling.ts';

/** One ordinal for each wish, in order, no two alike; undefined when a pool has no slot left at all. */
export function chooseSlots(
  wishes: readonly (number | undefined)[],
  taken: readonly number[],
): (number | undefined)[] {
  const used = new Set(taken);
  const slots: (number | undefined)[] = wishes.map((wish) => {
    if (wish === undefined || used.has(wish)) return undefined;
    used.add(wish);
    return wish;
  });
  let next = 0;
  return slots.map((slot) => {
    if (slot !== undefined) return slot;
    while (next < membersMaximum && used.has(next)) next++;
    if (next >= membersMaximum) return undefined;
    used.add(next);
    return next;
  });
}
