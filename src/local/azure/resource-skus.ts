// Which sizes the region offers and what they can do, and how much of the quota is used.
import type { Call, Cloud } from './calls.ts';
import type { JsonObject } from './json.ts';
import type { Reply } from './messages.ts';
import { knownResourceGroups } from './resource-groups.ts';
import { normalizeLocation } from './resource-ids.ts';
import { allSizes, type MachineSize, zones } from './sizes.ts';

export function listSkus(cloud: Cloud, call: Call): Reply {
  const filter = /location eq '([^']+)'/i.exec(call.query.get('$filter') ?? '')?.[1];
  const known = knownResourceGroups(cloud.settings, call.subscriptionId);
  const locations = [...new Set(known.map((group) => normalizeLocation(group.location)))];
  const wanted = filter ? [normalizeLocation(filter)] : locations;
  const value = wanted.flatMap((location) =>
    allSizes().map((size) => viewSize(cloud, size, location)),
  );
  return { status: 200, body: { value } };
}

function viewSize(cloud: Cloud, size: MachineSize, location: string): JsonObject {
  const capability = (name: string, value: string | number | boolean): JsonObject => ({
    name,
    value: typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value),
  });
  const closed = zones.filter((zone) => cloud.capacity.isRestricted(size.name, zone));
  return {
    resourceType: 'virtualMachines',
    name: size.name,
    tier: 'Standard',
    size: size.name.replace('Standard_', ''),
    family: size.family,
    locations: [location],
    locationInfo: [{ location, zones: [...zones], zoneDetails: [] }],
    capabilities: [
      capability('vCPUs', size.virtualCpus),
      capability('vCPUsAvailable', size.virtualCpus),
      capability('MemoryGB', size.memoryGigabytes),
      capability('MaxDataDiskCount', size.maxDataDisks),
      capability('PremiumIO', size.premiumStorage),
      capability('LowPriorityCapable', size.lowPriority),
      capability('HibernationSupported', size.hibernation),
      capability('EphemeralOSDiskSupported', size.cacheGigabytes > 0),
      capability('CachedDiskBytes', size.cacheGigabytes * 2 ** 30),
      capability('HyperVGenerations', 'V1,V2'),
      capability('CpuArchitectureType', 'x64'),
    ],
    restrictions:
      closed.length === 0
        ? []
        : [
            {
              type: 'Zone',
              values: [location],
              restrictionInfo: { locations: [location], zones: closed },
              reasonCode: 'NotAvailableForSubscription',
            },
          ],
  };
}

export function listUsages(cloud: Cloud, call: Call): Reply {
  const location = normalizeLocation(call.location);
  const machines = cloud.resources
    .list('virtualMachine', { subscriptionId: call.subscriptionId })
    .filter((machine) => machine.location === location);
  const value = cloud.capacity.usages(machines).map(({ name, limit, used }) => ({
    limit,
    currentValue: used,
    unit: 'Count',
    name: { value: name, localizedValue: name },
  }));
  return { status: 200, body: { value } };
}
