// What the region can give: vCPU quota, room per size and zone, sizes not on offer. The defaults
// are generous; tests and drills take things away.

import { type ArmError, operationNotAllowed, refuse } from './errors.ts';
import type { OperationFailure } from './operations.ts';
import type { VirtualMachineRecord } from './records.ts';
import { findSize, type MachineSize } from './sizes.ts';

export interface CapacityLimit {
  /** Any size when absent. */
  readonly size?: string;
  readonly zone?: string;
  /** So many machines fit; 0 means sold out. */
  readonly machines: number;
}

export interface Restriction {
  readonly size: string;
  readonly zone?: string;
}

export interface MachineRequest {
  readonly size: MachineSize;
  readonly location: string;
  readonly zone: string | undefined;
  readonly spot: boolean;
}

export class Capacity {
  readonly #quota = new Map<string, number>();
  #limits: CapacityLimit[] = [];
  #restrictions: Restriction[] = [];

  constructor(quota: Readonly<Record<string, number>>) {
    for (const [name, cores] of Object.entries(quota)) this.#quota.set(name, cores);
  }

  /** `cores`, `lowPriorityCores`, or a family such as `standardDSv5Family`. */
  setQuota(name: string, cores: number): void {
    this.#quota.set(name, cores);
  }

  /** Replaces the limits on how many machines fit. */
  setLimits(limits: readonly CapacityLimit[]): void {
    this.#limits = [...limits];
  }

  /** Replaces the list of sizes that are not on offer. */
  setRestrictions(restrictions: readonly Restriction[]): void {
    this.#restrictions = [...restrictions];
  }

  isRestricted(size: string, zone: string | undefined): boolean {
    return this.#restrictions.some(
      (restriction) =>
        restriction.size.toLowerCase() === size.toLowerCase() &&
        (restriction.zone === undefined || restriction.zone === zone),
    );
  }

  /** vCPU limits and what is used of them. */
  usages(
    machines: readonly VirtualMachineRecord[],
  ): { name: string; limit: number; used: number }[] {
    return [...this.#quota].map(([name, limit]) => ({
      name,
      limit,
      used: usedCores(machines, name),
    }));
  }

  /** @throws ArmError 409 when the size isn't offered or the quota doesn't hold it */
  checkOffer(request: MachineRequest, machines: readonly VirtualMachineRecord[]): void {
    const { size, location, zone, spot } = request;
    if (this.isRestricted(size.name, zone)) {
      const place = zone ? `'${location}' zone '${zone}'` : `'${location}'`;
      throw refuse(
        409,
        'SkuNotAvailable',
        `The requested VM size for resource 'Following SKUs have failed for Capacity ` +
          `Restrictions: ${size.name}' is currently not available in location ${place}. ` +
          'Please try another size or deploy to a different location or different zone.',
      );
    }
    for (const name of spot ? ['lowPriorityCores'] : ['cores', size.family]) {
      const limit = this.#quota.get(name);
      const used = usedCores(machines, name);
      if (limit !== undefined && used + size.virtualCpus > limit)
        throw quotaExceeded({ name, location, limit, used, required: size.virtualCpus });
    }
  }

  /** Why no host can be found for the machine, if none can. */
  allocationFailure(
    request: MachineRequest,
    machines: readonly VirtualMachineRecord[],
  ): OperationFailure | undefined {
    const { size, zone } = request;
    const full = this.#limits.some((limit) => {
      if (limit.size && limit.size.toLowerCase() !== size.name.toLowerCase()) return false;
      if (limit.zone && limit.zone !== zone) return false;
      const present = machines.filter(
        (machine) =>
          machine.powerState !== 'deallocated' &&
          machine.provisioningState !== 'Failed' &&
          (!limit.size || machine.size.toLowerCase() === limit.size.toLowerCase()) &&
          (!limit.zone || machine.zones?.[0] === limit.zone),
      );
      return present.length >= limit.machines;
    });
    if (!full) return undefined;
    return {
      code: zone ? 'ZonalAllocationFailed' : 'AllocationFailed',
      message:
        'Allocation failed. We do not have sufficient capacity for the requested VM size in this ' +
        `${zone ? 'zone' : 'region'}. Read more about improving likelihood of allocation success ` +
        'at http://aka.ms/allocation-guidance',
      leaves: ['virtualMachine', 'networkInterface'],
    };
  }
}

function usedCores(machines: readonly VirtualMachineRecord[], name: string): number {
  let cores = 0;
  for (const machine of machines) {
    const size = findSize(machine.size);
    if (!size) continue;
    const counted =
      name === 'lowPriorityCores'
        ? machine.priority === 'Spot'
        : machine.priority !== 'Spot' && (name === 'cores' || name === size.family);
    // Deallocated machines count as well: the quota is about what exists.
    if (counted) cores += size.virtualCpus;
  }
  return cores;
}

function quotaExceeded(quota: {
  name: string;
  location: string;
  limit: number;
  used: number;
  required: number;
}): ArmError {
  const { name, location, limit, used, required } = quota;
  const shown =
    name === 'cores'
      ? 'Total Regional Cores'
      : name === 'lowPriorityCores'
        ? 'LowPriorityCores'
        : `${name} Cores`;
  return operationNotAllowed(
    `Operation could not be completed as it results in exceeding approved ${shown} quota. ` +
      `Additional details - Deployment Model: Resource Manager, Location: ${location}, ` +
      `Current Limit: ${limit}, Current Usage: ${used}, Additional Required: ${required}, ` +
      `(Minimum) New Limit Required: ${used + required}. Setup Alerts when Quota reaches ` +
      'threshold.',
  );
}
