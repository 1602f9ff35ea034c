// ARM resource ids: compared without case, shown with the case they were created with.

export interface ResourceAddress {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** Namespace and type: `Microsoft.Compute/disks`. */
  readonly type: string;
  readonly name: string;
}

const resourceIdPattern =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+\/[^/]+)\/([^/]+)$/i;

/** The parts of a top-level resource's id, or undefined when it isn't one. */
export function parseResourceId(id: string): ResourceAddress | undefined {
  const match = resourceIdPattern.exec(id);
  if (!match) return undefined;
  return {
    subscriptionId: match[1]!,
    resourceGroup: match[2]!,
    type: match[3]!,
    name: match[4]!,
  };
}

export function formatResourceId(address: ResourceAddress): string {
  const { subscriptionId, resourceGroup, type, name } = address;
  const scope = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
  return `${scope}/providers/${type}/${name}`;
}

/** The form under which ids are equal. */
export function idKey(id: string): string {
  return id.toLowerCase();
}

export function sameId(left: string | undefined, right: string | undefined): boolean {
  return left !== undefined && right !== undefined && idKey(left) === idKey(right);
}

/** `West Europe` and `westeurope` are the same place. */
export function normalizeLocation(location: string): string {
  return location.replaceAll(' ', '').toLowerCase();
}
