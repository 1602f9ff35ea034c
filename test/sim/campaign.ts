// The random campaign: one number decides the story, how many operators there are, how wrong their
// clocks are, and what fails. The number alone replays the run.
import { seededRandom } from '../../src/runtime/random.ts';
import { churn } from './churn.ts';
import { disturb, pick } from './disturbances.ts';
import { RandomFaults } from './faults.ts';
import { scenarios } from './scenarios.ts';
import type { Run, Scenario } from './simulate.ts';

export const stories: readonly Scenario[] = [...scenarios, churn];

export interface Draw {
  readonly run: Run;
  /** What was drawn, for people. */
  readonly about: string;
}

/** Everything that the seed decides; a story may be asked for by name. */
export function drawRun(
  seed: number,
  options: { readonly scenario?: string; readonly onNote?: (note: string) => void } = {},
): Draw {
  const random = seededRandom(seed ^ 0xca11);
  const drawn = random.next() < 0.5 ? churn : pick(random, scenarios);
  const scenario = stories.find(({ name }) => name === options.scenario) ?? drawn;
  const operators = pick(random, [1, 1, 2, 2, 3]);
  const rate = pick(random, [0, 0.002, 0.01, 0.03]);
  const count = Math.floor(random.next() * 9);
  const skewMilliseconds = pick(random, [0, 0, 2_000, -2_000, 60_000, -60_000]);
  // The lease is a matter of performance: what must hold does so with any number at work at once.
  const elects = operators > 1 && random.next() < 0.6;
  const plan = new RandomFaults(random, { rate, crashes: random.next() < 0.6 });
  return {
    about:
      `seed ${seed}: ${scenario.name}, ${operators} operators${elects ? ' and a lease' : ''}, ${rate * 100} % of calls fail, ` +
      `${count} disturbances, clocks ${skewMilliseconds / 1000} s apart`,
    run: {
      scenario,
      seed,
      operators,
      elects,
      skewMilliseconds,
      plan,
      disturb: disturb({
        random,
        count,
        withinMilliseconds: 360_000,
        ...(options.onNote && { onNote: options.onNote }),
      }),
    },
  };
}
