// Bytes that arrive after their resource exists: a disk made from a snapshot, a CopyStart snapshot.
import type { Cloud } from './calls.ts';
import { type DurationName, drawMilliseconds } from './durations.ts';
import type { BackgroundCopy } from './records.ts';

export function drawCopy(cloud: Cloud, name: DurationName, startedAt: number): BackgroundCopy {
  const { durations, speed } = cloud.settings;
  return {
    startedAt,
    durationMilliseconds: drawMilliseconds(cloud.runtime.random, durations[name], speed),
  };
}

/** 0 to 100; 100 where nothing had to be copied. */
export function copiedPercent(copy: BackgroundCopy | undefined, now: number): number {
  if (!copy) return 100;
  const share = (now - copy.startedAt) / copy.durationMilliseconds;
  return Math.floor(Math.min(Math.max(share, 0), 1) * 100);
}
