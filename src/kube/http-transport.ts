// The transport over real sockets. Watches use HTTP/1.1 on an agent of their own, because there
// aborting a request closes its socket: a half-open connection can't swallow the next watch.
import { Agent, type Dispatcher, errors, request } from 'undici';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { ClusterAccess, TlsSettings } from './cluster-access.ts';
import { UnreachableError } from './errors.ts';
import type { Lane, Transport, WireRequest, WireResponse, WireStream } from './transport.ts';

const BULK_CONNECTIONS = 32;
const URGENT_CONNECTIONS = 32;
const ELECTION_CONNECTIONS = 2;
const CONNECT_TIMEOUT_MILLISECONDS = 10_000;
const KEEP_ALIVE_MILLISECONDS = 30_000;
const HEADERS_TIMEOUT_MILLISECONDS = 30_000;
/** The server sends a bookmark each minute; a watch silent for longer than this is dead. */
const WATCH_IDLE_MILLISECONDS = 90_000;

interface Agents {
  readonly bulk: Agent;
  readonly urgent: Agent;
  readonly election: Agent;
  readonly watch: Agent;
  /** The client certificate they were made with; a renewed one needs new connections. */
  readonly certificate: string | undefined;
}

export function createHttpTransport(access: ClusterAccess): Transport {
  let agents: Agents | undefined;

  async function prepare(wire: WireRequest): Promise<{ agents: Agents; headers: HeaderMap }> {
    const credential = await access.credential();
    if (agents?.certificate !== credential.certificate || !agents) {
      void closeAgents(agents);
      agents = createAgents(access.tls, credential);
    }
    const headers: HeaderMap = { ...wire.headers };
    if (credential.authorization) headers['authorization'] = credential.authorization;
    return { agents, headers };
  }

  async function send(wire: WireRequest, lane: Lane | 'watch') {
    try {
      const ready = await prepare(wire);
      const response = await request(`${access.server.replace(/\/+$/, '')}${wire.path}`, {
        dispatcher: ready.agents[lane],
        method: wire.method,
        headers: ready.headers,
        ...(wire.body === undefined ? {} : { body: wire.body }),
        ...(wire.signal ? { signal: wire.signal } : {}),
      });
      if (response.statusCode === 401) access.rejected();
      return response;
    } catch (error) {
      throw unreachable(error, wire);
    }
  }

  return {
    async request(wire: WireRequest): Promise<WireResponse> {
      const response = await send(wire, wire.lane ?? 'bulk');
      try {
        const body = await response.body.text();
        return { status: response.statusCode, headers: flatten(response.headers), body };
      } catch (error) {
        throw unreachable(error, wire);
      }
    },
    async stream(wire: WireRequest): Promise<WireStream> {
      const response = await send(wire, 'watch');
      const chunks = translate(response.body, wire);
      return { status: response.statusCode, headers: flatten(response.headers), chunks };
    },
    close: () => closeAgents(agents),
  };
}

type HeaderMap = Record<string, string>;

function createAgents(
  tls: TlsSettings,
  credential: { readonly certificate?: string | undefined; readonly key?: string | undefined },
): Agents {
  const connect = {
    timeout: CONNECT_TIMEOUT_MILLISECONDS,
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(tls.certificateAuthority ? { ca: tls.certificateAuthority } : {}),
    ...(tls.serverName ? { servername: tls.serverName } : {}),
    ...(credential.certificate ? { cert: credential.certificate, key: credential.key } : {}),
  };
  const shared = { allowH2: false, connect, pipelining: 1 };
  const unary = {
    ...shared,
    keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    headersTimeout: HEADERS_TIMEOUT_MILLISECONDS,
    bodyTimeout: HEADERS_TIMEOUT_MILLISECONDS,
  };
  return {
    bulk: new Agent({ ...unary, connections: BULK_CONNECTIONS }),
    urgent: new Agent({ ...unary, connections: URGENT_CONNECTIONS }),
    election: new Agent({ ...unary, connections: ELECTION_CONNECTIONS }),
    watch: new Agent({
      ...shared,
      headersTimeout: HEADERS_TIMEOUT_MILLISECONDS,
      bodyTimeout: WATCH_IDLE_MILLISECONDS,
    }),
    certificate: credential.certificate,
  };
}

async function closeAgents(agents: Agents | undefined): Promise<void> {
  if (!agents) return;
  // Watches never end by themselves: destroy theirs, let unary calls finish.
  const { watch, bulk, urgent, election } = agents;
  await Promise.all([watch.destroy(), bulk.close(), urgent.close(), election.close()]);
}

async function* translate(
  body: Dispatcher.ResponseData['body'],
  wire: WireRequest,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    throw unreachable(error, wire);
  }
}

/** Failures before anything was on the wire: the server can't have acted. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

function unreachable(thrown: unknown, wire: WireRequest): unknown {
  if (thrown instanceof PoolkeeperError) return thrown;
  if (wire.signal?.aborted && wire.signal.reason instanceof UnreachableError)
    return wire.signal.reason;
  const code = (thrown as { code?: string } | undefined)?.code ?? '';
  const call = `${wire.method} ${wire.path.split('?')[0]}`;
  const known = thrown instanceof errors.UndiciError || code !== '';
  const detail = known && code ? `${messageOf(thrown)} (${code})` : messageOf(thrown);
  return new UnreachableError(`${call}: ${detail}`, { sent: !NOT_SENT.has(code), cause: thrown });
}

function flatten(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}
