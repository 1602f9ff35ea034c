// Delays after failures, computed from what a status remembers, so that a restart changes nothing.

/** Doubles from `firstMilliseconds` with every failure up to `maxMilliseconds`. */
export function backoffMilliseconds(
  failures: number,
  { firstMilliseconds, maxMilliseconds }: { firstMilliseconds: number; maxMilliseconds: number },
): number {
  if (failures <= 0) return 0;
  // 2^30 already exceeds any maximum in use; the clamp keeps the arithmetic exact.
  return Math.min(maxMilliseconds, firstMilliseconds * 2 ** Math.min(failures - 1, 30));
}

/**
 * When to look at a long-running operation again, given how long it has been running. The step list is
 * `[untilElapsed, interval]` in milliseconds; the last interval goes on for ever.
 * Steps come from measured durations: an attach takes 6–10 s, a VM creation 30–60 s, a disk 0.1 s.
 */
export type PollSchedule = readonly (readonly [
  untilMilliseconds: number,
  intervalMilliseconds: number,
])[];

export const POLL_DISK: PollSchedule = [
  [1_000, 500],
  [10_000, 1_000],
  [60_000, 5_000],
  [Number.POSITIVE_INFINITY, 15_000],
];
export const POLL_ATTACH: PollSchedule = [
  [2_000, 2_000],
  [15_000, 1_000],
  [30_000, 2_000],
  [120_000, 4_000],
  [Number.POSITIVE_INFINITY, 15_000],
];
export const POLL_INSTANCE: PollSchedule = [
  [10_000, 10_000],
  [120_000, 3_000],
  [600_000, 10_000],
  [Number.POSITIVE_INFINITY, 30_000],
];

/** `pace` is how many times faster than real Azure the cloud runs: 1 but for the simulator. */
export function nextPollDelay(
  schedule: PollSchedule,
  elapsedMilliseconds: number,
  pace = 1,
): number {
  const elapsed = elapsedMilliseconds * pace;
  const step = schedule.find(([until]) => elapsed < until) ?? schedule.at(-1)!;
  return Math.max(MIN_POLL_MILLISECONDS, step[1] / pace);
}

/** However fast a simulated cloud is, polling it more often than this only burns the processor. */
export const MIN_POLL_MILLISECONDS = 50;
