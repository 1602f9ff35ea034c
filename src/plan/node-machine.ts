// Which Azure VM a node runs on, by what the cloud's own controller wrote into the Node. Disks are attached
// to that VM and no other, so whatever is not plainly the id of one is refused in words.
import { parseResourceId } from './resource-id.ts';

export type NodeMachine =
  | { readonly type: 'machine'; readonly id: string }
  | { readonly type: 'unsupported'; readonly message: string };

const PREFIX = 'azure://';

/** `providerId` is spec.providerID of the Node. */
export function machineOfNode(nodeName: string, providerId: string | undefined): NodeMachine {
  const refuse = (why: string): NodeMachine => ({
    type: 'unsupported',
    message: `volumes cannot be attached to node ${nodeName}: ${why}`,
  });
  if (!providerId)
    return refuse('its spec.providerID is empty, so nothing says which VM it runs on');
  if (!providerId.toLowerCase().startsWith(PREFIX))
    return refuse(`its spec.providerID ${providerId} is not that of an Azure VM`);
  const id = providerId.slice(PREFIX.length);
  const segments = parseResourceId(id);
  const isOfScaleSet =
    segments?.[6] === 'virtualmachinescalesets' && segments[8] === 'virtualmachines';
  if (isOfScaleSet) {
    const set = id.split('/')[8];
    return refuse(
      `it is a member of the uniform scale set ${set}, whose members are not VMs of their own; use a ` +
        'node of a scale set in flexible orchestration mode, or a single VM',
    );
  }
  const isMachine =
    segments?.length === 8 &&
    segments[2] === 'resourcegroups' &&
    segments[4] === 'providers' &&
    segments[5] === 'microsoft.compute' &&
    segments[6] === 'virtualmachines';
  if (!isMachine) return refuse(`its spec.providerID ${providerId} is not the id of an Azure VM`);
  return { type: 'machine', id };
}

/** Azure ids compare without regard to case. */
export function isSameResource(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one.toLowerCase() === other?.toLowerCase();
}

/** Its name, for people. */
export function nameOfResource(id: string): string {
  return id.split('/').at(-1) ?? id;
}
