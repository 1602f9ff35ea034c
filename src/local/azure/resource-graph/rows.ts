// A resource as Resource Graph shows it: types and groups in lower case, ids in a case of its own.
import { isJsonObject } from '../json.ts';
import type { ResourceRecord } from '../records.ts';
import { viewResource } from '../views.ts';
import { viewForGraph } from '../virtual-machines/view.ts';
import type { Row } from './conditions.ts';
import type { Value } from './values.ts';

export const resourceColumns: readonly string[] = [
  'id',
  'name',
  'type',
  'tenantId',
  'kind',
  'location',
  'resourceGroup',
  'subscriptionId',
  'managedBy',
  'sku',
  'plan',
  'properties',
  'tags',
  'identity',
  'zones',
  'extendedLocation',
];

export function rowOf(record: ResourceRecord, tenantId: string, now: number): Row {
  const view =
    record.kind === 'virtualMachine' ? viewForGraph(record, now) : viewResource(record, now);
  const properties = isJsonObject(view['properties']) ? view['properties'] : {};
  return {
    id: record.id.replace(/(\/resourceGroups\/)([^/]+)/i, (_, prefix, group) => {
      return `${prefix}${String(group).toUpperCase()}`;
    }),
    name: record.name,
    type: String(view['type']).toLowerCase(),
    tenantId,
    kind: '',
    location: record.location,
    resourceGroup: record.resourceGroup.toLowerCase(),
    subscriptionId: record.subscriptionId,
    managedBy: String(view['managedBy'] ?? ''),
    sku: (view['sku'] ?? null) as Value,
    plan: null,
    properties: properties as Value,
    tags: Object.keys(record.tags).length > 0 ? { ...record.tags } : null,
    identity: (view['identity'] ?? null) as Value,
    zones: (record.zones ?? null) as Value,
    extendedLocation: null,
  };
}
