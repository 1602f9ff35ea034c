// What goes in and out of the server, whether it came over a socket or not.

export interface ApiRequest {
  readonly method: string;
  /** Path with query, e.g. `/api/v1/nodes?limit=5`. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Bytes only for protobuf. */
  readonly body?: string | Uint8Array;
  /** Ends a watch. */
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Set for watches instead of a body: one JSON document and a line feed per item. */
  readonly stream?: AsyncIterable<string>;
  /** Aborted when the server has ended the stream, also for a reader that stopped reading. */
  readonly ended?: AbortSignal;
}

export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

export function textResponse(status: number, body: string): ApiResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
