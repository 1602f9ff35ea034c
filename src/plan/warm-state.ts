// How a free machine waits: running, deallocated or hibernated, and how it gets there and back.
import type { InstancePool } from '../api/instance-pool.ts';
import type { MachineSeen, PoolInstancePlan } from './pool-instance.ts';

export type WarmState = InstancePool['spec']['warmState'];
type PowerStep = Extract<NonNullable<PoolInstancePlan['step']>, { type: 'power' }>;

/** True when the machine is as a free one should be. */
export function isInWarmState(machine: MachineSeen, warmState: WarmState): boolean {
  if (warmState === 'Running') return machine.powerState === 'running';
  if (machine.powerState !== 'deallocated') return false;
  return machine.hibernated === (warmState === 'Hibernated');
}

/** The step towards the warm state, or undefined when only waiting helps. */
export function stepToWarmState(machine: MachineSeen, warmState: WarmState): PowerStep | undefined {
  const { id, powerState } = machine;
  if (warmState === 'Running') {
    const isOff = powerState === 'deallocated' || powerState === 'stopped';
    return isOff ? { type: 'power', id, action: 'start', operation: 'Start' } : undefined;
  }
  if (powerState !== 'running') return undefined;
  return warmState === 'Hibernated'
    ? { type: 'power', id, action: 'hibernate', operation: 'Hibernate' }
    : { type: 'power', id, action: 'deallocate', operation: 'Deallocate' };
}
