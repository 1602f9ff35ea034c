// In which shape a client wants objects: as they are, as table rows (`kubectl get`), or only
// their metadata. Decided by the Accept header.
import { isObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { notAcceptable } from '../objects/status-error.ts';
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts';
import { tableColumns, tableRow } from './tables.ts';

export type Shape = 'object' | 'table' | 'metadata';

export interface Representation {
  readonly shape: Shape;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly nowMilliseconds: number;
}

const METADATA_VERSION = 'meta.k8s.io/v1';

export function representationOf(
  accept: string | undefined,
  query: URLSearchParams,
  nowMilliseconds: number,
): Representation {
  const includeObject = (query.get('includeObject') || 'Metadata') as 'Metadata';
  const base = { includeObject, nowMilliseconds };
  for (const clause of (accept || '*/*').split(',')) {
    const [mediaType = '', ...parameters] = clause.split(';').map((part) => part.trim());
    if (!['application/json', '*/*', 'application/*', 'application/yaml'].includes(mediaType)) {
      continue;
    }
    const as = parameters.find((part) => part.startsWith('as='))?.slice(3);
    const version = parameters.find((part) => part.startsWith('v='))?.slice(2);
    if (!as) return { ...base, shape: 'object' };
    if (version !== 'v1' && version !== undefined) continue;
    if (as === 'Table') return { ...base, shape: 'table' };
    if (as.startsWith('PartialObjectMetadata')) return { ...base, shape: 'metadata' };
  }
  throw notAcceptable(['application/json', 'application/yaml']);
}

/** One object, as asked for. */
export function representOne(
  object: KubeObject,
  type: ResourceType,
  representation: Representation,
): object {
  if (representation.shape === 'object') return object;
  if (representation.shape === 'metadata') return metadataOnly(object);
  return table([object], type, representation, {
    resourceVersion: object.metadata.resourceVersion ?? '',
  });
}

export function representList(
  objects: readonly KubeObject[],
  type: ResourceType,
  representation: Representation,
  metadata: Readonly<Record<string, unknown>>,
): object {
  if (representation.shape === 'table') return table(objects, type, representation, metadata);
  const isMetadata = representation.shape === 'metadata';
  return {
    kind: isMetadata ? 'PartialObjectMetadataList' : type.listKind,
    apiVersion: isMetadata ? METADATA_VERSION : apiVersionOf(type),
    metadata,
    items: isMetadata ? objects.map(metadataOnly) : type.custom ? objects : objects.map(asListItem),
  };
}

/** In lists of built-ins the list's kind says what the items are. */
function asListItem(object: KubeObject): object {
  const { apiVersion: _version, kind: _kind, ...item } = object;
  return item;
}

export function metadataOnly(object: KubeObject): object {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: METADATA_VERSION,
    metadata: object.metadata,
  };
}

function table(
  objects: readonly KubeObject[],
  type: ResourceType,
  representation: Representation,
  metadata: Readonly<Record<string, unknown>>,
): object {
  const rows = objects.map((object) => ({
    cells: tableRow(object, type, representation.nowMilliseconds),
    object: rowObject(object, representation),
  }));
  return {
    kind: 'Table',
    apiVersion: METADATA_VERSION,
    metadata,
    columnDefinitions: tableColumns(type),
    rows: rows.map((row) => (isObject(row.object) ? row : { cells: row.cells, object: null })),
  };
}

function rowObject(object: KubeObject, representation: Representation): object | null {
  if (representation.includeObject === 'None') return null;
  return representation.includeObject === 'Object' ? object : metadataOnly(object);
}
