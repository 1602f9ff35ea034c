// Reads the body of a create or update and checks that it is what the URL says.
import { parse as parseYaml } from 'yaml';
import type { Call } from '../backend.ts';
import { isObject, type JsonObject } from '../objects/json.ts';
import { looseMetadata } from '../objects/kube-object.ts';
import { badRequest, cause, invalid, unsupportedMediaType } from '../objects/status-error.ts';
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts';

const BODY_TYPES = ['application/json', 'application/yaml'];

export function decodeBody(call: Call): JsonObject {
  const mediaType = (call.headers['content-type'] ?? 'application/json').split(';')[0]!.trim();
  if (!BODY_TYPES.includes(mediaType)) throw unsupportedMediaType(BODY_TYPES);
  return parseBody(call.body, mediaType.endsWith('yaml'));
}

export function parseBody(body: string, isYaml: boolean): JsonObject {
  let parsed: unknown;
  try {
    parsed = isYaml && !body.trimStart().startsWith('{') ? parseYaml(body) : JSON.parse(body);
  } catch (error) {
    throw badRequest(
      `the object provided is unrecognized (must be of type Object): ${(error as Error).message}`,
    );
  }
  if (!isObject(parsed)) throw badRequest('the body must be a JSON object');
  return parsed;
}

/** Checks kind, version, name and namespace against the URL and fills in what was left out. */
export function checkIdentity(call: Call, given: JsonObject): JsonObject {
  const { type, target } = call;
  // Of a built-in kind the URL says enough.
  const implied = type.custom ? {} : { apiVersion: apiVersionOf(type), kind: type.kind };
  const object: JsonObject = { ...implied, ...given };
  checkKind(type, object);
  if (object['metadata'] !== undefined && !isObject(object['metadata'])) {
    throw badRequest('metadata must be an object');
  }
  const metadata = looseMetadata(object);
  if (target.name && metadata.name && metadata.name !== target.name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${target.name})`,
    );
  }
  if (type.namespaced && metadata.namespace && metadata.namespace !== target.namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  const completed: JsonObject = { ...metadata };
  if (target.name) completed['name'] = target.name;
  if (type.namespaced) completed['namespace'] = target.namespace;
  else delete completed['namespace'];
  return { ...object, metadata: completed };
}

export function checkKind(type: ResourceType, object: JsonObject): void {
  const { apiVersion, kind } = object;
  const expected = apiVersionOf(type);
  if (!kind) throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(object)}'`);
  if (apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${String(apiVersion ?? '')}) does not match ` +
        `the expected API version (${expected})`,
    );
  }
  if (kind !== type.kind && type.custom) {
    const problem = cause.invalid('kind', kind, `must be ${type.kind}`);
    throw invalid({ ...type, kind: String(kind) }, looseMetadata(object).name ?? '', [problem]);
  }
  if (kind !== type.kind) {
    throw badRequest(
      `${String(kind)} in version "${type.version}" cannot be handled as a ${type.kind}: ` +
        `no kind "${String(kind)}" is registered for version "${expected}"`,
    );
  }
}
