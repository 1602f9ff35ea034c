// What Azure refused for want of capacity or quota, remembered for a while, so that the next size of the
// list is tried instead of the same one again.
import { timestamp } from '../api/conditions.ts';
import type { InstancePoolStatus, InstanceTemplate } from '../api/instance-pool.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { LastError } from '../api/status.ts';
import { reasonOfError } from './azure-reasons.ts';

export type UnavailableSize = InstancePoolStatus['unavailableSizes'][number];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The schema's maximum; the youngest are the ones that matter. */
const MAX_REMEMBERED = 32;

/** How long a refusal holds, in milliseconds; undefined for errors that say nothing about capacity. */
function memoryOf(error: LastError, priority: InstanceTemplate['priority']): number | undefined {
  switch (reasonOfError(error)) {
    case 'CapacityUnavailable':
      return HOUR;
    case 'SizeNotAvailable':
      // Spot offers come and go; a regular size that isn't sold here won't be sold here today.
      return priority === 'Spot' ? HOUR : 23 * HOUR;
    case 'QuotaExceeded':
    // Where one spot machine was taken, the next is likely to be; an hour would be too careful.
    case 'Evicted':
      return 10 * MINUTE;
    default:
      return undefined;
  }
}

export function isCapacityRefusal({ spec, status }: PoolInstance): boolean {
  return status?.lastError !== undefined && memoryOf(status.lastError, spec.priority) !== undefined;
}

/** The refusals that still hold, with those of members that failed just now. */
export function rememberRefusals(
  before: readonly UnavailableSize[],
  failed: readonly PoolInstance[],
  now: number,
): UnavailableSize[] {
  const fresh = failed.flatMap(({ spec, status }): UnavailableSize[] => {
    const error = status?.lastError;
    const memory = error && memoryOf(error, spec.priority);
    if (!error || memory === undefined) return [];
    const isQuota = reasonOfError(error) === 'QuotaExceeded';
    const { zone } = spec.azure;
    return [
      {
        vmSize: spec.vmSize,
        reason: error.code.slice(0, 128),
        message: error.message.slice(0, 1024),
        until: timestamp(Date.parse(error.time) + memory),
        // A quota counts for the whole region.
        ...(zone === undefined || isQuota ? {} : { zone }),
      },
    ];
  });
  const isNew = (one: UnavailableSize): boolean =>
    !fresh.some((other) => other.vmSize === one.vmSize && other.zone === one.zone);
  const merged = new Map(fresh.map((refusal) => [`${refusal.vmSize} ${refusal.zone}`, refusal]));
  return [...merged.values(), ...before.filter(isNew)]
    .filter(({ until }) => Date.parse(until) > now)
    .slice(0, MAX_REMEMBERED);
}

/** An eviction makes another size the better choice, but where there is none it keeps nothing from being made. */
const isHard = ({ reason }: UnavailableSize): boolean => reason !== 'Evicted';

/** The first size of the list that nothing speaks against in this zone, or nothing but an eviction. */
export function chooseSize(
  sizes: readonly string[],
  zone: string | undefined,
  unavailable: readonly UnavailableSize[],
): string | undefined {
  const hard = unavailable.filter(isHard);
  return firstAvailable(sizes, zone, unavailable) ?? firstAvailable(sizes, zone, hard);
}

function firstAvailable(
  sizes: readonly string[],
  zone: string | undefined,
  unavailable: readonly UnavailableSize[],
): string | undefined {
  return sizes.find(
    (size) =>
      !unavailable.some(
        (refusal) =>
          refusal.vmSize === size && (refusal.zone === undefined || refusal.zone === zone),
      ),
  );
}

export interface Supply {
  /** Zones where at least one size may be had; the pool's own list when it has no zones. */
  readonly zones: readonly string[];
  /** When nothing at all may be had: the moment the first refusal ends. */
  readonly notBefore: number | undefined;
}

export function supplyOf(
  sizes: readonly string[],
  zones: readonly string[],
  unavailable: readonly UnavailableSize[],
): Supply {
  const open = zones.filter((zone) => chooseSize(sizes, zone, unavailable) !== undefined);
  const isDry = zones.length > 0 ? open.length === 0 : !chooseSize(sizes, undefined, unavailable);
  const first = Math.min(...unavailable.filter(isHard).map(({ until }) => Date.parse(until)));
  return { zones: isDry ? zones : open, notBefore: isDry ? first : undefined };
}
