// ARM ids taken apart. They compare without regard to case: Azure returns them in whatever case.
import { CloudError } from './errors.ts';
import type { ResourceId, ResourceKind } from './port.ts';

export interface ArmId {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** `virtualMachines`, `disks`, … as in port.ts, whatever the case of the id. */
  readonly type: string;
  readonly kind: ResourceKind;
  readonly name: string;
}

const idPattern =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+\/[^/]+)\/([^/?#]+)$/i;

const kindOfType: Readonly<Record<string, { kind: ResourceKind; type: string }>> = {
  'microsoft.compute/virtualmachines': { kind: 'instance', type: 'virtualMachines' },
  'microsoft.compute/disks': { kind: 'volume', type: 'disks' },
  'microsoft.compute/snapshots': { kind: 'snapshot', type: 'snapshots' },
  'microsoft.network/networkinterfaces': { kind: 'networkInterface', type: 'networkInterfaces' },
};

/** Lower-cased resource types with the port's word for each. */
export const resourceTypes = Object.entries(kindOfType).map(([type, { kind }]) => ({ type, kind }));

/** @throws CloudError Invalid when the id isn't one of the port's kinds, or not of `kind`. */
export function parseArmId(id: ResourceId, kind?: ResourceKind): ArmId {
  const [, subscriptionId = '', resourceGroup = '', type = '', name = ''] =
    idPattern.exec(id) ?? [];
  const known = kindOfType[type.toLowerCase()];
  if (!known || (kind && kind !== known.kind))
    throw new CloudError(`'${id}' is not the id of ${kind ? `a ${kind}` : 'a known resource'}.`, {
      class: 'Invalid',
      azureCode: 'InvalidResourceId',
      call: `parse ${id}`,
      outcome: 'refused',
      retry: 'never',
    });
  return { subscriptionId, resourceGroup, name, ...known };
}

export function sameId(one: ResourceId, other: ResourceId): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
