// The OpenAPI endpoints. Version 2 is only a courtesy: clients that still ask for it get an empty
// document and fall back to what they have built in.
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse } from '../request.ts';
import { splitPath } from '../target.ts';
import type { OpenApi } from './open-api.ts';
import { SERVER_VERSION } from './version.ts';

const ASKED_V2 = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** What clients ask for is no valid media type, so the answer's is spelt differently. */
const ANSWERED_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

export function openApiResponse(openApi: OpenApi, request: ApiRequest): ApiResponse | undefined {
  const { segments } = splitPath(request.path);
  if (segments[0] !== 'openapi') return undefined;
  const accept = request.headers?.['accept'] ?? '';
  if (segments[1] === 'v2' && segments.length === 2) return versionTwo(accept);
  if (segments[1] !== 'v3') return undefined;
  const place = segments.slice(2).join('/');
  if (!place) return jsonResponse(200, openApi.index());
  const document = openApi.document(place);
  if (!document) return textResponse(404, '404 page not found\n');
  const headers = { 'content-type': 'application/json', etag: `"${document.hash}"` };
  if (request.headers?.['if-none-match'] === headers.etag)
    return { status: 304, headers, body: '' };
  return { status: 200, headers, body: document.text };
}

function versionTwo(accept: string): ApiResponse {
  const info = { title: 'Kubernetes', version: SERVER_VERSION.gitVersion };
  if (!accept.includes(ASKED_V2)) {
    return jsonResponse(200, { swagger: '2.0', info, paths: {}, definitions: {} });
  }
  const text = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const infoBytes = Buffer.concat([
    text(1, Buffer.from(info.title)),
    text(2, Buffer.from(info.version)),
  ]);
  const body = Buffer.concat([text(1, Buffer.from('2.0')), text(2, infoBytes)]);
  return { status: 200, headers: { 'content-type': ANSWERED_V2 }, body };
}
