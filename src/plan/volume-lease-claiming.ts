// Taking empty disks from a VolumePool for a storage pool: as many as it lacks or none, so that no two pools
// each hold half of what they need, and in the order of age among claims of every kind.
import type { PoolVolume } from '../api/pool-volume.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import type { Stall } from './pool-conditions.ts';
import { homeOf } from './stock.ts';
import { type LeaseSnapshot, machineIdOf, type NodeMachineSeen } from './volume-lease-facts.ts';
import { type LeaseOrder, volumePoolNameOf } from './volume-lease-order.ts';
import type { LeaseStep } from './volume-lease-step.ts';

export interface Claiming {
  readonly steps: readonly LeaseStep[];
  readonly stall?: Stall;
  readonly waits?: Stall;
}

/** Undefined while it lacks none. */
export function planClaiming(
  snapshot: LeaseSnapshot,
  { lacking }: LeaseOrder,
): Claiming | undefined {
  if (lacking === 0) return undefined;
  const { pool, volumePool, machine, stock, hasAgent } = snapshot;
  const name = volumePoolNameOf(pool) ?? '';
  const stall = refuseVolumePool(volumePool, name);
  if (stall) return { steps: [], stall };
  if (!hasAgent) {
    const message = `waits for the agent of ${snapshot.node?.name} before disks are taken`;
    return { steps: [], waits: { reason: 'AgentNotReady', message } };
  }
  const tooSmall = refuseMaximum(volumePool!, lacking + snapshot.leased.length);
  if (tooSmall) return { steps: [], stall: tooSmall };
  if (stock.length < lacking) return exhausted(name, lacking, stock.length);
  if (machine === 'unread') return { steps: [] };
  if (machine === 'absent') return undefined;
  const misplaced = refusePlace(volumePool!, machine);
  if (misplaced) return { steps: [], stall: misplaced };
  const fitting = stock.filter((volume) => fits(volume, machine));
  if (fitting.length < lacking) return exhausted(name, lacking, fitting.length, machine.zone);
  const node = { name: snapshot.node!.name, machineId: machineIdOf(snapshot)! };
  return {
    steps: fitting.slice(0, lacking).map((volume) => ({
      type: 'leaseVolume',
      volume,
      node,
      because: `StoragePool ${pool.metadata.name} asks for it`,
    })),
  };
}

function refuseVolumePool(volumePool: VolumePool | undefined, name: string): Stall | undefined {
  const field = 'spec.mdadm.source.volumes.poolRef.name';
  if (!volumePool)
    return { reason: 'PoolNotFound', message: `${field}: no VolumePool ${name} in this namespace` };
  const { metadata, spec } = volumePool;
  if (metadata.deletionTimestamp !== undefined)
    return { reason: 'PoolDeleting', message: `${field}: VolumePool ${name} is being deleted` };
  if (spec.goldenSnapshot.type === 'Empty') return undefined;
  const message =
    `${field}: the disks of VolumePool ${name} are copies of a golden snapshot, and an array is ` +
    'made of empty disks only; name one with spec.goldenSnapshot.type Empty';
  return { reason: 'InvalidSpec', message };
}

/** Waiting would never end. */
function refuseMaximum({ metadata, spec }: VolumePool, wanted: number): Stall | undefined {
  const { maxTotal } = spec.scaling;
  if (maxTotal >= wanted) return undefined;
  const message =
    `${wanted} disks are asked for, and VolumePool ${metadata.name} may have ${maxTotal} in all: ` +
    'raise its spec.scaling.maxTotal';
  return { reason: 'VolumePoolExhausted', message };
}

function refusePlace(
  { metadata, status }: VolumePool,
  machine: NodeMachineSeen,
): Stall | undefined {
  const { scope } = status ?? {};
  if (!scope) return undefined;
  const where = `VolumePool ${metadata.name} makes its disks in`;
  const [, , subscription = ''] = machine.id.split('/');
  if (scope.location.toLowerCase() !== machine.location.toLowerCase()) {
    const message = `${where} ${scope.location}, but VM ${machine.name} of the node is in ${machine.location}`;
    return { reason: 'InvalidSpec', message };
  }
  if (scope.subscriptionId.toLowerCase() !== subscription.toLowerCase()) {
    const message = `${where} subscription ${scope.subscriptionId}, but VM ${machine.name} of the node is in ${subscription}`;
    return { reason: 'InvalidSpec', message };
  }
  return undefined;
}

function fits(volume: PoolVolume, { zone = '' }: NodeMachineSeen): boolean {
  return ['any', zone].includes(homeOf(volume));
}

function exhausted(name: string, lacking: number, free: number, zone?: string): Claiming {
  const where = zone === undefined ? '' : ` in zone ${zone}`;
  const message = `waits for ${lacking} empty disks of VolumePool ${name}${where}, which has ${free} for it`;
  return { steps: [], waits: { reason: 'VolumePoolExhausted', message } };
}
