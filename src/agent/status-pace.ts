// How often a status may be written. What somebody waits for goes out at once; progress at most
// every two seconds for a percent and every ten for anything less.
import type { NodeMountStatus } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import { isEqual } from '../kube/index.ts';
import type { Clock } from '../runtime/clock.ts';

const PERCENT_MILLISECONDS = 2000;
const DETAIL_MILLISECONDS = 10_000;

export class StatusPace {
  readonly #clock: Clock;
  readonly #writtenAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  written(uid: string): void {
    this.#writtenAt.set(uid, this.#clock.monotonic());
  }

  isDue(
    uid: string,
    before: DeepReadonly<NodeMountStatus> | undefined,
    after: NodeMountStatus,
  ): boolean {
    const writtenAt = this.#writtenAt.get(uid);
    if (writtenAt === undefined || !isEqual(essence(before), essence(after))) return true;
    const age = this.#clock.monotonic() - writtenAt;
    const isPercent = before?.progress?.percent !== after.progress?.percent;
    return age >= (isPercent ? PERCENT_MILLISECONDS : DETAIL_MILLISECONDS);
  }
}

/** What people and other controllers wait for. */
function essence(status: DeepReadonly<NodeMountStatus> | undefined): unknown {
  const judgements = (status?.conditions ?? []).map(({ type, status: word, reason }) => ({
    type,
    word,
    // The reason of work under way changes with every step.
    reason: type === 'Reconciling' ? '' : reason,
  }));
  return {
    phase: status?.phase,
    judgements,
    observedGeneration: status?.observedGeneration,
    attempts: status?.attempts,
    firstMountedAt: status?.firstMountedAt,
    initialSyncCompletedAt: status?.array?.initialSyncCompletedAt,
    drives: status?.drives?.map(({ state }) => state),
    leftBehind: status?.leftBehind,
  };
}
