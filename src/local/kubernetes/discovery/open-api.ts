// OpenAPI v3, one document per group version, as `kubectl explain` and `kubectl apply` read it.
// Documents are made when asked for and kept until a definition changes.
import { createHash } from 'node:crypto';
import type { Registry } from '../resources/registry.ts';
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts';
import { objectMeta } from '../resources/schemas/metadata.ts';
import type { Schema } from '../schema/schema.ts';
import { SERVER_VERSION } from './version.ts';

interface Document {
  readonly text: string;
  readonly hash: string;
}

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export class OpenApi {
  readonly #registry: Registry;
  readonly #documents = new Map<string, Document>();

  constructor(registry: Registry) {
    this.#registry = registry;
    registry.onChange(() => this.#documents.clear());
  }

  /** Paths such as `apis/apps/v1`, each with an address that changes with its content. */
  index(): object {
    const places = new Set(this.#registry.all().map(placeOf));
    const paths = [...places].map((place) => {
      const hash = this.document(place)!.hash;
      return [place, { serverRelativeURL: `/openapi/v3/${place}?hash=${hash}` }];
    });
    return { paths: Object.fromEntries(paths) };
  }

  document(place: string): Document | undefined {
    const known = this.#documents.get(place);
    if (known) return known;
    const types = this.#registry.all().filter((type) => placeOf(type) === place);
    if (types.length === 0) return undefined;
    const text = JSON.stringify(describe(types));
    const hash = createHash('sha512').update(text).digest('hex').toUpperCase().slice(0, 64);
    const document = { text, hash };
    this.#documents.set(place, document);
    return document;
  }
}

function placeOf(type: ResourceType): string {
  return type.group ? `apis/${type.group}/${type.version}` : `api/${type.version}`;
}

function describe(types: readonly ResourceType[]): object {
  const schemas: Record<string, object> = { [OBJECT_META]: objectMeta };
  const paths: Record<string, object> = {};
  for (const type of types) {
    schemas[schemaName(type)] = kindDocument(type);
    Object.assign(paths, pathsOf(type));
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: SERVER_VERSION.gitVersion },
    paths,
    components: { schemas },
  };
}

const kindOf = (type: ResourceType): object => ({
  group: type.group,
  kind: type.kind,
  version: type.version,
});

/** Reversed group, version and kind, as definitions of real servers are named. */
function schemaName(type: ResourceType): string {
  const group = type.custom ? type.group : `${type.group || 'core'}.api.k8s.io`;
  return [...group.split('.').reverse(), type.version, type.kind].join('.');
}

function kindDocument(type: ResourceType): object {
  const schema: Schema = type.schema ?? { type: 'object' };
  const metadata = {
    description: 'Standard object metadata.',
    allOf: [{ $ref: `#/components/schemas/${OBJECT_META}` }],
    default: {},
  };
  return {
    ...schema,
    properties: {
      apiVersion: { type: 'string', description: 'Version of this representation of an object.' },
      kind: { type: 'string', description: 'The kind of this object, in CamelCase.' },
      ...schema.properties,
      metadata,
    },
    'x-kubernetes-group-version-kind': [kindOf(type)],
  };
}

const queryParameter = (name: string): object => ({
  in: 'query',
  name,
  schema: { type: 'string', uniqueItems: true },
});
const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map(queryParameter);

function pathsOf(type: ResourceType): Record<string, object> {
  const root = type.group ? `/apis/${apiVersionOf(type)}` : `/api/${type.version}`;
  const collection = type.namespaced
    ? `${root}/namespaces/{namespace}/${type.plural}`
    : `${root}/${type.plural}`;
  const body = {
    'application/json': { schema: { $ref: `#/components/schemas/${schemaName(type)}` } },
  };
  const operation = (action: string, write: boolean): object => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kindOf(type),
    ...(write ? { parameters: WRITE_PARAMETERS } : {}),
    responses: { 200: { description: 'OK', content: body } },
  });
  const item = {
    get: operation('get', false),
    put: operation('put', true),
    patch: operation('patch', true),
    delete: operation('delete', true),
  };
  return {
    [collection]: {
      get: operation('list', false),
      post: operation('post', true),
      delete: operation('deletecollection', true),
    },
    [`${collection}/{name}`]: item,
    ...(type.statusSubresource
      ? { [`${collection}/{name}/status`]: { get: item.get, put: item.put, patch: item.patch } }
      : {}),
  };
}
