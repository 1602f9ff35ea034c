// Spot machines that Azure took back. It says so to the guest and to nobody else: that a spot machine is
// gone, or switched off without anybody of ours having asked for it, is all there is to see.
import type { InstancePool } from '../api/instance-pool.ts';
import type { PoolInstance, PoolInstanceStatus } from '../api/pool-instance.ts';
import type { MachineSeen } from './pool-instance.ts';
import type { Failure } from './pool-instance-status.ts';

const CODE = 'Evicted';

/**
 * A read of one machine is cheap where Resource Graph is minutes late: Azure allows 12 a minute for each
 * machine and 8,000 for a subscription, of which a pool takes no more than a thousand.
 */
const LOOK_MILLISECONDS = 30_000;
const LOOKS_A_MINUTE = 1_000;

/** True for a machine that somebody uses and Azure may take: then nobody else tells its user. */
export function isWatched({ spec }: PoolInstance): boolean {
  return spec.priority === 'Spot' && spec.claimRef !== undefined;
}

/** How soon a watched machine is looked at again. */
export function nextLookMilliseconds(pool: InstancePool | undefined, pollPace: number): number {
  const claimed = pool?.status?.claimed ?? 0;
  return Math.max(LOOK_MILLISECONDS, (claimed / LOOKS_A_MINUTE) * 60_000) / pollPace;
}

/** Why a machine that should be there is not: evicted where that may be, else deleted by somebody. */
export function disappearance({ spec, status }: PoolInstance): Failure {
  const name = status?.azure?.name ?? 'the VM';
  if (spec.priority !== 'Spot') {
    return { code: 'ResourceDisappeared', message: 'the VM was deleted outside Poolkeeper' };
  }
  const message = `Azure took the spot machine ${name} back: it is gone (or somebody deleted it)`;
  return { code: CODE, message };
}

/** Undefined for a machine that nobody took: it runs, or it was off before. */
export function evictionOf(
  { spec, status }: PoolInstance,
  machine: MachineSeen,
): Failure | undefined {
  const isOff = machine.powerState === 'deallocated' && !machine.hibernated;
  if (spec.priority !== 'Spot' || !isOff) return undefined;
  const ran = status?.azure?.powerState === 'running';
  if (!ran && !isKnownEvicted(status)) return undefined;
  const message = `Azure took the spot machine ${machine.name} back: it is deallocated, its disks are kept`;
  return { code: CODE, message };
}

/** True while it is taken back, also after an attempt to start it again has failed. */
export function isEvicted({ status }: PoolInstance): boolean {
  return isKnownEvicted(status);
}

function isKnownEvicted(status: PoolInstanceStatus | undefined): boolean {
  return status?.lastError?.code === CODE && status.attempts > 0;
}
