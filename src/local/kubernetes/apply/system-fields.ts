// Fields that nobody owns because the server sets them, or because an endpoint ignores them.
import type { ResourceType } from '../resources/resource-type.ts';
import { childrenOf, type FieldSet, makeNode } from './field-set.ts';

const METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** The set without such fields. */
export function ownable(
  fields: FieldSet | undefined,
  type: ResourceType,
  subresource: string | undefined,
): FieldSet | undefined {
  if (!fields) return undefined;
  const dropped = new Set(['f:apiVersion', 'f:kind']);
  if (type.statusSubresource && !subresource) dropped.add('f:status');
  const children = childrenOf(fields)
    .filter(([element]) => !dropped.has(element))
    .filter(([element]) => subresource !== 'status' || element === 'f:status')
    .map(([element, node]) => [element, element === 'f:metadata' ? metadata(node) : node] as const);
  return makeNode(false, children);
}

function metadata(node: FieldSet): FieldSet | undefined {
  const kept = childrenOf(node).filter(([element]) => !METADATA.includes(element.slice(2)));
  return makeNode(false, kept);
}
