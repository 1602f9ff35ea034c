// When the golden snapshot in use was last looked at. Kept in memory: looking writes nothing, and a
// restarted controller may as well look once more.
import { parseDuration } from '../../api/duration.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import type { Clock } from '../../runtime/clock.ts';

interface Look {
  readonly snapshotId: string;
  /** Monotonic. */
  readonly at: number;
  readonly wallTime: number;
}

/** A snapshot hardly ever goes: once in so many looks at everything else is often enough. */
const INTERVALS_BETWEEN_LOOKS = 10;

export class SnapshotLooks {
  readonly #clock: Clock;
  readonly #looks = new Map<string, Look>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when its time has come, and when a disk could not be made for something about the snapshot. */
  isDue(pool: VolumePool, members: readonly PoolVolume[]): boolean {
    const id = pool.status?.goldenSnapshot?.id;
    if (id === undefined) return false;
    const last = this.#lookAt(pool, id);
    return last === undefined || this.dueIn(pool) <= 0 || isBlamed(id, members, last.wallTime);
  }

  /** Milliseconds until it is due by time alone. */
  dueIn(pool: VolumePool): number {
    const id = pool.status?.goldenSnapshot?.id;
    const period = parseDuration(pool.spec.scaling.discoveryInterval) * INTERVALS_BETWEEN_LOOKS;
    const last = id === undefined ? undefined : this.#lookAt(pool, id);
    return last === undefined ? period : last.at + period - this.#clock.monotonic();
  }

  looked(pool: VolumePool, snapshotId: string): void {
    const at = this.#clock.monotonic();
    this.#looks.set(pool.metadata.uid, { snapshotId, at, wallTime: this.#clock.now() });
  }

  forget(uid: string): void {
    this.#looks.delete(uid);
  }

  #lookAt({ metadata }: VolumePool, id: string): Look | undefined {
    const last = this.#looks.get(metadata.uid);
    return last?.snapshotId.toLowerCase() === id.toLowerCase() ? last : undefined;
  }
}

/** Azure names the snapshot when a copy of it fails because of it. */
function isBlamed(id: string, members: readonly PoolVolume[], since: number): boolean {
  const name = (id.split('/').at(-1) ?? id).toLowerCase();
  // Times in a status are whole seconds: rather one look too many.
  const second = Math.floor(since / 1000) * 1000;
  return members.some(({ status }) => {
    const { lastError } = status ?? {};
    if (!lastError?.message.toLowerCase().includes(name)) return false;
    return Date.parse(lastError.time) > second;
  });
}
