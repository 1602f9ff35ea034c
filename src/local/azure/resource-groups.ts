// Resource groups and subscriptions exist because the settings (or a seeded snapshot) name them.
import type { Call, Cloud } from './calls.ts';
import { resourceGroupNotFound, subscriptionNotFound } from './errors.ts';
import type { Reply } from './messages.ts';
import { parseResourceId } from './resource-ids.ts';
import type { ResourceGroupSettings, SimulatedAzureSettings } from './settings.ts';
import { defaultLocation } from './settings.ts';

export function knownResourceGroups(
  settings: SimulatedAzureSettings,
  subscriptionId: string,
): ResourceGroupSettings[] {
  const wanted = subscriptionId.toLowerCase();
  const configured = settings.subscriptions
    .filter((subscription) => subscription.id.toLowerCase() === wanted)
    .flatMap((subscription) => subscription.resourceGroups);
  const seeded = settings.snapshots.flatMap((snapshot) => {
    const address = parseResourceId(snapshot.id);
    return address?.subscriptionId.toLowerCase() === wanted
      ? [{ name: address.resourceGroup, location: snapshot.location ?? defaultLocation }]
      : [];
  });
  return [...configured, ...seeded];
}

/** @throws ArmError 404 when the subscription or the group isn't there */
export function checkScope(cloud: Cloud, subscriptionId: string, resourceGroup: string): void {
  const groups = knownResourceGroups(cloud.settings, subscriptionId);
  const known = cloud.settings.subscriptions.some(
    (subscription) => subscription.id.toLowerCase() === subscriptionId.toLowerCase(),
  );
  if (!known && groups.length === 0) throw subscriptionNotFound(subscriptionId);
  if (!resourceGroup) return;
  const wanted = resourceGroup.toLowerCase();
  if (!groups.some((group) => group.name.toLowerCase() === wanted))
    throw resourceGroupNotFound(resourceGroup);
}

export function getResourceGroup(cloud: Cloud, call: Call): Reply {
  const group = knownResourceGroups(cloud.settings, call.subscriptionId).find(
    (candidate) => candidate.name.toLowerCase() === call.resourceGroup.toLowerCase(),
  );
  if (!group) throw resourceGroupNotFound(call.resourceGroup);
  return {
    status: 200,
    body: {
      id: `/subscriptions/${call.subscriptionId}/resourceGroups/${group.name}`,
      name: group.name,
      type: 'Microsoft.Resources/resourceGroups',
      location: group.location,
      properties: { provisioningState: 'Succeeded' },
    },
  };
}
