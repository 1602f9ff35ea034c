// What the planner of a pooled VM is given: a machine that runs, is tagged as free and holds nothing,
// unless told otherwise.
import type { PoolInstance } from '../../src/api/pool-instance.ts';
import { memberTags } from '../../src/plan/member.ts';
import {
  type MachineSeen,
  machineName,
  type PoolInstanceSnapshot,
} from '../../src/plan/pool-instance.ts';
import { uidOf } from './metadata.ts';
import { anInstancePool } from './pools.ts';

export function aMachine(
  instance: PoolInstance,
  overrides: Partial<MachineSeen> = {},
): MachineSeen {
  return {
    id: '/virtualMachines/vm',
    name: machineName(instance),
    provisioningState: 'Succeeded',
    tags: memberTags(instance, 'test', 'free', undefined),
    vmId: uidOf('vm', instance.metadata.uid),
    etag: '"1"',
    vmSize: 'Standard_D2s_v5',
    powerState: 'running',
    hibernated: false,
    dataDisks: [],
    networkInterfaceIds: [],
    ...overrides,
  };
}

export function anInstanceSnapshot(
  instance: PoolInstance,
  overrides: Partial<PoolInstanceSnapshot> = {},
): PoolInstanceSnapshot {
  return {
    instance,
    pool: anInstancePool(),
    machine: aMachine(instance),
    operation: undefined,
    claim: instance.spec.claimRef ? 'active' : 'none',
    volumes: [],
    leftovers: [],
    installation: 'test',
    pollPace: 1,
    ...overrides,
  };
}
