// Tags of others on the same resource are kept: every write is the whole map, merged.
import type { TagChange, Tags } from './port.ts';

/** The merged map, or undefined when nothing would change: then there is nothing to write. */
export function mergeTags(present: Tags | undefined, wanted: TagChange): Tags | undefined {
  // Azure takes names without regard to case, and keeps the case it saw first.
  const nameOf = new Map(Object.keys(present ?? {}).map((name) => [name.toLowerCase(), name]));
  const merged: Record<string, string> = { ...present };
  let changed = false;
  for (const [name, value] of Object.entries(wanted)) {
    const known = nameOf.get(name.toLowerCase()) ?? name;
    if ((merged[known] ?? null) !== value) changed = true;
    // Every write is the whole map, so that what is left out of it is gone.
    if (value === null) delete merged[known];
    else merged[known] = value;
  }
  return changed ? merged : undefined;
}
