// One API server, as all rooms talk to it: bounded concurrency, a deadline on every call, retries
// of what may be retried, refusals as ApiError, every request counted.
import type { Clock } from '../runtime/clock.ts';
import { sleep } from '../runtime/clock.ts';
import type { Runtime } from '../runtime/index.ts';
import type { CounterMetric } from '../runtime/metrics.ts';
import { jitter } from '../runtime/random.ts';
import { ApiError, type StatusBody, UnreachableError } from './errors.ts';
import { Gate } from './gate.ts';
import type { Lane, Method, Transport, WireRequest, WireResponse } from './transport.ts';

const DEFAULT_TIMEOUT_MILLISECONDS = 30_000;
const DEFAULT_CONCURRENCY = 32;
const MAX_RETRIES = 3;
/** A server that asks for more is not waited for here: the caller's queue holds the work. */
const MAX_RETRY_WAIT_MILLISECONDS = 10_000;
const FIRST_RETRY_WAIT_MILLISECONDS = 200;

export interface ApiRequest {
  readonly method: Method;
  /** Without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string | undefined;
  /** The shape of the answer, as an Accept header. Default: JSON. */
  readonly accept?: string | undefined;
  readonly lane?: Lane | undefined;
  /** Covers waiting for a turn, retries and the body. Default 30 s. */
  readonly timeoutMilliseconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default true. Leader election does its own. */
  readonly retries?: boolean | undefined;
}

export interface Connection {
  /** The parsed body of a 2xx answer; throws ApiError for any other, UnreachableError for none. */
  call<Answer>(request: ApiRequest): Promise<Answer>;
  /** The body of a 200 answer as it arrives; the caller owns deadlines from then on. */
  stream(request: ApiRequest): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  readonly runtime: Runtime;
  /** `poolkeeper/<version> (<component>)`. */
  readonly userAgent?: string;
  readonly concurrency?: number;
}

export function createConnection(options: ConnectionOptions): Connection {
  return new ApiConnection(options);
}

class ApiConnection implements Connection {
  readonly #transport: Transport;
  readonly #runtime: Runtime;
  readonly #userAgent: string;
  /** Each as wide as its lane has connections. */
  readonly #gates: Readonly<Record<'bulk' | 'urgent', Gate>>;
  readonly #requests: CounterMetric;

