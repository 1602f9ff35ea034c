// How long Azure takes, in seconds: recorded start and end times of real operations, widened a
// little where only one or two samples exist. Values without a recording are marked as assumed.
import type { Random } from '../../runtime/random.ts';

export interface Range {
  readonly minimumSeconds: number;
  readonly maximumSeconds: number;
}

const range = (minimumSeconds: number, maximumSeconds: number): Range => ({
  minimumSeconds,
  maximumSeconds,
});

export const defaultDurations = {
  diskCreate: range(0.06, 0.16),
  diskCreateFromSnapshot: range(0.4, 1.2), // assumed
  diskUpdate: range(0.05, 0.1),
  diskDelete: range(0.2, 0.6), // assumed
  /** Background copy of a disk's bytes; the disk is usable meanwhile. */
  diskHydration: range(60, 180), // assumed
  snapshotCreate: range(0.5, 1.5), // assumed
  /** CopyStart: the operation ends at once, the bytes arrive in the background. */
  snapshotCopy: range(30, 90), // assumed
  virtualMachineCreate: range(27, 33),
  virtualMachineDelete: range(31, 36),
  virtualMachineDeallocate: range(31, 36),
  virtualMachineHibernate: range(40, 60), // assumed
  virtualMachineStart: range(17, 23), // assumed
  virtualMachinePowerOff: range(11, 14),
  virtualMachineRestart: range(15, 25), // assumed
  virtualMachineAttach: range(6.2, 10.5),
  virtualMachineDetach: range(7.2, 8.8),
  virtualMachineTags: range(1, 2), // assumed
  virtualMachineEvict: range(30, 60), // assumed; the notice is 30 s
  networkInterfaceDelete: range(5, 10), // assumed
  /** What Run Command itself costs around the script. */
  runCommandOverhead: range(3, 8), // assumed
} satisfies Record<string, Range>;

export type DurationName = keyof typeof defaultDurations;
export type Durations = Readonly<Record<DurationName, Range>>;

/** A duration in milliseconds, drawn from the range and divided by the speed. */
export function drawMilliseconds(random: Random, range: Range, speed: number): number {
  const { minimumSeconds, maximumSeconds } = range;
  const seconds = minimumSeconds + random.next() * (maximumSeconds - minimumSeconds);
  return Math.max(1, Math.round((seconds * 1000) / speed));
}
