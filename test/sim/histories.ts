// Histories that an operator did not see as they happened. For every change of an object in a story:
// it arrives late, while everything else goes on; or it is never seen, only what came of it, because
// the watch broke and the server had forgotten.

import { type Commit, type Outcome, type Scenario, simulate } from './simulate.ts';
import type { Finding } from './sweep.ts';
import type { World } from './world.ts';

export type View = 'late' | 'unobserved';

export interface Blindness {
  readonly view: View;
  readonly commit: Commit;
  /** When the operator sees again. */
  readonly until: number;
}

/** Long enough for decisions to be taken on what is out of date. */
const LATE_MILLISECONDS = 20_000;
/** The watch must be deaf before the change is made. */
const AHEAD_MILLISECONDS = 0.01;

/** Each change, seen late; and each pair of changes of one object, the first never seen. */
export function blindnessesOf({ commits, calmAt }: Outcome): Blindness[] {
  return commits.flatMap((commit, at): Blindness[] => {
    if (commit.at > calmAt) return [];
    const next = commits
      .slice(at + 1)
      .find(({ plural, name }) => plural === commit.plural && name === commit.name);
    const late: Blindness = { view: 'late', commit, until: commit.at + LATE_MILLISECONDS };
    return next ? [late, { view: 'unobserved', commit, until: next.at + 1 }] : [late];
  });
}

/** Of those that look alike, so many. */
export function sampledBlindnesses(all: readonly Blindness[], each: number): Blindness[] {
  const seen = new Map<string, number>();
  return all.filter(({ view, commit: { plural, change } }) => {
    const shape = `${view} ${plural} ${change}`;
    const count = seen.get(shape) ?? 0;
    seen.set(shape, count + 1);
    return count < each;
  });
}

export async function playBlind(
  scenario: Scenario,
  seed: number,
  blindness: Blindness,
): Promise<Finding | undefined> {
  const { view, commit, until } = blindness;
  const { plural, name, change, at } = commit;
  const disturb = (world: World): void => {
    world.loop.after(at - AHEAD_MILLISECONDS, () => {
      for (const operator of world.operators) world.network.hold(operator, plural, until - at + 1);
    });
    if (view === 'late') return;
    world.loop.after(until, () => {
      world.server.compact();
      world.network.cutWatches(undefined, plural);
    });
  };
  const { violations } = await simulate({ scenario, seed, disturb });
  if (violations.length === 0) return undefined;
  const what = `${view}: ${plural}/${name} ${change} at ${(at / 1000).toFixed(3)} s`;
  return { what, scenario: scenario.name, seed, violations };
}