  constructor(options: ConnectionOptions) {
    this.#transport = options.transport;
    this.#runtime = options.runtime;
    this.#userAgent = options.userAgent ?? 'poolkeeper';
    const width = options.concurrency ?? DEFAULT_CONCURRENCY;
    this.#gates = { bulk: new Gate(width), urgent: new Gate(width) };
    this.#requests = options.runtime.metrics.counter(
      'rest_client_requests_total',
      'Requests to the Kubernetes API by status code, method and kind of call.',
      ['code', 'method', 'verb'],
    );
  }

  async call<Answer>(request: ApiRequest): Promise<Answer> {
    const timeout = request.timeoutMilliseconds ?? DEFAULT_TIMEOUT_MILLISECONDS;
    const deadline = withDeadline(this.#runtime.clock, timeout, request);
    try {
      // The election lane has connections of its own and must never wait for bulk work.
      if (request.lane === 'election') return await this.#attempts(request, deadline.signal);
      return await this.#gates[request.lane ?? 'bulk'].through(
        () => this.#attempts<Answer>(request, deadline.signal),
        deadline.signal,
      );
    } finally {
      deadline.clear();
    }
  }

  async stream(request: ApiRequest): Promise<AsyncIterable<Uint8Array>> {
    const wire = this.#wire(request, request.signal);
    const response = await this.#counted(request, () => this.#transport.stream(wire));
    if (response.status === 200) return response.chunks;
    const body = await readText(response.chunks);
    throw refusal(request, { ...response, body });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #attempts<Answer>(request: ApiRequest, signal: AbortSignal): Promise<Answer> {
    const wire = this.#wire(request, signal);
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await this.#counted(request, () => this.#transport.request(wire));
        if (response.status >= 200 && response.status < 300) return parse<Answer>(response.body);
        throw refusal(request, response);
      } catch (error) {
        const wait = this.#retryWait(request, error, attempt);
        if (wait === undefined || signal.aborted) throw error;
        await sleep(this.#runtime.clock, wait, signal);
      }
    }
  }

  /** How long to wait before trying again, or undefined when it is the caller's turn to decide. */
  #retryWait(request: ApiRequest, error: unknown, attempt: number): number | undefined {
    if (request.retries === false || attempt >= MAX_RETRIES) return undefined;
    const growing = FIRST_RETRY_WAIT_MILLISECONDS * 2 ** attempt;
    if (error instanceof UnreachableError) {
      if (request.method !== 'GET' && error.sent) return undefined;
      return jitter(this.#runtime.random, growing, 0.5);
    }
    if (!(error instanceof ApiError)) return undefined;
    // These are said before anything is done; the others are safe only where nothing is written.
    const safe = [401, 429].includes(error.status) || request.method === 'GET';
    if (!safe || ![401, 429, 500, 502, 503, 504].includes(error.status)) return undefined;
    if (error.status === 401 && attempt > 0) return undefined;
    const asked = error.retryAfterMilliseconds ?? 0;
    if (asked > MAX_RETRY_WAIT_MILLISECONDS) return undefined;
    return asked + jitter(this.#runtime.random, growing, 0.5);
  }

  async #counted<R extends { readonly status: number }>(
    request: ApiRequest,
    send: () => Promise<R>,
  ): Promise<R> {
    const verb = verbOf(request);
    try {
      const response = await send();
      this.#requests.increment({ code: response.status, method: request.method, verb });
      return response;
    } catch (error) {
      this.#requests.increment({ code: '<error>', method: request.method, verb });
      throw error;
    }
  }

  #wire(request: ApiRequest, signal: AbortSignal | undefined): WireRequest {
    const query = queryString(request.query);
    const headers: Record<string, string> = {
      accept: request.accept ?? 'application/json',
      'user-agent': this.#userAgent,
    };
    if (request.body !== undefined)
      headers['content-type'] = request.contentType ?? 'application/json';
    return {
      method: request.method,
      path: query === '' ? request.path : `${request.path}?${query}`,
      headers,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.lane ? { lane: request.lane } : {}),
      ...(signal ? { signal } : {}),
    };
  }
}

function verbOf(request: ApiRequest): string {
  if (request.query?.['watch']) return 'watch';
  return request.method.toLowerCase();
}

function queryString(query: ApiRequest['query']): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== '') parameters.set(name, value);
  return parameters.toString();
}

function parse<Answer>(body: string): Answer {
  return (body === '' ? undefined : JSON.parse(body)) as Answer;
}

function refusal(request: ApiRequest, response: WireResponse): ApiError {
  return new ApiError({
    status: response.status,
    call: `${request.method} ${request.path}`,
    body: parseStatus(response.body),
    retryAfterMilliseconds: retryAfter(response.headers['retry-after']),
  });
}

function parseStatus(body: string): StatusBody | undefined {
  try {
    return JSON.parse(body) as StatusBody;
  } catch {
    // Proxies and early failures answer in plain text; a little of it tells which one it was.
    return body === '' ? undefined : { message: body.slice(0, 200).trim() };
  }
}

function retryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000;
}

async function readText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

function withDeadline(
  clock: Clock,
  timeoutMilliseconds: number,
  request: ApiRequest,
): { signal: AbortSignal; clear: () => void } {
  const deadline = new AbortController();
  const cancel = clock.schedule(timeoutMilliseconds, () => {
    const message = `${request.method} ${request.path}: no answer in ${timeoutMilliseconds} ms`;
    deadline.abort(new UnreachableError(message, { sent: true }));
  });
  const forward = (): void => deadline.abort(request.signal?.reason);
  if (request.signal?.aborted) forward();
  request.signal?.addEventListener('abort', forward, { once: true });
  return {
    signal: deadline.signal,
    clear: () => {
      cancel();
      request.signal?.removeEventListener('abort', forward);
    },
  };
}
