// The wire: one HTTP request in, one answer or stream of bytes out. No retries, no parsing, no
// judgement; a simulation replaces exactly this with an in-process server.

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Lanes have connections of their own, so that neither a lease renewal nor a claim that somebody waits
 * for ever queues behind bulk work.
 */
export type Lane = 'bulk' | 'urgent' | 'election';

export interface WireRequest {
  readonly method: Method;
  /** Path and query: `/api/v1/namespaces/default/secrets?limit=5`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly lane?: Lane | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WireResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface WireStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Ending the iteration early must free the connection. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Both reject with UnreachableError when no complete answer came; any HTTP status resolves. */
export interface Transport {
  request(request: WireRequest): Promise<WireResponse>;
  /** For watches: resolves when the headers are in. */
  stream(request: WireRequest): Promise<WireStream>;
  close(): Promise<void>;
}
