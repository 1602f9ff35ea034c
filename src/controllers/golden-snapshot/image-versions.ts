// Which version of a floating image a recipe means. Looked up now and then and kept in memory: a newer image
// is a new version of the snapshot, and a look-up that fails is no reason to build anything.
import type { VolumePool } from '../../api/volume-pool.ts';
import { CloudError } from '../../azure/errors.ts';
import type { AzureCloud, CallContext } from '../../azure/port.ts';
import { floatingImageId } from '../../plan/golden-snapshot-image.ts';
import type { Clock } from '../../runtime/clock.ts';

/** Images come out every few weeks, and a build takes half an hour. */
const HOURS_BETWEEN_LOOKS = 6;

interface Known {
  readonly imageId: string;
  readonly version: string;
  /** Monotonic. */
  readonly at: number;
}

export type ImageVersion = string | undefined | { readonly problem: string };

export class ImageVersions {
  readonly #clock: Clock;
  readonly #periodMilliseconds: number;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock, pollPace: number) {
    this.#clock = clock;
    this.#periodMilliseconds = (HOURS_BETWEEN_LOOKS * 3_600_000) / pollPace;
  }

  /** Undefined when the recipe names a version, or there is none. */
  async of(pool: VolumePool, cloud: AzureCloud, call: CallContext): Promise<ImageVersion> {
    const imageId = floatingImageId(pool);
    if (imageId === undefined) return undefined;
    const known = this.#known.get(pool.metadata.uid);
    const isSame = known?.imageId === imageId;
    // A build that is under way is not overtaken by an image that comes out meanwhile.
    const isBusy = pool.status?.snapshotBuild !== undefined;
    const isFresh = known && this.#clock.monotonic() - known.at < this.#periodMilliseconds;
    if (isSame && (isBusy || isFresh)) return known.version;
    try {
      const seen = await cloud.get('image', imageId, call);
      if (!seen) return { problem: `no version of image ${imageId} can be found` };
      const at = this.#clock.monotonic();
      this.#known.set(pool.metadata.uid, { imageId, version: seen.version, at });
      return seen.version;
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      if (isSame) return known.version;
      // A right that is missing is somebody's to give, and must be told where it is looked for.
      const isFinal = error.class === 'Forbidden' || error.class === 'Invalid';
      if (!isFinal) throw error;
      return { problem: `image ${imageId} cannot be looked up: ${error.code}: ${error.message}` };
    }
  }

  forget(uid: string): void {
    this.#known.delete(uid);
  }
}
