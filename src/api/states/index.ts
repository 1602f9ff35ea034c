// The tables of all kinds that have phases of their own.
import { instanceClaimStates } from './instance-claim.ts';
import { nodeMountStates } from './node-mount.ts';
import { poolInstanceStates } from './pool-instance.ts';
import { poolVolumeStates } from './pool-volume.ts';
import type { StateTable } from './state-table.ts';

export type { StateTable } from './state-table.ts';
export { instanceClaimStates, nodeMountStates, poolInstanceStates, poolVolumeStates };

export const stateTables: readonly StateTable[] = [
  instanceClaimStates,
  poolInstanceStates,
  poolVolumeStates,
  nodeMountStates,
] as readonly StateTable[];
