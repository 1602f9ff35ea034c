// The paths that are not about objects: discovery, version and health.
import { createHash } from 'node:crypto';
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse } from '../request.ts';
import { splitPath } from '../target.ts';
import type { Discovery } from './discovery.ts';
import { SERVER_VERSION } from './version.ts';

const HEALTH_PATHS = ['healthz', 'livez', 'readyz'];
const PATHS = [
  '/api',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/readyz',
  '/version',
];

/** Health and version are told to anybody. */
export function isPublicPath(path: string): boolean {
  const first = splitPath(path).segments[0] ?? '';
  return HEALTH_PATHS.includes(first) || first === 'version';
}

/** Undefined when the path is not one of these. */
export function discoveryResponse(
  discovery: Discovery,
  request: ApiRequest,
): ApiResponse | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const { segments, query } = splitPath(request.path);
  const [first = '', second, third] = segments;
  if (HEALTH_PATHS.includes(first)) {
    return textResponse(200, query.has('verbose') ? `[+]ping ok\n${first} check passed\n` : 'ok');
  }
  if (segments.length === 0) return jsonResponse(200, { paths: PATHS });
  if (first === 'version' && segments.length === 1) return jsonResponse(200, SERVER_VERSION);
  if (first === 'api' && segments.length === 1) {
    return root(discovery, request, true) ?? jsonResponse(200, discovery.coreVersions());
  }
  if (first === 'apis' && segments.length === 1) {
    return root(discovery, request, false) ?? jsonResponse(200, discovery.groupList());
  }
  if (first === 'api' && segments.length === 2) return found(discovery.resourceList('', second!));
  if (first === 'apis' && segments.length === 2) return found(discovery.group(second!));
  if (first === 'apis' && segments.length === 3) {
    return found(discovery.resourceList(second!, third!));
  }
  return undefined;
}

function found(document: object | undefined): ApiResponse {
  return document ? jsonResponse(200, document) : textResponse(404, '404 page not found\n');
}

/** Set when the client asks for the aggregated form. */
function root(discovery: Discovery, request: ApiRequest, core: boolean): ApiResponse | undefined {
  const accept = request.headers?.['accept'] ?? '';
  const versions = ['v2', 'v2beta1'] as const;
  // The first acceptable form wins, as clients list what they like best first.
  for (const clause of accept.split(',')) {
    if (!clause.includes('as=APIGroupDiscoveryList')) {
      if (clause.trim().startsWith('application/json')) return undefined;
      continue;
    }
    const version = versions.find(
      (candidate) => clause.includes(`v=${candidate};`) || clause.trim().endsWith(`v=${candidate}`),
    );
    if (!version || !clause.includes('application/json')) continue;
    const document = discovery.aggregated(core, version);
    const body = JSON.stringify(document);
    const tag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const headers = { 'content-type': type, etag: tag, vary: 'Accept' };
    if (request.headers?.['if-none-match'] === tag) return { status: 304, headers, body: '' };
    return { status: 200, headers, body };
  }
  return undefined;
}
