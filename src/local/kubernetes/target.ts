// Reads from method and URL which resource is meant and what is to be done with it.
import type { ApiRequest } from './request.ts';

export type CallVerb =
  | 'create'
  | 'delete'
  | 'deletecollection'
  | 'get'
  | 'list'
  | 'patch'
  | 'update'
  | 'watch';

export interface Target {
  readonly verb: CallVerb;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string;
  /** Empty for collections. */
  readonly name: string;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

/** Undefined when the path is not one of a resource (discovery, health and the like). */
export function parseTarget(request: ApiRequest): Target | undefined {
  const { segments, query } = splitPath(request.path);
  const root = segments[0];
  const isCore = root === 'api' && segments.length >= 3;
  const isGroup = root === 'apis' && segments.length >= 4;
  if (!isCore && !isGroup) return undefined;
  const [group, version, rest] = isCore
    ? ['', segments[1]!, segments.slice(2)]
    : [segments[1]!, segments[2]!, segments.slice(3)];
  const place = resourcePlace(rest);
  const verb = verbOf(request.method, place.name, query);
  return verb && { verb, group, version, ...place, query };
}

export function splitPath(path: string): { segments: string[]; query: URLSearchParams } {
  const mark = path.indexOf('?');
  const bare = mark < 0 ? path : path.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1));
  const segments = bare.split('/').filter((part) => part !== '');
  return { segments: segments.map(decode), query };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

type Place = Pick<Target, 'plural' | 'namespace' | 'name' | 'subresource'>;

const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];

function resourcePlace(rest: readonly string[]): Place {
  const scoped =
    rest[0] === 'namespaces' &&
    rest.length >= 3 &&
    !(rest.length === 3 && NAMESPACE_SUBRESOURCES.includes(rest[2]!));
  const namespace = scoped ? rest[1]! : '';
  const [plural = '', name = '', subresource] = scoped ? rest.slice(2) : rest;
  return { plural, namespace, name, subresource };
}

function verbOf(method: string, name: string, query: URLSearchParams): CallVerb | undefined {
  const watching = ['1', 'true'].includes(query.get('watch') ?? '');
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (watching) return 'watch';
      return name ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name ? 'delete' : 'deletecollection';
    default:
      return undefined;
  }
}
